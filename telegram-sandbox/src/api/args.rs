//! The parameters of one call, checked against the method's own table.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::ApiError;
use super::method::Method;

/// A file that came with the request.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub name: String,
    pub mime: String,
    pub bytes: Bytes,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Args {
    pub values: BTreeMap<String, Value>,
    pub files: BTreeMap<String, Upload>,
}

impl Args {
    /// Refuses parameters that the method does not have. Telegram ignores them; here a misspelt one is loud.
    pub(crate) fn check(&self, method: &Method) -> Result<(), ApiError> {
        for name in self.values.keys() {
            if !method.params.iter().any(|p| p.name == name) {
                let method = method.name;
                return Err(ApiError::bad(format!(
                    "the sandbox knows no parameter \"{name}\" of {method}: misspelt, or not supported here"
                )));
            }
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|v| !v.is_null())
    }

    /// Text; numbers and booleans of a JSON body are read as they are written.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|v| match v {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        if text.is_empty() {
            return Ok(None);
        }
        text.parse()
            .map(Some)
            .map_err(|_| ApiError::bad(format!("parameter \"{name}\" must be an Integer")))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name).map(|t| t.to_ascii_lowercase()).as_deref() {
            None | Some("" | "false" | "no" | "0") => Ok(false),
            Some("true" | "yes" | "1") => Ok(true),
            Some(_) => Err(ApiError::bad(format!("parameter \"{name}\" must be a Boolean"))),
        }
    }

    /// A JSON object or array: given as such, or as text in a form.
    pub(crate) fn object<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.json(name)? else {
            return Ok(None);
        };
        serde_json::from_value(value)
            .map(Some)
            .map_err(|e| ApiError::bad(format!("can't parse parameter \"{name}\": {e}")))
    }

    pub(crate) fn json(&self, name: &str) -> Result<Option<Value>, ApiError> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text)
                .map(Some)
                .map_err(|e| ApiError::bad(format!("can't parse parameter \"{name}\" as JSON: {e}"))),
            Some(other) => Ok(Some(other.clone())),
        }
    }

    /// The id of a message that must be named.
    pub(crate) fn message_id(&self) -> Result<i64, ApiError> {
        let id = self.integer("message_id")?.filter(|&id| id > 0);
        id.ok_or_else(|| ApiError::bad("message identifier is not specified"))
    }

    pub(crate) fn user_id(&self) -> Result<i64, ApiError> {
        self.integer("user_id")?
            .ok_or_else(|| ApiError::bad("invalid user_id specified"))
    }

    /// The chat as written, to note the call even when it fails.
    pub(crate) fn chat_hint(&self) -> Option<i64> {
        self.integer("chat_id").ok().flatten()
    }
}
