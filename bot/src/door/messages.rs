//! `POST /v1/messages` and `PUT /v1/messages/{key}`: texts and pictures, sent or replaced by key.

use axum::Json;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::header;
use bytes::Bytes;
use kymo_door::{Text, TextAnswer};
use kymo_store::{ChatId, Destination, DoorMessage, DoorMessageKind};

use super::DoorState;
use super::answer::Refusal;
use crate::html::{self, escape};
use crate::outbox::{Class, Outbox, Picture, SendError, TextMessage};
use crate::telegram::TelegramError;

const LARGEST_PICTURE: usize = 10 * 1024 * 1024;
const LONGEST_TEXT: usize = 4096;
const LONGEST_CAPTION: usize = 1024;
const LONGEST_KEY: usize = 200;

/// Sends a text (JSON) or a picture with a text (multipart). The answer's key can replace it later.
#[utoipa::path(
    post, path = "/v1/messages", security(("token" = [])),
    request_body(content((Text = "application/json"), (MessageForm = "multipart/form-data"))),
    responses((status = 200, body = TextAnswer), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 413, body = Refusal), (status = 502, body = Refusal))
)]
pub async fn post_message(
    State(state): State<DoorState>,
    request: Request,
) -> Result<Json<TextAnswer>, Refusal> {
    let content = Content::read(request).await?;
    show(&state, uuid::Uuid::new_v4().to_string(), content).await
}

/// Replaces what was sent with this key, or sends it.
#[utoipa::path(
    put, path = "/v1/messages/{key}", security(("token" = [])),
    params(("key" = String, Path, description = "the caller's name for the message")),
    request_body(content((Text = "application/json"), (MessageForm = "multipart/form-data"))),
    responses((status = 200, body = TextAnswer), (status = 400, body = Refusal), (status = 401, body = Refusal),
        (status = 413, body = Refusal), (status = 502, body = Refusal))
)]
pub async fn put_message(
    State(state): State<DoorState>,
    Path(key): Path<String>,
    request: Request,
) -> Result<Json<TextAnswer>, Refusal> {
    if key.is_empty() || key.len() > LONGEST_KEY {
        let error = format!("the message's key has {} bytes", key.len());
        return Err(Refusal::bad(error, format!("use 1 to {LONGEST_KEY} bytes")));
    }
    let content = Content::read(request).await?;
    show(&state, key, content).await
}

/// The parts of the form.
#[derive(utoipa::ToSchema)]
#[allow(dead_code)] // describes the request in /openapi.json
pub struct MessageForm {
    /// As JSON.
    text: Text,
    /// A PNG or JPEG, at most 10 MB.
    #[schema(value_type = String, format = Binary)]
    picture: Vec<u8>,
}

/// What to show, checked.
struct Content {
    text: Text,
    picture: Option<Bytes>,
}

impl Content {
    async fn read(request: Request) -> Result<Self, Refusal> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let content = if kind.is_some_and(|kind| kind.starts_with("multipart/form-data")) {
            let form = Multipart::from_request(request, &()).await.map_err(|error| {
                Refusal::bad(
                    error.body_text(),
                    "send the parts `text` and `picture` as multipart/form-data",
                )
            })?;
            Self::read_form(form).await?
        } else {
            let Json(text) = Json::<Text>::from_request(request, &()).await?;
            Self { text, picture: None }
        };
        content.check()
    }

    async fn read_form(mut form: Multipart) -> Result<Self, Refusal> {
        let mut text = Text {
            text: String::new(),
            chats: Vec::new(),
            silent: false,
        };
        let mut picture = None;
        while let Some(field) = form.next_field().await? {
            match field.name() {
                Some("text") => {
                    let said = field.text().await?;
                    // A plain caption is what `curl -F text=...` sends.
                    text = if said.trim_start().starts_with('{') {
                        serde_json::from_str(&said).map_err(|error| {
                            Refusal::bad(
                                format!("the part `text` is not understood: {error}"),
                                "see Text in /openapi.json",
                            )
                        })?
                    } else {
                        Text { text: said, ..text }
                    };
                }
                Some("picture") => picture = Some(field.bytes().await?),
                Some(_) | None => {}
            }
        }
        Ok(Self { text, picture })
    }

    fn check(self) -> Result<Self, Refusal> {
        let length = html::length(&self.text.text);
        match &self.picture {
            Some(picture) => {
                check_picture(picture)?;
                if length > LONGEST_CAPTION {
                    let error = format!("the caption has {length} characters");
                    return Err(Refusal::bad(
                        error,
                        format!("Telegram takes {LONGEST_CAPTION} with a picture"),
                    ));
                }
            }
            None if self.text.text.trim().is_empty() => {
                return Err(Refusal::bad(
                    "the text is empty",
                    "say something, or send a picture",
                ));
            }
            None if length > LONGEST_TEXT => {
                let error = format!("the text has {length} characters");
                return Err(Refusal::bad(
                    error,
                    format!("Telegram takes {LONGEST_TEXT}; send a shorter one"),
                ));
            }
            None => {}
        }
        Ok(self)
    }

    fn kind(&self) -> DoorMessageKind {
        if self.picture.is_some() {
            DoorMessageKind::Picture
        } else {
            DoorMessageKind::Text
        }
    }
}

/// Refuses what Telegram would refuse later, when nobody waits for the answer any more.
pub(super) fn check_picture(picture: &[u8]) -> Result<(), Refusal> {
    if picture.len() > LARGEST_PICTURE {
        let error = format!("the picture has {} bytes", picture.len());
        return Err(Refusal::new(
            axum::http::StatusCode::PAYLOAD_TOO_LARGE,
            error,
            "Telegram takes pictures up to 10 MB; draw a smaller one",
        ));
    }
    let png = picture.starts_with(b"\x89PNG\r\n\x1a\n");
    let jpeg = picture.starts_with(b"\xff\xd8\xff");
    if !(png || jpeg) {
        return Err(Refusal::bad(
            "the picture is neither PNG nor JPEG",
            "send the file's bytes as they are",
        ));
    }
    match png.then(|| png_size(picture)).flatten() {
        Some((width, height)) => check_size(width, height),
        None if png => Err(Refusal::bad(
            "the PNG ends before its size",
            "send the whole file",
        )),
        // Telegram looks at a JPEG itself.
        None => Ok(()),
    }
}

/// A PNG says its width and height in its first chunk.
fn png_size(picture: &[u8]) -> Option<(u32, u32)> {
    let number = |from: usize| Some(u32::from_be_bytes(picture.get(from..from + 4)?.try_into().ok()?));
    Some((number(16)?, number(20)?))
}

fn check_size(width: u32, height: u32) -> Result<(), Refusal> {
    let (long, short) = (u64::from(width.max(height)), u64::from(width.min(height)));
    if short == 0 || long + short > 10_000 || long > 20 * short {
        return Err(Refusal::bad(
            format!("the picture is {width} x {height}"),
            "Telegram takes pictures whose width and height together are at most 10000 and at most 20:1",
        ));
    }
    Ok(())
}

async fn show(state: &DoorState, key: String, content: Content) -> Result<Json<TextAnswer>, Refusal> {
    let known = state.store.door_messages(&key).await?;
    let mut chats: Vec<Destination> = content
        .text
        .chats
        .iter()
        .map(|chat| Destination {
            chat: ChatId(*chat),
            thread: None,
        })
        .collect();
    if chats.is_empty() {
        chats = state.store.subscribed().await?;
        // What is there is replaced where it is, also where nobody subscribed.
        let elsewhere = known
            .iter()
            .filter(|message| chats.iter().all(|to| to.chat != message.chat));
        chats.extend(
            elsewhere
                .map(|message| Destination {
                    chat: message.chat,
                    thread: None,
                })
                .collect::<Vec<_>>(),
        );
    }
    if chats.is_empty() {
        return Err(Refusal::bad(
            "there is no chat to write to",
            "name `chats`, or say /alerts here in a chat",
        ));
    }
    let mut shown = Vec::with_capacity(chats.len());
    let mut failure = None;
    for to in chats {
        let before = known.iter().find(|message| message.chat == to.chat);
        match show_in(&state.outbox, to, before, &content).await {
            Ok(message) => {
                let kind = content.kind();
                let message = DoorMessage {
                    key: key.clone(),
                    chat: to.chat,
                    message,
                    kind,
                };
                state.store.put_door_message(&message).await?;
                shown.push(to.chat.0);
            }
            Err(error) => {
                tracing::warn!(
                    "a message of the door does not reach the chat {}: {error}",
                    to.chat
                );
                failure = Some(error);
            }
        }
    }
    match failure {
        Some(error) if shown.is_empty() => Err(error.into()),
        Some(_) | None => Ok(Json(TextAnswer { key, chats: shown })),
    }
}

/// Edits the message that is there; without one, or when it is gone or of the other kind, a new one is sent.
async fn show_in(
    outbox: &Outbox,
    to: Destination,
    before: Option<&DoorMessage>,
    content: &Content,
) -> Result<kymo_store::MessageId, SendError> {
    let html = escape(&content.text.text);
    let class = Class::Reply;
    if let Some(before) = before.filter(|before| before.kind == content.kind()) {
        let edited = match &content.picture {
            Some(png) => {
                let picture = Picture {
                    png: png.clone(),
                    caption: html.clone(),
                    keyboard: None,
                };
                outbox
                    .edit_picture(class, to.chat, before.message, picture)
                    .await
                    .map(|_| ())
            }
            None => outbox
                .edit_text(class, to.chat, before.message, &html, None)
                .await
                .map(|_| ()),
        };
        match edited {
            Ok(()) => return Ok(before.message),
            Err(SendError::Telegram(TelegramError::MessageGone | TelegramError::Moved(_))) => {}
            Err(error) => return Err(error),
        }
    }
    match &content.picture {
        Some(png) => {
            let picture = Picture {
                png: png.clone(),
                caption: html,
                keyboard: None,
            };
            Ok(outbox
                .send_picture(class, to, picture, content.text.silent)
                .await?
                .message)
        }
        None => {
            let mut text = TextMessage::new(to, html);
            text.silent = content.text.silent;
            outbox.send_text(class, text).await
        }
    }
}
