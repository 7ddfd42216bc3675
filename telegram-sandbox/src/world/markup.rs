//! Inline keyboards, checked as Telegram checks them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::error::ApiError;

/// Rows of buttons; empty means none.
pub(crate) type Keyboard = Vec<Vec<Button>>;

/// An `InlineKeyboardButton`. It must do exactly one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Button {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_data: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web_app: Option<WebApp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_text: Option<CopyText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_inline_query: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch_inline_query_current_chat: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon_custom_emoji_id: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebApp {
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CopyText {
    pub text: String,
}

/// What a bot may put below a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Markup {
    Inline(Keyboard),
    /// Asks for a reply or takes a custom keyboard away; nothing stays in the message.
    Passing,
}

/// Longest `callback_data`, in bytes.
const DATA_BYTES: usize = 64;
/// Most buttons of one message and of one row.
const BUTTONS: usize = 100;

/// Parses a `reply_markup` parameter.
pub(crate) fn parse(raw: Value, private: bool) -> Result<Markup, ApiError> {
    let Value::Object(fields) = raw else {
        return Err(ApiError::bad("object expected as reply markup"));
    };
    let Some(rows) = fields.get("inline_keyboard") else {
        return other_markup(&fields);
    };
    if let Some(extra) = fields.keys().find(|k| *k != "inline_keyboard") {
        return Err(ApiError::bad(format!(
            "can't parse reply markup: InlineKeyboardMarkup has no field \"{extra}\""
        )));
    }
    let Value::Array(rows) = rows else {
        return Err(ApiError::bad(
            "field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array",
        ));
    };
    let mut keyboard = Keyboard::new();
    for row in rows {
        let Value::Array(row) = row else {
            return Err(ApiError::bad(
                "field \"inline_keyboard\" of the InlineKeyboardMarkup must be an Array of Arrays",
            ));
        };
        let buttons = row
            .iter()
            .map(|b| button(b, private))
            .collect::<Result<Vec<_>, _>>()?;
        if !buttons.is_empty() {
            keyboard.push(buttons);
        }
    }
    if keyboard.iter().map(Vec::len).sum::<usize>() > BUTTONS {
        return Err(ApiError::bad("reply markup is too long"));
    }
    Ok(Markup::Inline(keyboard))
}

fn other_markup(fields: &serde_json::Map<String, Value>) -> Result<Markup, ApiError> {
    let passing = ["force_reply", "remove_keyboard"];
    if passing.iter().any(|f| fields.get(*f) == Some(&Value::Bool(true))) {
        return Ok(Markup::Passing);
    }
    if fields.contains_key("keyboard") {
        return Err(ApiError::bad(
            "the sandbox has no custom keyboards: use an inline keyboard",
        ));
    }
    Err(ApiError::bad(
        "can't parse reply markup: InlineKeyboardMarkup, ForceReply or ReplyKeyboardRemove expected",
    ))
}

fn button(raw: &Value, private: bool) -> Result<Button, ApiError> {
    if !raw.is_object() {
        return Err(ApiError::bad(
            "can't parse inline keyboard button: expected an Object",
        ));
    }
    let button: Button = serde_json::from_value(raw.clone())
        .map_err(|e| ApiError::bad(format!("can't parse inline keyboard button: {e}")))?;
    if button.text.trim().is_empty() {
        return Err(ApiError::bad("can't parse inline keyboard button: text is empty"));
    }
    let deeds = [
        button.url.is_some(),
        button.callback_data.is_some(),
        button.web_app.is_some(),
        button.copy_text.is_some(),
        button.switch_inline_query.is_some(),
        button.switch_inline_query_current_chat.is_some(),
    ];
    match deeds.into_iter().filter(|&d| d).count() {
        0 => {
            return Err(ApiError::bad(
                "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
            ));
        }
        1 => {}
        _ => {
            return Err(ApiError::bad(
                "can't parse inline keyboard button: a button does exactly one thing",
            ));
        }
    }
    check_deed(&button, private)?;
    Ok(button)
}

fn check_deed(button: &Button, private: bool) -> Result<(), ApiError> {
    if let Some(data) = &button.callback_data
        && !(1..=DATA_BYTES).contains(&data.len())
    {
        return Err(ApiError::bad("BUTTON_DATA_INVALID"));
    }
    if let Some(url) = &button.url
        && crate::text::html::link_target(url).is_none()
    {
        return Err(ApiError::bad(format!(
            "inline keyboard button URL '{url}' is invalid: Wrong HTTP URL"
        )));
    }
    if let Some(app) = &button.web_app {
        if !private {
            return Err(ApiError::bad("BUTTON_TYPE_INVALID"));
        }
        if !app.url.starts_with("https://") {
            let url = &app.url;
            return Err(ApiError::bad(format!(
                "inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed"
            )));
        }
    }
    if let Some(copy) = &button.copy_text
        && !(1..=256).contains(&crate::text::utf16_len(&copy.text))
    {
        return Err(ApiError::bad("BUTTON_COPY_TEXT_INVALID"));
    }
    if let Some(style) = &button.style
        && !["danger", "success", "primary"].contains(&style.as_str())
    {
        return Err(ApiError::bad(
            "can't parse inline keyboard button: unsupported button style",
        ));
    }
    Ok(())
}
