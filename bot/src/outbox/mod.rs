//! The outbox: the one place through which everything to Telegram goes. It keeps to the flood
//! limits, edits each message one at a time, and lets alerts overtake replies and replies panels.

mod actor;
mod job;
mod message;
mod schedule;

use kymo_store::{ChatId, Destination, MessageId};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use teloxide::types::InlineKeyboardMarkup;
use tokio::sync::{mpsc, oneshot};

use crate::telegram::TelegramError;
pub use actor::run;
use job::{Attachment, Failed, Job, edited, place, put_keyboard, sent_message, sent_picture};
pub use message::{Answer, Class, Document, Edited, Picture, SendError, SentPicture, TextMessage};

/// The way out. Cheap to clone; every method returns when Telegram has answered.
#[derive(Clone)]
pub struct Outbox {
    jobs: mpsc::Sender<Job>,
}

/// What [`run`] works off.
pub struct Jobs(mpsc::Receiver<Job>);

/// A way out, and what to give to [`run`].
pub fn open() -> (Outbox, Jobs) {
    let (jobs, waiting) = mpsc::channel(256);
    (Outbox { jobs }, Jobs(waiting))
}

#[cfg(test)]
impl Jobs {
    /// How many requests wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.len()
    }
}

impl Outbox {
    pub async fn send_text(&self, class: Class, text: TextMessage) -> Result<MessageId, SendError> {
        let mut body = place(text.to, text.reply_to, text.silent);
        body.insert("text".into(), text.html.into());
        body.insert("parse_mode".into(), "HTML".into());
        body.insert("link_preview_options".into(), json!({"is_disabled": true}));
        put_keyboard(&mut body, text.keyboard);
        if text.force_reply {
            body.insert(
                "reply_markup".into(),
                json!({"force_reply": true, "selective": true}),
            );
        }
        let sent = self
            .submit(Job::send(class, text.to.chat, "sendMessage", body))
            .await?;
        sent_message(&sent)
    }

    /// Replaces text and buttons; no keyboard means none.
    pub async fn edit_text(
        &self,
        class: Class,
        chat: ChatId,
        message: MessageId,
        html: &str,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<Edited, SendError> {
        let mut body = Map::new();
        body.insert("text".into(), html.into());
        body.insert("parse_mode".into(), "HTML".into());
        body.insert("link_preview_options".into(), json!({"is_disabled": true}));
        put_keyboard(&mut body, keyboard);
        self.edit(Job::edit(class, chat, message, "editMessageText", body))
            .await
    }

    /// Replaces the buttons only.
    pub async fn edit_keyboard(
        &self,
        class: Class,
        chat: ChatId,
        message: MessageId,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<Edited, SendError> {
        let mut body = Map::new();
        put_keyboard(&mut body, keyboard);
        self.edit(Job::edit(class, chat, message, "editMessageReplyMarkup", body))
            .await
    }

    pub async fn send_picture(
        &self,
        class: Class,
        to: Destination,
        picture: Picture,
        silent: bool,
    ) -> Result<SentPicture, SendError> {
        let mut body = place(to, None, silent);
        body.insert("caption".into(), picture.caption.into());
        body.insert("parse_mode".into(), "HTML".into());
        put_keyboard(&mut body, picture.keyboard);
        let attachment = Attachment::png("photo", picture.png);
        let sent = self
            .submit(Job::send(class, to.chat, "sendPhoto", body).with(attachment))
            .await?;
        sent_picture(&sent)
    }

    /// Posts a picture that Telegram has already.
    pub async fn send_known_picture(
        &self,
        class: Class,
        to: Destination,
        file_id: &str,
        caption: &str,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<SentPicture, SendError> {
        let mut body = place(to, None, true);
        body.insert("photo".into(), file_id.into());
        body.insert("caption".into(), caption.into());
        body.insert("parse_mode".into(), "HTML".into());
        put_keyboard(&mut body, keyboard);
        let sent = self.submit(Job::send(class, to.chat, "sendPhoto", body)).await?;
        sent_picture(&sent)
    }

    /// Replaces picture, caption and buttons. The file's id comes back when Telegram took the picture.
    pub async fn edit_picture(
        &self,
        class: Class,
        chat: ChatId,
        message: MessageId,
        picture: Picture,
    ) -> Result<(Edited, Option<String>), SendError> {
        let mut body = Map::new();
        body.insert(
            "media".into(),
            json!({"type": "photo", "media": "attach://picture", "caption": picture.caption, "parse_mode": "HTML"}),
        );
        put_keyboard(&mut body, picture.keyboard);
        let job = Job::edit(class, chat, message, "editMessageMedia", body)
            .with(Attachment::png("picture", picture.png));
        match self.submit(job).await {
            Ok(sent) => Ok((Edited::Shown, sent_picture(&sent)?.file_id)),
            Err(error) => Ok((edited(error)?, None)),
        }
    }

    /// Replaces caption and buttons of a picture.
    pub async fn edit_caption(
        &self,
        class: Class,
        chat: ChatId,
        message: MessageId,
        caption: &str,
        keyboard: Option<InlineKeyboardMarkup>,
    ) -> Result<Edited, SendError> {
        let mut body = Map::new();
        body.insert("caption".into(), caption.into());
        body.insert("parse_mode".into(), "HTML".into());
        put_keyboard(&mut body, keyboard);
        self.edit(Job::edit(class, chat, message, "editMessageCaption", body))
            .await
    }

    pub async fn send_document(&self, class: Class, document: Document) -> Result<MessageId, SendError> {
        let mut body = place(document.to, document.reply_to, false);
        if let Some(caption) = document.caption {
            body.insert("caption".into(), caption.into());
            body.insert("parse_mode".into(), "HTML".into());
        }
        let attachment = Attachment {
            field: "document",
            name: document.name,
            mime: "application/octet-stream",
            bytes: document.bytes,
        };
        let sent = self
            .submit(Job::send(class, document.to.chat, "sendDocument", body).with(attachment))
            .await?;
        sent_message(&sent)
    }

    /// Answers a press. Too late is no error: nobody looks any more.
    pub async fn answer_callback(&self, query: &str, answer: Answer) -> Result<(), SendError> {
        let mut body = Map::new();
        body.insert("callback_query_id".into(), query.into());
        let (text, alert) = match answer {
            Answer::Quiet => (None, false),
            Answer::Toast(text) => (Some(text), false),
            Answer::Box(text) => (Some(text), true),
        };
        if let Some(text) = text {
            body.insert("text".into(), text.chars().take(200).collect::<String>().into());
            body.insert("show_alert".into(), alert.into());
        }
        match self.submit(Job::free(None, "answerCallbackQuery", body)).await {
            Ok(_) | Err(Failed::Telegram(TelegramError::QueryTooOld)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// `false`: it was gone already.
    pub async fn delete(&self, chat: ChatId, message: MessageId) -> Result<bool, SendError> {
        let mut body = Map::new();
        body.insert("message_id".into(), message.0.into());
        match self.submit(Job::free(Some(chat), "deleteMessage", body)).await {
            Ok(_) => Ok(true),
            Err(Failed::Telegram(TelegramError::MessageGone)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Pins without a sound.
    pub async fn pin(&self, chat: ChatId, message: MessageId) -> Result<(), SendError> {
        let mut body = Map::new();
        body.insert("message_id".into(), message.0.into());
        body.insert("disable_notification".into(), true.into());
        self.submit(Job::free(Some(chat), "pinChatMessage", body)).await?;
        Ok(())
    }

    /// Any other method (`setMyCommands`, `getChatMember`, ...) that puts no message into a chat.
    /// `body` is the method's parameters without `chat_id`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        chat: Option<ChatId>,
        method: &'static str,
        body: Map<String, Value>,
    ) -> Result<T, SendError> {
        let answer = self.submit(Job::free(chat, method, body)).await?;
        serde_json::from_value(answer).map_err(|error| {
            TelegramError::Lost(format!("{method}: the answer is not understood: {error}")).into()
        })
    }

    async fn edit(&self, job: Job) -> Result<Edited, SendError> {
        match self.submit(job).await {
            Ok(_) => Ok(Edited::Shown),
            Err(error) => edited(error),
        }
    }

    async fn submit(&self, mut job: Job) -> Result<Value, Failed> {
        let (answer, answered) = oneshot::channel();
        job.answer = Some(answer);
        self.jobs.send(job).await.map_err(|_| Failed::Closed)?;
        answered.await.map_err(|_| Failed::Closed)?
    }
}
