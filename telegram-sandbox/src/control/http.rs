//! The control API. Loopback only, no authorisation: it plays the people.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, header};
use axum::middleware::map_response;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::orders::{
    Advance, Block, FaultOrder, Migrate, Move, NewChat, NewPerson, NewTopic, PressButton, Privacy, Say,
    SetMember, Start, Touch,
};
use super::{phone, state};
use crate::api::method::{self, Param};
use crate::server::{Shared, lock};
use crate::world::World;
use crate::world::chat::{Chat, Kind, Topic};
use crate::world::deeds::{DeedError, Pressed};
use crate::world::news::EventKind;
use crate::world::person::Person;
use crate::world::rights::{AdminRights, Standing};

/// What the framework says when it refuses is a line or two.
const LONGEST_REFUSAL: usize = 16 << 10;

type Sandbox = State<Arc<Shared>>;
type Reply = Result<Json<Value>, Refusal>;

/// A deed that could not be done: thing, reason, remedy.
pub(crate) struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

impl From<DeedError> for Refusal {
    fn from(e: DeedError) -> Self {
        let code = match e {
            DeedError::NoPerson(_) | DeedError::NoChat(_) | DeedError::NoMessage(..) => StatusCode::NOT_FOUND,
            DeedError::Outside(..)
            | DeedError::Blocked(_)
            | DeedError::NoButton(..)
            | DeedError::Refused(_) => StatusCode::CONFLICT,
        };
        Refusal(code, e.to_string())
    }
}

pub(crate) fn routes() -> Router<Arc<Shared>> {
    let orders = Router::new()
        .route("/state", get(whole_state))
        .route("/chats/{id}", get(one_chat))
        .route("/phone", get(phone_list))
        .route("/toasts", get(toasts))
        .route("/files/{sha}", get(file))
        .route("/calls", get(calls))
        .route("/events", get(events))
        .route("/stream", get(stream))
        .route("/menu", get(menu))
        .route("/methods", get(methods))
        .route("/people", post(add_person))
        .route("/chats", post(add_chat))
        .route("/send", post(send))
        .route("/start", post(start))
        .route("/press", post(press))
        .route("/delete", post(delete))
        .route("/pin", post(|s: Sandbox, t: Json<Touch>| pin(s, t, true)))
        .route("/unpin", post(|s: Sandbox, t: Json<Touch>| pin(s, t, false)))
        .route("/join", post(join))
        .route("/leave", post(leave))
        .route("/block", post(block))
        .route("/member", post(set_member))
        .route("/migrate", post(migrate))
        .route("/topics", post(new_topic))
        .route("/read", post(read))
        .route("/privacy", post(privacy))
        .route("/faults", get(faults).post(order_fault).delete(clear_faults))
        .route("/clock/advance", post(advance))
        .route("/clock/stop", post(stop_clock))
        .fallback(nothing_there)
        .layer(map_response(in_json));
    Router::new().nest("/sandbox", orders)
}

async fn nothing_there(method: Method, uri: OriginalUri) -> Refusal {
    let path = uri.path();
    Refusal(
        StatusCode::NOT_FOUND,
        format!("there is no {method} {path}; docs/sandbox.md lists the orders and what can be read"),
    )
}

/// What the framework refuses by itself (another method, a body that is no JSON or not this order's) is told as we tell it.
async fn in_json(response: Response) -> Response {
    let status = response.status();
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let words = match to_bytes(response.into_body(), LONGEST_REFUSAL).await {
        Ok(words) if !words.is_empty() => String::from_utf8_lossy(&words).into_owned(),
        Ok(_) | Err(_) => status.canonical_reason().unwrap_or("refused").to_owned(),
    };
    Refusal(status, words).into_response()
}

fn done(value: Value) -> Reply {
    Ok(Json(value))
}

async fn whole_state(State(shared): Sandbox) -> Json<state::State> {
    Json(state::whole(&lock(&shared.world)))
}

#[derive(Deserialize)]
struct Look {
    person: Option<i64>,
    last: Option<usize>,
}

async fn one_chat(
    State(shared): Sandbox,
    Path(id): Path<i64>,
    Query(look): Query<Look>,
) -> Result<Json<state::ChatState>, Refusal> {
    let world = lock(&shared.world);
    let chat = match look.person {
        Some(person) => world.chat_of(person, id)?,
        None => world.chats.get(&id).ok_or(DeedError::NoChat(id))?,
    };
    Ok(Json(phone::chat(
        &world,
        chat,
        look.person,
        look.last.unwrap_or(usize::MAX),
    )))
}

#[derive(Deserialize)]
struct Whose {
    person: i64,
}

async fn phone_list(
    State(shared): Sandbox,
    Query(whose): Query<Whose>,
) -> Result<Json<phone::Phone>, Refusal> {
    let world = lock(&shared.world);
    Ok(Json(phone::list(&world, world.person(whose.person)?)))
}

async fn toasts(State(shared): Sandbox, Query(query): Query<After>) -> Reply {
    let world = lock(&shared.world);
    let toasts = world.callbacks.toasts.iter().filter(|t| t.n > query.after);
    done(json!({ "toasts": toasts.map(state::toast).collect::<Vec<_>>() }))
}

async fn file(State(shared): Sandbox, Path(sha): Path<String>) -> Response {
    let world = lock(&shared.world);
    let mime = world.files.mime_of(&sha).unwrap_or_default();
    match world.files.bytes(&sha) {
        // Pictures are shown; everything else is only downloaded, never run as a page of ours.
        Some(bytes) if mime.starts_with("image/") && mime != "image/svg+xml" => (
            [
                (header::CONTENT_TYPE, mime.as_str()),
                (header::CACHE_CONTROL, "max-age=31536000, immutable"),
            ],
            bytes,
        )
            .into_response(),
        Some(bytes) => (
            [
                (header::CONTENT_TYPE, "application/octet-stream"),
                (header::CONTENT_DISPOSITION, "attachment"),
            ],
            bytes,
        )
            .into_response(),
        None => Refusal(StatusCode::NOT_FOUND, format!("there is no file {sha}")).into_response(),
    }
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
    /// Seconds to wait for news.
    timeout: Option<f64>,
}

async fn calls(State(shared): Sandbox, Query(query): Query<After>) -> Reply {
    let world = lock(&shared.world);
    let calls: Vec<_> = world.calls.since(query.after).collect();
    done(json!({ "calls": calls }))
}

/// Answers as soon as there is news after a number, or when the time is over.
async fn events(State(shared): Sandbox, Query(query): Query<After>) -> Json<Value> {
    let wait = Duration::try_from_secs_f64(query.timeout.unwrap_or(30.0)).unwrap_or_default();
    let until = Instant::now() + wait.min(Duration::from_secs(60));
    let mut news = lock(&shared.world).news.follow();
    loop {
        {
            let world = lock(&shared.world);
            let found = world.news.since(query.after);
            let forgotten = found.is_none();
            let events = found.unwrap_or_default();
            if forgotten || !events.is_empty() || Instant::now() >= until {
                return Json(json!({ "events": events, "last": world.news.last(), "forgotten": forgotten }));
            }
        }
        // The world outlives its readers; an error would only end the wait early.
        let _ = tokio::time::timeout_at(until, news.changed()).await;
    }
}

/// The same as server-sent events, for the page.
async fn stream(
    State(shared): Sandbox,
    Query(query): Query<After>,
) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>>> {
    let news = lock(&shared.world).news.follow();
    let start = (shared, news, query.after);
    let events = futures::stream::unfold(start, |(shared, mut news, after)| async move {
        loop {
            let (found, last) = {
                let world = lock(&shared.world);
                (world.news.since(after), world.news.last())
            };
            let data = match found {
                Some(events) if events.is_empty() => None,
                Some(events) => Some(json!({ "events": events, "last": last, "forgotten": false })),
                None => Some(json!({ "events": [], "last": last, "forgotten": true })),
            };
            if let Some(data) = data {
                let event = SseEvent::default().data(data.to_string());
                return Some((Ok(event), (shared, news, last)));
            }
            news.changed().await.ok()?;
        }
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

#[derive(Deserialize)]
struct WhoseMenu {
    person: i64,
    chat: i64,
}

async fn menu(State(shared): Sandbox, Query(query): Query<WhoseMenu>) -> Reply {
    let world = lock(&shared.world);
    done(json!({ "commands": world.menu(query.chat, query.person) }))
}

/// The methods and parameters that this sandbox knows, as documented by Telegram.
async fn methods() -> Json<Value> {
    let param = |p: &Param| json!({ "name": p.name, "type": p.kind, "required": p.required });
    let method = |m: &method::Method| json!({ "name": m.name, "parameters": m.params.iter().map(param).collect::<Vec<_>>() });
    Json(method::all().map(method).collect())
}

async fn add_person(State(shared): Sandbox, Json(new): Json<NewPerson>) -> Reply {
    let mut world = lock(&shared.world);
    let free = world.people.keys().next_back().map_or(1001, |last| last + 1);
    let id = new.id.unwrap_or(free);
    if id <= 0 || id == world.bot.id || world.people.contains_key(&id) || new.first_name.trim().is_empty() {
        let reason = format!("a person needs a first name and a free positive id; {id} is not one");
        return Err(Refusal(StatusCode::CONFLICT, reason));
    }
    let NewPerson {
        first_name,
        last_name,
        username,
        language_code,
        id: _,
    } = new;
    world.add_person(Person {
        id,
        first_name,
        last_name,
        username,
        language_code,
        started: false,
        blocked: false,
        read: BTreeMap::new(),
    });
    done(json!({ "id": id }))
}

async fn add_chat(State(shared): Sandbox, Json(new): Json<NewChat>) -> Reply {
    let mut world = lock(&shared.world);
    let kind = match new
        .kind
        .as_deref()
        .unwrap_or(if new.forum { "supergroup" } else { "group" })
    {
        "group" if !new.forum => Kind::Group,
        "supergroup" => Kind::Supergroup,
        "channel" if !new.forum => Kind::Channel,
        other => {
            let reason = format!(
                "a chat is a group, supergroup or channel, and only a supergroup has topics: {other}"
            );
            return Err(Refusal(StatusCode::CONFLICT, reason));
        }
    };
    let id = new.id.unwrap_or_else(|| free_id(&world, kind));
    if id >= 0 || world.chats.contains_key(&id) {
        return Err(Refusal(
            StatusCode::CONFLICT,
            format!("a chat needs a free negative id; {id} is not one"),
        ));
    }
    for person in &new.members {
        world.person(*person)?;
    }
    let mut chat = Chat::new(id, kind, &new.title);
    chat.forum = new.forum;
    for (at, person) in new.members.iter().enumerate() {
        chat.members.insert(
            *person,
            if at == 0 {
                Standing::Creator
            } else {
                Standing::Member
            },
        );
    }
    let bot = world.bot.id;
    chat.members
        .insert(bot, member(new.bot.as_deref().unwrap_or("member"))?);
    world.add_chat(chat);
    done(json!({ "id": id }))
}

fn free_id(world: &World, kind: Kind) -> i64 {
    let start = match kind {
        Kind::Supergroup | Kind::Channel => -1_000_000_003_001,
        Kind::Private | Kind::Group => -3001,
    };
    (0..)
        .map(|n| start - n)
        .find(|id| !world.chats.contains_key(id))
        .unwrap_or(start)
}

fn member(status: &str) -> Result<Standing, Refusal> {
    Ok(match status {
        "creator" => Standing::Creator,
        "administrator" => Standing::Administrator {
            rights: AdminRights::all(),
        },
        "pinner" => Standing::Administrator {
            rights: AdminRights {
                can_pin_messages: true,
                ..AdminRights::default()
            },
        },
        "powerless" => Standing::Administrator {
            rights: AdminRights::default(),
        },
        "member" => Standing::Member,
        "left" => Standing::Left,
        "kicked" => Standing::Kicked,
        other => {
            let known = "creator, administrator, pinner, powerless, member, left or kicked";
            return Err(Refusal(
                StatusCode::CONFLICT,
                format!("a member is {known}, not {other}"),
            ));
        }
    })
}

async fn send(State(shared): Sandbox, Json(say): Json<Say>) -> Reply {
    let id = lock(&shared.world).say(say.person, say.chat, &say.text, say.reply_to, say.thread)?;
    done(json!({ "message": id }))
}

async fn start(State(shared): Sandbox, Json(start): Json<Start>) -> Reply {
    let payload = start.payload.unwrap_or_default();
    let sound = payload.len() <= 64
        && payload
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !sound {
        let reason = "a start parameter has at most 64 characters A-Z, a-z, 0-9, _ and -";
        return Err(Refusal(StatusCode::CONFLICT, reason.into()));
    }
    let text = format!("/start {payload}");
    let mut world = lock(&shared.world);
    let id = world.say(start.person, start.person, &text, None, None)?;
    done(json!({ "message": id }))
}

async fn press(State(shared): Sandbox, Json(press): Json<PressButton>) -> Reply {
    let PressButton {
        person,
        chat,
        message,
        label,
        data,
    } = press;
    let pressed = lock(&shared.world).press(person, chat, message, label.as_deref(), data.as_deref())?;
    done(match pressed {
        Pressed::Callback(id) => json!({ "callback": id }),
        Pressed::Link(url) => json!({ "url": url }),
    })
}

async fn delete(State(shared): Sandbox, Json(touch): Json<Touch>) -> Reply {
    lock(&shared.world).delete(touch.person, touch.chat, touch.message, touch.only_for_me)?;
    done(json!({}))
}

async fn pin(State(shared): Sandbox, Json(touch): Json<Touch>, pinned: bool) -> Reply {
    lock(&shared.world).set_pinned(touch.person, touch.chat, touch.message, pinned)?;
    done(json!({}))
}

async fn join(State(shared): Sandbox, Json(step): Json<Move>) -> Reply {
    lock(&shared.world).join(step.person, step.chat)?;
    done(json!({}))
}

async fn leave(State(shared): Sandbox, Json(step): Json<Move>) -> Reply {
    let mut world = lock(&shared.world);
    world.chat_of(step.person, step.chat)?;
    world.set_member(step.chat, step.person, Standing::Left, step.person)?;
    done(json!({}))
}

async fn block(State(shared): Sandbox, Json(block): Json<Block>) -> Reply {
    lock(&shared.world).set_blocked(block.person, block.blocked)?;
    done(json!({}))
}

async fn set_member(State(shared): Sandbox, Json(set): Json<SetMember>) -> Reply {
    let new = member(&set.status)?;
    let mut world = lock(&shared.world);
    let user = set.user.unwrap_or(world.bot.id);
    let place = world.chats.get(&set.chat).ok_or(DeedError::NoChat(set.chat))?;
    let creator = place
        .members
        .iter()
        .find(|(_, m)| **m == Standing::Creator)
        .map(|(id, _)| *id);
    world.set_member(set.chat, user, new, creator.unwrap_or(user))?;
    done(json!({}))
}

async fn migrate(State(shared): Sandbox, Json(order): Json<Migrate>) -> Reply {
    let id = lock(&shared.world).migrate(order.chat)?;
    done(json!({ "id": id }))
}

async fn new_topic(State(shared): Sandbox, Json(new): Json<NewTopic>) -> Reply {
    let mut world = lock(&shared.world);
    if !world.chat_of(new.person, new.chat)?.forum {
        return Err(Refusal(
            StatusCode::CONFLICT,
            format!("chat {} has no topics", new.chat),
        ));
    }
    let topic = Topic {
        name: new.name,
        icon_color: 7_322_096,
        icon_custom_emoji_id: None,
        closed: false,
    };
    let id = world.open_topic(new.chat, new.person, topic);
    done(json!({ "thread": id }))
}

async fn read(State(shared): Sandbox, Json(step): Json<Move>) -> Reply {
    lock(&shared.world).mark_read(step.person, step.chat)?;
    done(json!({}))
}

async fn privacy(State(shared): Sandbox, Json(privacy): Json<Privacy>) -> Reply {
    let mut world = lock(&shared.world);
    world.bot.privacy_mode = privacy.on;
    world.news.tell(EventKind::Bot, None, None, None);
    done(json!({}))
}

async fn faults(State(shared): Sandbox) -> Json<crate::fault::Waiting> {
    Json(lock(&shared.world).faults.waiting())
}

async fn order_fault(State(shared): Sandbox, Json(order): Json<FaultOrder>) -> Reply {
    if order.times == 0 {
        return Err(Refusal(
            StatusCode::CONFLICT,
            "a fault hits at least one call: times >= 1".into(),
        ));
    }
    lock(&shared.world).faults.order(order);
    done(json!({}))
}

async fn clear_faults(State(shared): Sandbox) -> Reply {
    lock(&shared.world).faults.clear();
    done(json!({}))
}

async fn stop_clock(State(shared): Sandbox) -> Reply {
    let mut world = lock(&shared.world);
    world.clock.stop();
    done(json!({ "now": world.now_ms() }))
}

async fn advance(State(shared): Sandbox, Json(order): Json<Advance>) -> Reply {
    if !(0.0..=366.0 * 86_400.0).contains(&order.seconds) {
        return Err(Refusal(
            StatusCode::CONFLICT,
            "the clock moves forward only, by at most a year".into(),
        ));
    }
    let mut world = lock(&shared.world);
    world.clock.advance((order.seconds * 1000.0) as i64);
    world.news.tell(EventKind::Clock, None, None, None);
    done(json!({ "now": world.now_ms() }))
}
