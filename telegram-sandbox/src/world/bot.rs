//! The one bot of the sandbox.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::UserId;
use crate::config::SandboxConfig;

/// Who the bot is and how it takes its updates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bot {
    pub id: UserId,
    pub name: String,
    pub username: String,
    pub privacy_mode: bool,
    pub about: Texts,
    pub webhook: Option<Webhook>,
}

/// What people read about the bot, by language code ("" for everybody).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Texts {
    pub name: std::collections::BTreeMap<String, String>,
    pub description: std::collections::BTreeMap<String, String>,
    pub short_description: std::collections::BTreeMap<String, String>,
}

/// Where updates are posted instead of waiting for `getUpdates`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub url: String,
    pub secret_token: Option<String>,
    pub max_connections: i64,
    pub allowed_updates: Vec<String>,
    pub last_error: Option<(i64, String)>,
}

impl Bot {
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        let id = config
            .token
            .split(':')
            .next()
            .and_then(|id| id.parse().ok())
            .unwrap_or(4242);
        Self {
            id,
            name: config.name.clone(),
            username: config.username.clone(),
            privacy_mode: config.privacy_mode,
            about: Texts::default(),
            webhook: None,
        }
    }

    pub(crate) fn user(&self) -> Value {
        json!({ "id": self.id, "is_bot": true, "first_name": self.name, "username": self.username })
    }

    /// `getMe` tells more than a `User` elsewhere.
    pub(crate) fn me(&self) -> Value {
        let mut user = self.user();
        for (field, value) in [
            ("can_join_groups", true),
            ("can_read_all_group_messages", !self.privacy_mode),
            ("supports_inline_queries", false),
            ("can_connect_to_business", false),
            ("has_main_web_app", false),
        ] {
            user[field] = value.into();
        }
        user
    }
}
