//! One request on its way through the outbox.

use bytes::Bytes;
use kymo_store::{ChatId, Destination, MessageId};
use serde_json::{Map, Value, json};
use teloxide::types::InlineKeyboardMarkup;
use tokio::sync::oneshot;

use super::message::{Class, Edited, SendError, SentPicture};
use crate::telegram::TelegramError;

/// A request and who waits for its answer.
pub(super) struct Job {
    pub lane: Lane,
    pub call: Call,
    pub answer: Option<oneshot::Sender<Result<Value, Failed>>>,
}

/// What the schedule must know of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Costs nothing and waits for nothing, but its chat's pause.
    Free,
    /// A new message. A lost answer leaves it unknown whether it is there.
    Send(Class),
    /// An edit: only the newest for a message waits, and doing it twice does no harm.
    Edit(Class, MessageId),
}

/// A Bot API request; `chat_id` is put in when it is sent, since a group may move meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub method: &'static str,
    pub chat: Option<ChatId>,
    pub body: Map<String, Value>,
    pub attachment: Option<Attachment>,
}

#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub field: &'static str,
    pub name: String,
    pub mime: &'static str,
    pub bytes: Bytes,
}

/// Why a request came to nothing.
#[derive(Clone, Debug)]
pub(super) enum Failed {
    Telegram(TelegramError),
    Superseded,
    Closed,
}

impl Job {
    pub fn free(chat: Option<ChatId>, method: &'static str, body: Map<String, Value>) -> Self {
        Self::new(Lane::Free, chat, method, body)
    }

    pub fn send(class: Class, chat: ChatId, method: &'static str, body: Map<String, Value>) -> Self {
        Self::new(Lane::Send(class), Some(chat), method, body)
    }

    pub fn edit(
        class: Class,
        chat: ChatId,
        message: MessageId,
        method: &'static str,
        mut body: Map<String, Value>,
    ) -> Self {
        body.insert("message_id".into(), message.0.into());
        Self::new(Lane::Edit(class, message), Some(chat), method, body)
    }

    fn new(lane: Lane, chat: Option<ChatId>, method: &'static str, body: Map<String, Value>) -> Self {
        Self {
            lane,
            call: Call {
                method,
                chat,
                body,
                attachment: None,
            },
            answer: None,
        }
    }

    pub fn with(mut self, attachment: Attachment) -> Self {
        self.call.attachment = Some(attachment);
        self
    }
}

impl Attachment {
    pub fn png(field: &'static str, bytes: Bytes) -> Self {
        Self {
            field,
            name: "kymograph.png".to_owned(),
            mime: "image/png",
            bytes,
        }
    }
}

impl Call {
    /// A newer edit of the same message takes this one's place. A new caption alone must not
    /// lose the picture that still waits.
    pub fn replace(&mut self, newer: Call) {
        match (self.method, newer.method) {
            ("editMessageMedia", "editMessageCaption") => {
                if let (Some(media), Some(caption)) = (self.body.get_mut("media"), newer.body.get("caption"))
                {
                    media["caption"] = caption.clone();
                }
                replace_keyboard(&mut self.body, &newer.body);
            }
            (_, "editMessageReplyMarkup") => replace_keyboard(&mut self.body, &newer.body),
            _ => *self = newer,
        }
    }
}

fn replace_keyboard(body: &mut Map<String, Value>, newer: &Map<String, Value>) {
    match newer.get("reply_markup") {
        Some(keyboard) => body.insert("reply_markup".into(), keyboard.clone()),
        None => body.remove("reply_markup"),
    };
}

pub(super) fn place(to: Destination, reply_to: Option<MessageId>, silent: bool) -> Map<String, Value> {
    let mut body = Map::new();
    if let Some(thread) = to.thread {
        body.insert("message_thread_id".into(), thread.0.into());
    }
    if let Some(message) = reply_to {
        // The answer is worth more than the quotation when the question was deleted meanwhile.
        body.insert(
            "reply_parameters".into(),
            json!({"message_id": message.0, "allow_sending_without_reply": true}),
        );
    }
    if silent {
        body.insert("disable_notification".into(), true.into());
    }
    body
}

pub(super) fn put_keyboard(body: &mut Map<String, Value>, keyboard: Option<InlineKeyboardMarkup>) {
    if let Some(keyboard) = keyboard {
        body.insert("reply_markup".into(), json!(keyboard));
    }
}

pub(super) fn sent_message(sent: &Value) -> Result<MessageId, SendError> {
    match sent["message_id"].as_i64() {
        Some(id) => Ok(MessageId(id)),
        None => Err(TelegramError::Lost("the answer names no message".to_owned()).into()),
    }
}

pub(super) fn sent_picture(sent: &Value) -> Result<SentPicture, SendError> {
    // Telegram lists the sizes from small to large.
    let largest = sent["photo"].as_array().and_then(|sizes| sizes.last());
    let file_id = largest
        .and_then(|size| size["file_id"].as_str())
        .map(str::to_owned);
    Ok(SentPicture {
        message: sent_message(sent)?,
        file_id,
    })
}

/// What an edit's failure means to whoever wanted the message to show something.
pub(super) fn edited(failed: Failed) -> Result<Edited, SendError> {
    match failed {
        Failed::Superseded | Failed::Telegram(TelegramError::Canceled) => Ok(Edited::Superseded),
        Failed::Telegram(TelegramError::NotModified) => Ok(Edited::Unchanged),
        failed => Err(failed.into()),
    }
}

impl From<Failed> for SendError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Telegram(error) => Self::Telegram(error),
            Failed::Superseded => Self::Telegram(TelegramError::Canceled),
            Failed::Closed => Self::Closed,
        }
    }
}
