//! Who somebody is in a chat and what that allows.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Membership of one user, the bot included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum Standing {
    Creator,
    Administrator { rights: AdminRights },
    Member,
    Left,
    Kicked,
}

/// The rights that matter to what the sandbox does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AdminRights {
    pub can_pin_messages: bool,
    pub can_delete_messages: bool,
    pub can_manage_topics: bool,
    pub can_invite_users: bool,
    pub can_change_info: bool,
    pub can_restrict_members: bool,
    pub can_promote_members: bool,
    pub can_post_messages: bool,
    pub can_edit_messages: bool,
}

impl AdminRights {
    pub(crate) fn all() -> Self {
        Self {
            can_pin_messages: true,
            can_delete_messages: true,
            can_manage_topics: true,
            can_invite_users: true,
            can_change_info: true,
            can_restrict_members: true,
            can_promote_members: true,
            can_post_messages: true,
            can_edit_messages: true,
        }
    }
}

impl Standing {
    pub(crate) fn inside(&self) -> bool {
        match self {
            Standing::Creator | Standing::Administrator { .. } | Standing::Member => true,
            Standing::Left | Standing::Kicked => false,
        }
    }

    pub(crate) fn is_admin(&self) -> bool {
        match self {
            Standing::Creator | Standing::Administrator { .. } => true,
            Standing::Member | Standing::Left | Standing::Kicked => false,
        }
    }

    pub(crate) fn rights(&self) -> AdminRights {
        match self {
            Standing::Creator => AdminRights::all(),
            Standing::Administrator { rights } => *rights,
            Standing::Member | Standing::Left | Standing::Kicked => AdminRights::default(),
        }
    }

    pub(crate) fn status(&self) -> &'static str {
        match self {
            Standing::Creator => "creator",
            Standing::Administrator { .. } => "administrator",
            Standing::Member => "member",
            Standing::Left => "left",
            Standing::Kicked => "kicked",
        }
    }

    /// A `ChatMember` as the Bot API spells it.
    pub(crate) fn to_json(&self, user: Value, place: Place) -> Value {
        let mut fields = Map::new();
        fields.insert("status".into(), self.status().into());
        fields.insert("user".into(), user);
        match self {
            Standing::Creator => {
                fields.insert("is_anonymous".into(), false.into());
            }
            Standing::Administrator { rights } => {
                fields.insert("can_be_edited".into(), false.into());
                fields.extend(rights.to_json(place));
            }
            Standing::Kicked => {
                fields.insert("until_date".into(), json!(0));
            }
            Standing::Member | Standing::Left => {}
        }
        fields.into()
    }
}

/// Some rights exist in one kind of chat only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Group,
    Channel,
}

impl AdminRights {
    pub(crate) fn to_json(self, place: Place) -> Map<String, Value> {
        let mut rights = vec![
            ("is_anonymous", false),
            ("can_manage_chat", true),
            ("can_delete_messages", self.can_delete_messages),
            ("can_manage_video_chats", false),
            ("can_restrict_members", self.can_restrict_members),
            ("can_promote_members", self.can_promote_members),
            ("can_change_info", self.can_change_info),
            ("can_invite_users", self.can_invite_users),
            ("can_post_stories", false),
            ("can_edit_stories", false),
            ("can_delete_stories", false),
            ("can_send_welcome_messages", false),
        ];
        match place {
            Place::Group => {
                rights.push(("can_pin_messages", self.can_pin_messages));
                rights.push(("can_manage_topics", self.can_manage_topics));
            }
            Place::Channel => {
                rights.push(("can_post_messages", self.can_post_messages));
                rights.push(("can_edit_messages", self.can_edit_messages));
            }
        }
        rights
            .into_iter()
            .map(|(right, held)| (right.to_owned(), held.into()))
            .collect()
    }
}
