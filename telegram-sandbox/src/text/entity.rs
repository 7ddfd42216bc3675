//! One stretch of marked text, and the text it belongs to.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::error::ApiError;

/// A `MessageEntity`; offset and length count UTF-16 code units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entity {
    #[serde(rename = "type")]
    pub kind: String,
    pub offset: usize,
    pub length: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_emoji_id: Option<String>,
}

impl Entity {
    pub(crate) fn new(kind: &str, offset: usize, length: usize) -> Self {
        Self {
            kind: kind.into(),
            offset,
            length,
            url: None,
            user: None,
            language: None,
            custom_emoji_id: None,
        }
    }

    pub(crate) fn end(&self) -> usize {
        self.offset + self.length
    }
}

/// Text after parsing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Formatted {
    pub text: String,
    pub entities: Vec<Entity>,
}

impl Formatted {
    pub(crate) fn plain(text: &str) -> Self {
        Self {
            text: text.into(),
            entities: Vec::new(),
        }
    }

    pub(crate) fn len16(&self) -> usize {
        utf16_len(&self.text)
    }
}

pub(crate) fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

const KINDS: [&str; 20] = [
    "mention",
    "hashtag",
    "cashtag",
    "bot_command",
    "url",
    "email",
    "phone_number",
    "bold",
    "italic",
    "underline",
    "strikethrough",
    "spoiler",
    "blockquote",
    "expandable_blockquote",
    "code",
    "pre",
    "text_link",
    "text_mention",
    "custom_emoji",
    "date_time",
];

/// Entities that a bot computed by itself must lie inside the text.
pub(crate) fn check_given(raw: &str, entities: Vec<Entity>) -> Result<Formatted, ApiError> {
    let length = utf16_len(raw);
    for entity in &entities {
        if !KINDS.contains(&entity.kind.as_str()) {
            return Err(ApiError::bad(
                "can't parse entities: unsupported type of the entity was specified",
            ));
        }
        if entity.length == 0 || entity.end() > length {
            let (kind, offset) = (&entity.kind, entity.offset);
            return Err(ApiError::bad(format!(
                "can't parse entities: entity {kind} at offset {offset} lies outside of the text"
            )));
        }
        if entity.kind == "text_link" && entity.url.is_none() {
            return Err(ApiError::bad(
                "can't parse entities: field \"url\" must be of type String",
            ));
        }
    }
    Ok(Formatted {
        text: raw.into(),
        entities,
    })
}
