//! The Bot API: one request in, one answer out.

pub(crate) mod access;
pub(crate) mod args;
pub(crate) mod error;
pub(crate) mod http;
pub(crate) mod method;
pub(crate) mod request;
pub(crate) mod updates;
