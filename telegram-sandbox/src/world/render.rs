//! A message as the Bot API shows it.

use serde_json::{Map, Value, json};

use super::chat::{Chat, Kind};
use super::files::File;
use super::message::{Body, Media, MediaKind, Message, Service};
use super::{ChatId, MessageId, World};
use crate::text::Formatted;

impl World {
    /// The `Message` object, with the message it replies to one level deep.
    pub(crate) fn message_json(&self, chat: ChatId, id: MessageId) -> Option<Value> {
        let place = self.chats.get(&chat)?;
        let message = place.messages.get(&id)?;
        let mut value = self.render(place, message);
        if let Some(replied) = message.reply_to.and_then(|r| place.messages.get(&r)) {
            value.insert("reply_to_message".into(), self.render(place, replied).into());
        }
        Some(value.into())
    }

    fn render(&self, place: &Chat, message: &Message) -> Map<String, Value> {
        let mut value = Map::new();
        let mut put = |field: &str, v: Value| value.insert(field.to_owned(), v);
        put("message_id", message.id.into());
        if let Some(thread) = message.thread {
            put("message_thread_id", thread.into());
            put("is_topic_message", true.into());
        }
        match place.kind {
            Kind::Channel => put("sender_chat", self.chat_json(place)),
            Kind::Private | Kind::Group | Kind::Supergroup => put("from", self.user_json(message.from)),
        };
        put("chat", self.chat_json(place));
        put("date", message.date.into());
        if let Some(date) = message.edit_date {
            put("edit_date", date.into());
        }
        if let Some(origin) = &message.forwarded {
            let sender = self.user_json(origin.user);
            put(
                "forward_origin",
                json!({ "type": "user", "date": origin.date, "sender_user": sender }),
            );
        }
        if let Some(album) = &message.album {
            put("media_group_id", album.as_str().into());
        }
        if message.protected {
            put("has_protected_content", true.into());
        }
        self.render_body(place, message, &mut value);
        if !message.keyboard.is_empty() {
            value.insert(
                "reply_markup".into(),
                json!({ "inline_keyboard": message.keyboard }),
            );
        }
        value
    }

    fn render_body(&self, place: &Chat, message: &Message, value: &mut Map<String, Value>) {
        match &message.body {
            Body::Text { text } => put_words(value, "text", "entities", text, self),
            Body::Media {
                media,
                caption,
                above,
            } => {
                self.put_media(value, media);
                if !caption.text.is_empty() {
                    put_words(value, "caption", "caption_entities", caption, self);
                }
                if *above {
                    value.insert("show_caption_above_media".into(), true.into());
                }
            }
            Body::Service { service } => {
                let (field, content) = self.service_json(place, service);
                value.insert(field.into(), content);
            }
        }
    }

    fn put_media(&self, value: &mut Map<String, Value>, media: &Media) {
        let Some(file) = self.files.get(media.file) else {
            return;
        };
        match media.kind {
            MediaKind::Photo => {
                value.insert("photo".into(), photo_sizes(file));
            }
            MediaKind::Document => {
                value.insert("document".into(), document_json(file));
            }
            MediaKind::Animation => {
                let mut animation = document_json(file);
                animation["width"] = file.width.into();
                animation["height"] = file.height.into();
                animation["duration"] = 0.into();
                value.insert("animation".into(), animation);
                // Telegram repeats an animation as a document, for bots that know none.
                value.insert("document".into(), document_json(file));
            }
        }
        if media.spoiler {
            value.insert("has_media_spoiler".into(), true.into());
        }
    }

    fn service_json(&self, place: &Chat, service: &Service) -> (&'static str, Value) {
        match service {
            Service::Pinned { message } => {
                let pinned = match place.messages.get(message) {
                    Some(pinned) => self.render(place, pinned).into(),
                    None => self.inaccessible(place, *message),
                };
                ("pinned_message", pinned)
            }
            Service::Created => ("group_chat_created", true.into()),
            Service::Joined { users } => (
                "new_chat_members",
                users.iter().map(|u| self.user_json(*u)).collect(),
            ),
            Service::Left { user } => ("left_chat_member", self.user_json(*user)),
            Service::Titled { title } => ("new_chat_title", title.as_str().into()),
            Service::MigratedTo { chat } => ("migrate_to_chat_id", (*chat).into()),
            Service::MigratedFrom { chat } => ("migrate_from_chat_id", (*chat).into()),
            Service::TopicCreated {
                name,
                icon_color,
                icon_custom_emoji_id,
            } => {
                let mut topic = json!({ "name": name, "icon_color": icon_color });
                if let Some(icon) = icon_custom_emoji_id {
                    topic["icon_custom_emoji_id"] = icon.as_str().into();
                }
                ("forum_topic_created", topic)
            }
            Service::TopicEdited {
                name,
                icon_custom_emoji_id,
            } => {
                let mut topic = json!({});
                if let Some(name) = name {
                    topic["name"] = name.as_str().into();
                }
                if let Some(icon) = icon_custom_emoji_id {
                    topic["icon_custom_emoji_id"] = icon.as_str().into();
                }
                ("forum_topic_edited", topic)
            }
            Service::TopicClosed => ("forum_topic_closed", json!({})),
            Service::TopicReopened => ("forum_topic_reopened", json!({})),
        }
    }

    /// What stands for a message that is gone.
    pub(crate) fn inaccessible(&self, place: &Chat, id: MessageId) -> Value {
        json!({ "chat": self.chat_json(place), "message_id": id, "date": 0 })
    }
}

fn put_words(value: &mut Map<String, Value>, text: &str, entities: &str, words: &Formatted, world: &World) {
    value.insert(text.into(), words.text.as_str().into());
    if words.entities.is_empty() {
        return;
    }
    let list: Vec<Value> = words
        .entities
        .iter()
        .map(|entity| {
            let mut one = json!(entity);
            if let Some(id) = entity.user.as_ref().and_then(|u| u["id"].as_i64()) {
                one["user"] = world.user_json(id);
            }
            one
        })
        .collect();
    value.insert(entities.into(), list.into());
}

/// Telegram answers a photo in several sizes; the last is the whole one.
fn photo_sizes(file: &File) -> Value {
    let mut size = file.to_json();
    size["width"] = file.width.into();
    size["height"] = file.height.into();
    Value::Array(vec![size])
}

pub(crate) fn document_json(file: &File) -> Value {
    let mut document = file.to_json();
    if let Some(name) = &file.name {
        document["file_name"] = name.as_str().into();
    }
    document["mime_type"] = file.mime.as_str().into();
    document
}
