//! An answer of Telegram that is not a result.

use serde_json::{Value, json};

/// `ok: false` with a code and Telegram's own words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub code: u16,
    pub description: String,
    pub retry_after: Option<u64>,
    pub migrate_to: Option<i64>,
}

impl ApiError {
    fn new(code: u16, description: String) -> Self {
        Self {
            code,
            description,
            retry_after: None,
            migrate_to: None,
        }
    }

    pub(crate) fn bad(reason: impl AsRef<str>) -> Self {
        Self::new(400, format!("Bad Request: {}", reason.as_ref()))
    }

    pub(crate) fn forbidden(reason: &str) -> Self {
        Self::new(403, format!("Forbidden: {reason}"))
    }

    pub(crate) fn conflict(reason: &str) -> Self {
        Self::new(409, format!("Conflict: {reason}"))
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized".into())
    }

    pub(crate) fn no_method() -> Self {
        Self::new(404, "Not Found: method not found".into())
    }

    pub(crate) fn too_large() -> Self {
        Self::new(413, "Request Entity Too Large".into())
    }

    pub(crate) fn server(code: u16) -> Self {
        let text = match code {
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => "Internal Server Error",
        };
        Self::new(code, text.into())
    }

    pub(crate) fn too_many(retry_after: u64) -> Self {
        let mut error = Self::new(429, format!("Too Many Requests: retry after {retry_after}"));
        error.retry_after = Some(retry_after);
        error
    }

    pub(crate) fn migrated(to: i64) -> Self {
        let mut error = Self::bad("group chat was upgraded to a supergroup chat");
        error.migrate_to = Some(to);
        error
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut body = json!({ "ok": false, "error_code": self.code, "description": self.description });
        let mut parameters = serde_json::Map::new();
        if let Some(seconds) = self.retry_after {
            parameters.insert("retry_after".into(), seconds.into());
        }
        if let Some(chat) = self.migrate_to {
            parameters.insert("migrate_to_chat_id".into(), chat.into());
        }
        if !parameters.is_empty() {
            body["parameters"] = parameters.into();
        }
        body
    }
}
