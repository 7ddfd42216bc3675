//! `kymo doctor --telegram CHAT`: every method that the bot uses, once, in one chat, and the
//! refusals that it counts on. What Telegram answers otherwise is reported, method by method.

use serde_json::{Map, Value, json};

use super::Check;
use super::picture::picture;
use crate::telegram::{Telegram, TelegramError, Upload};

/// What Telegram should answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Done,
    NotModified,
    MessageGone,
    PinGone,
    QueryTooOld,
}

/// A walk through one chat; it takes its messages away behind itself.
struct Walk<'a> {
    telegram: &'a Telegram,
    chat: i64,
    checks: Vec<Check>,
    messages: Vec<i64>,
}

pub(super) async fn check(telegram: &Telegram, chat: i64, bot: u64) -> Vec<Check> {
    let mut walk = Walk {
        telegram,
        chat,
        checks: Vec::new(),
        messages: Vec::new(),
    };
    walk.chat_itself(bot).await;
    walk.texts().await;
    walk.pictures().await;
    walk.document().await;
    walk.menus().await;
    walk.rest().await;
    walk.checks
}

impl Walk<'_> {
    async fn chat_itself(&mut self, bot: u64) {
        self.call("getChat", json!({}), Expected::Done).await;
        self.call("getChatMember", json!({ "user_id": bot }), Expected::Done)
            .await;
    }

    async fn texts(&mut self) {
        let keyboard = json!({ "inline_keyboard": [[{ "text": "A button", "callback_data": "0:doctor" }]] });
        let text = "<b>kymo doctor</b> tries what the bot does &amp; takes it away again.";
        let say = json!({
            "text": text, "parse_mode": "HTML", "reply_markup": keyboard,
            "link_preview_options": { "is_disabled": true }, "disable_notification": true,
        });
        let Some(message) = self.send("sendMessage", say).await else {
            return;
        };
        let with = |mut body: Value| {
            body["message_id"] = message.into();
            body
        };
        let edit = with(json!({ "text": "<i>edited</i>", "parse_mode": "HTML", "reply_markup": keyboard }));
        self.call("editMessageText", edit.clone(), Expected::Done).await;
        self.call("editMessageText", edit, Expected::NotModified).await;
        self.call("editMessageReplyMarkup", with(json!({})), Expected::Done)
            .await;
        self.call(
            "pinChatMessage",
            with(json!({ "disable_notification": true })),
            Expected::Done,
        )
        .await;
        let force = json!({ "force_reply": true, "selective": true });
        let reply = json!({ "message_id": message, "allow_sending_without_reply": true });
        self.send(
            "sendMessage",
            json!({ "text": "a question", "reply_markup": force, "reply_parameters": reply }),
        )
        .await;
    }

    async fn pictures(&mut self) {
        let caption =
            json!({ "caption": "<b>a picture</b>", "parse_mode": "HTML", "disable_notification": true });
        let sent = self.upload("sendPhoto", caption, "photo", picture(80)).await;
        let Some(sent) = sent else { return };
        let message = sent["message_id"].clone();
        self.messages.extend(message.as_i64());
        let media = json!({
            "message_id": message,
            "media": { "type": "photo", "media": "attach://picture", "caption": "another picture", "parse_mode": "HTML" },
        });
        self.upload("editMessageMedia", media, "picture", picture(160))
            .await;
        self.call(
            "editMessageCaption",
            json!({ "message_id": message, "caption": "other words" }),
            Expected::Done,
        )
        .await;
        let file = sent["photo"]
            .as_array()
            .and_then(|sizes| sizes.last())
            .map(|size| size["file_id"].clone());
        if let Some(file) = file {
            self.send(
                "sendPhoto",
                json!({ "photo": file, "disable_notification": true }),
            )
            .await;
        }
    }

    async fn document(&mut self) {
        let body = json!({ "caption": "a file", "disable_notification": true });
        let sent = self
            .upload("sendDocument", body, "document", b"kymo doctor\n"[..].into())
            .await;
        self.messages
            .extend(sent.and_then(|sent| sent["message_id"].as_i64()));
    }

    async fn menus(&mut self) {
        // A scope of its own: the menus that people see stay as they are.
        let scope = json!({ "type": "chat_administrators", "chat_id": self.chat });
        let scope = if self.chat > 0 {
            json!({ "type": "chat", "chat_id": self.chat })
        } else {
            scope
        };
        let language = "eo";
        let menu = json!({ "scope": scope, "language_code": language,
            "commands": [{ "command": "help", "description": "what I can do" }] });
        self.anywhere("setMyCommands", menu, Expected::Done).await;
        self.anywhere(
            "deleteMyCommands",
            json!({ "scope": scope, "language_code": language }),
            Expected::Done,
        )
        .await;
    }

    async fn rest(&mut self) {
        let query = json!({ "callback_query_id": "1", "text": "too late" });
        self.anywhere("answerCallbackQuery", query, Expected::QueryTooOld)
            .await;
        let messages = std::mem::take(&mut self.messages);
        for message in &messages {
            self.call("deleteMessage", json!({ "message_id": message }), Expected::Done)
                .await;
        }
        if let Some(gone) = messages.first() {
            self.call(
                "editMessageText",
                json!({ "message_id": gone, "text": "gone" }),
                Expected::MessageGone,
            )
            .await;
            self.call("pinChatMessage", json!({ "message_id": gone }), Expected::PinGone)
                .await;
        }
    }

    async fn send(&mut self, method: &str, body: Value) -> Option<i64> {
        let message = self.call(method, body, Expected::Done).await?["message_id"].as_i64();
        self.messages.extend(message);
        message
    }

    async fn call(&mut self, method: &str, mut body: Value, expected: Expected) -> Option<Value> {
        body["chat_id"] = self.chat.into();
        self.anywhere(method, body, expected).await
    }

    async fn anywhere(&mut self, method: &str, body: Value, expected: Expected) -> Option<Value> {
        let answer = self.telegram.call(method, &body).await;
        self.note(method, answer, expected)
    }

    async fn upload(
        &mut self,
        method: &str,
        body: Value,
        field: &'static str,
        bytes: bytes::Bytes,
    ) -> Option<Value> {
        let mut fields: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
        fields.insert("chat_id".to_owned(), self.chat.into());
        let (name, mime) = match field {
            "document" => ("doctor.txt", "text/plain"),
            _ => ("doctor.png", "image/png"),
        };
        let file = Upload {
            field,
            name: name.to_owned(),
            mime,
            bytes,
        };
        let answer = self.telegram.upload(method, &fields, file).await;
        self.note(method, answer, Expected::Done)
    }

    fn note(
        &mut self,
        method: &str,
        answer: Result<Value, TelegramError>,
        expected: Expected,
    ) -> Option<Value> {
        self.checks.push(judge(method, &answer, expected));
        answer.ok()
    }
}

fn judge(method: &str, answer: &Result<Value, TelegramError>, expected: Expected) -> Check {
    let as_expected = match (expected, answer) {
        (Expected::Done, Ok(_))
        | (Expected::NotModified, Err(TelegramError::NotModified))
        | (Expected::MessageGone, Err(TelegramError::MessageGone))
        | (Expected::PinGone, Err(TelegramError::PinGone))
        | (Expected::QueryTooOld, Err(TelegramError::QueryTooOld)) => true,
        (
            Expected::Done
            | Expected::NotModified
            | Expected::MessageGone
            | Expected::PinGone
            | Expected::QueryTooOld,
            _,
        ) => false,
    };
    let words = match expected {
        Expected::Done => "works",
        Expected::NotModified => "says when nothing changed",
        Expected::MessageGone => "says when the message is gone",
        Expected::PinGone => "says when the message to pin is gone",
        Expected::QueryTooOld => "says when a press is too old",
    };
    match answer {
        _ if as_expected => Check::ok(method, words),
        Err(error @ TelegramError::NoRight(_)) => {
            let remedy = "make the bot an administrator with the right to pin messages";
            Check::warning(method, error.to_string(), remedy)
        }
        Err(error @ TelegramError::Flooded(_)) => {
            Check::warning(method, error.to_string(), "wait, then try again")
        }
        answer => {
            let got = match answer {
                Ok(_) => "it was done".to_owned(),
                Err(error) => error.to_string(),
            };
            Check::error(
                method,
                format!("deviates: expected that it {words}, but {got}"),
                "report this deviation",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Level;
    use super::*;

    /// The names of Bot API methods in the sources below a folder.
    fn methods(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
        {
            if entry.is_dir() {
                methods(&entry, found);
                continue;
            }
            let source = std::fs::read_to_string(&entry).expect("a source");
            let is_method = |word: &&str| {
                let verbs = ["send", "edit", "pin", "unpin", "delete", "answer", "get", "set"];
                let verb = verbs.iter().any(|verb| {
                    word.strip_prefix(verb)
                        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
                });
                verb && word.chars().all(|c| c.is_ascii_alphanumeric())
            };
            found.extend(source.split('"').filter(is_method).map(str::to_owned));
        }
    }

    #[test]
    fn every_method_that_the_bot_uses_is_tried() {
        let mut used = Vec::new();
        methods(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);
        assert!(used.len() > 10, "{used:?}");
        // A second getUpdates would take the running bot's place.
        let untried = ["getUpdates", "setWebhook", "deleteWebhook"];
        let tried = concat!(include_str!("walk.rs"), include_str!("telegram.rs"));
        for method in used.iter().filter(|method| !untried.contains(&method.as_str())) {
            assert!(
                tried.contains(&format!("\"{method}\"")),
                "{method} is not tried by kymo doctor --telegram"
            );
        }
    }

    #[test]
    fn deviations_are_told() {
        for (answer, expected, level) in [
            (Ok(Value::Null), Expected::Done, Level::Ok),
            (Err(TelegramError::NotModified), Expected::NotModified, Level::Ok),
            (Ok(Value::Null), Expected::NotModified, Level::Error),
            (Err(TelegramError::MessageGone), Expected::PinGone, Level::Error),
            (
                Err(TelegramError::NoRight("pin".to_owned())),
                Expected::Done,
                Level::Warning,
            ),
        ] {
            assert_eq!(judge("m", &answer, expected).level, level, "{answer:?}");
        }
    }
}
