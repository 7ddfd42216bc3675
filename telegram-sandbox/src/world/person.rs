//! A person with a phone. Everybody has a private chat with the bot; it opens when they press Start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ChatId, MessageId, UserId};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Person {
    pub id: UserId,
    pub first_name: String,
    pub last_name: Option<String>,
    pub username: Option<String>,
    pub language_code: Option<String>,
    /// Wrote to the bot at least once.
    pub started: bool,
    pub blocked: bool,
    /// The newest message seen, by chat, for the unread badges of the phone page.
    pub read: BTreeMap<ChatId, MessageId>,
}

impl Person {
    pub(crate) fn user(&self) -> Value {
        let mut user = json!({ "id": self.id, "is_bot": false, "first_name": self.first_name });
        for (field, value) in [
            ("last_name", &self.last_name),
            ("username", &self.username),
            ("language_code", &self.language_code),
        ] {
            if let Some(value) = value {
                user[field] = value.as_str().into();
            }
        }
        user
    }

    pub(crate) fn full_name(&self) -> String {
        match &self.last_name {
            Some(last) => format!("{} {last}", self.first_name),
            None => self.first_name.clone(),
        }
    }
}
