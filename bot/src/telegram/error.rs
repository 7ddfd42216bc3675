//! Telegram's refusals. Every text of theirs that we depend on is matched here and nowhere else.

use std::time::Duration;

use kymo_store::ChatId;
use serde::Deserialize;

/// The caller's choices.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TelegramError {
    /// The message shows it already.
    #[error("the message shows this already")]
    NotModified,
    /// The message to edit, delete or forward is not there any more.
    #[error("the message is gone")]
    MessageGone,
    /// A newer edit of the same message overtook this one.
    #[error("a newer edit overtook this one")]
    Canceled,
    #[error("the message to pin is gone")]
    PinGone,
    /// The message to reply to, or the forum's topic, is not there any more.
    #[error("the place to write to is gone: {0}")]
    PlaceGone(String),
    #[error("the bot lacks a right: {0}")]
    NoRight(String),
    /// Kicked, blocked, or the person never pressed Start.
    #[error("the bot may not write there: {0}")]
    Forbidden(String),
    #[error("there is no such chat, or the bot is not in it")]
    ChatGone,
    /// The group became this supergroup.
    #[error("the group became the supergroup {0}")]
    Moved(ChatId),
    #[error("the button was pressed too long ago")]
    QueryTooOld,
    #[error("the file is too big for Telegram")]
    TooBig,
    #[error("Telegram asks to wait {} s", .0.as_secs())]
    Flooded(Duration),
    #[error(
        "Telegram does not know the bot's token; check it with @BotFather and put it into KYMO_TELEGRAM_TOKEN or its file"
    )]
    Unauthorized,
    #[error("another program reads this bot's updates; stop it, or give this one a bot of its own")]
    Conflict,
    #[error("the bot's updates go to a webhook, so nobody can ask for them")]
    Webhook,
    /// The request cannot have reached Telegram, or Telegram says that it failed.
    #[error("Telegram cannot be reached: {0}")]
    Away(String),
    /// Telegram may or may not have done it.
    #[error("Telegram's answer was lost: {0}")]
    Lost(String),
    #[error("Telegram refused: {code} {description}")]
    Refused { code: i64, description: String },
}

/// Telegram's answer to a request that failed.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    #[serde(default)]
    pub error_code: i64,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Parameters {
    pub retry_after: Option<u64>,
    pub migrate_to_chat_id: Option<i64>,
}

impl Refusal {
    /// An answer without Telegram's JSON in it.
    pub fn bare(status: reqwest::StatusCode) -> Self {
        Self {
            error_code: status.as_u16().into(),
            description: status.canonical_reason().unwrap_or("without a reason").to_owned(),
            parameters: Parameters::default(),
        }
    }
}

impl TelegramError {
    pub(crate) fn of(refusal: Refusal) -> Self {
        let Refusal {
            error_code: code,
            description,
            parameters,
        } = refusal;
        if let Some(chat) = parameters.migrate_to_chat_id {
            return Self::Moved(ChatId(chat));
        }
        if let Some(seconds) = parameters.retry_after {
            return Self::Flooded(Duration::from_secs(seconds));
        }
        let text = description.to_lowercase();
        let says = |words: &str| text.contains(words);
        match code {
            // A token that was never one is 404 for every method, and so is an unknown method.
            401 => Self::Unauthorized,
            404 if !says("method") => Self::Unauthorized,
            409 if says("webhook") => Self::Webhook,
            409 => Self::Conflict,
            413 => Self::TooBig,
            429 => Self::Flooded(Duration::from_secs(1)),
            500.. => Self::Away(format!("{code} {description}")),
            _ if says("message is not modified") => Self::NotModified,
            _ if says("canceled by new edit") => Self::Canceled,
            _ if says("message to pin not found") => Self::PinGone,
            _ if says("message to edit not found")
                || says("message to delete not found")
                || says("message can't be edited")
                || says("message_id_invalid") =>
            {
                Self::MessageGone
            }
            _ if says("message to be replied not found")
                || says("replied message not found")
                || says("message thread not found")
                || says("topic_closed")
                || says("topic_deleted") =>
            {
                Self::PlaceGone(description)
            }
            _ if says("query is too old") || says("query id is invalid") => Self::QueryTooOld,
            _ if says("not enough rights")
                || says("need administrator rights")
                || says("have no rights")
                || says("chat_admin_required")
                || says("message can't be deleted") =>
            {
                Self::NoRight(description)
            }
            _ if says("chat not found") || says("group chat was deactivated") => Self::ChatGone,
            _ if says("file is too big") || says("too large") || says("photo_invalid_dimensions") => {
                Self::TooBig
            }
            403 => Self::Forbidden(description),
            _ => Self::Refused { code, description },
        }
    }

    /// Whether the chat itself is lost for the bot until somebody lets it in again.
    pub fn loses_chat(&self) -> bool {
        matches!(self, Self::Forbidden(_) | Self::ChatGone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> TelegramError {
        TelegramError::of(serde_json::from_str(answer).expect("an answer of Telegram"))
    }

    fn refusal(code: i64, description: &str) -> TelegramError {
        read(&serde_json::json!({"ok": false, "error_code": code, "description": description}).to_string())
    }

    #[test]
    fn each_text_that_we_depend_on_is_known() {
        let no_right = |text: &str| TelegramError::NoRight(text.to_owned());
        let forbidden = |text: &str| TelegramError::Forbidden(text.to_owned());
        let cases = [
            (
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are exactly \
                 the same as a current content and reply markup of the message",
                TelegramError::NotModified,
            ),
            (
                400,
                "Bad Request: message to edit not found",
                TelegramError::MessageGone,
            ),
            (
                400,
                "Bad Request: message can't be edited",
                TelegramError::MessageGone,
            ),
            (
                400,
                "Bad Request: message to delete not found",
                TelegramError::MessageGone,
            ),
            (400, "Bad Request: MESSAGE_ID_INVALID", TelegramError::MessageGone),
            (
                400,
                "Canceled by new editmessagemedia request",
                TelegramError::Canceled,
            ),
            (
                400,
                "Bad Request: message to pin not found",
                TelegramError::PinGone,
            ),
            (
                400,
                "Bad Request: message thread not found",
                TelegramError::PlaceGone("Bad Request: message thread not found".into()),
            ),
            (
                400,
                "Bad Request: message to be replied not found",
                TelegramError::PlaceGone("Bad Request: message to be replied not found".into()),
            ),
            (
                400,
                "Bad Request: not enough rights to manage pinned messages in the chat",
                no_right("Bad Request: not enough rights to manage pinned messages in the chat"),
            ),
            (
                400,
                "Bad Request: need administrator rights in the channel chat",
                no_right("Bad Request: need administrator rights in the channel chat"),
            ),
            (
                400,
                "Bad Request: CHAT_ADMIN_REQUIRED",
                no_right("Bad Request: CHAT_ADMIN_REQUIRED"),
            ),
            (
                400,
                "Bad Request: message can't be deleted",
                no_right("Bad Request: message can't be deleted"),
            ),
            (
                400,
                "Bad Request: query is too old and response timeout expired or query ID is invalid",
                TelegramError::QueryTooOld,
            ),
            (400, "Bad Request: chat not found", TelegramError::ChatGone),
            (
                400,
                "Bad Request: group chat was deactivated",
                TelegramError::ChatGone,
            ),
            (400, "Bad Request: file is too big", TelegramError::TooBig),
            (
                400,
                "Bad Request: PHOTO_INVALID_DIMENSIONS",
                TelegramError::TooBig,
            ),
            (413, "Request Entity Too Large", TelegramError::TooBig),
            (
                403,
                "Forbidden: bot was kicked from the group chat",
                forbidden("Forbidden: bot was kicked from the group chat"),
            ),
            (
                403,
                "Forbidden: bot was blocked by the user",
                forbidden("Forbidden: bot was blocked by the user"),
            ),
            (
                403,
                "Forbidden: bot can't initiate conversation with a user",
                forbidden("Forbidden: bot can't initiate conversation with a user"),
            ),
            (401, "Unauthorized", TelegramError::Unauthorized),
            (404, "Not Found", TelegramError::Unauthorized),
            (
                404,
                "Not Found: method not found",
                TelegramError::Refused {
                    code: 404,
                    description: "Not Found: method not found".into(),
                },
            ),
            (
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
                TelegramError::Conflict,
            ),
            (
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
                TelegramError::Webhook,
            ),
            (502, "Bad Gateway", TelegramError::Away("502 Bad Gateway".into())),
            (
                400,
                "Bad Request: can't parse entities",
                TelegramError::Refused {
                    code: 400,
                    description: "Bad Request: can't parse entities".into(),
                },
            ),
        ];
        for (code, text, error) in cases {
            assert_eq!(refusal(code, text), error, "{text}");
        }
    }

    #[test]
    fn what_telegram_says_in_parameters_counts_more_than_the_text() {
        let flooded = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}"#;
        assert_eq!(read(flooded), TelegramError::Flooded(Duration::from_secs(7)));
        let moved = r#"{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001}}"#;
        assert_eq!(read(moved), TelegramError::Moved(ChatId(-1001)));
    }
}
