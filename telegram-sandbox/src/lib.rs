//! kymo-telegram-sandbox
