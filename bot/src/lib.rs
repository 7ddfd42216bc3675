//! kymo-bot
