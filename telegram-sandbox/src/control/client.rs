//! The control API from Rust: what tests and the demo use to play people.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::orders::{FaultOrder, NewChat, NewPerson};
use super::state::{CallSeen, ChatState, State, ToastSeen};

/// Plays the people of a sandbox.
#[derive(Debug, Clone)]
pub struct Control {
    url: String,
    http: reqwest::Client,
    patience: Duration,
}

/// What the sandbox did not do.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It cannot be reached.
    #[error("the sandbox does not answer: {0}")]
    Http(#[from] reqwest::Error),
    /// It refused, and said why.
    #[error("the sandbox refused {path}: {reason}")]
    Refused {
        /// The order.
        path: String,
        /// Thing, reason, remedy.
        reason: String,
    },
    /// A fact did not come true.
    #[error("waited {0:?} in vain for: {1}")]
    TooLate(Duration, String),
}

type Done<T> = Result<T, ControlError>;

impl Control {
    /// A client of the sandbox at this address.
    pub fn new(url: &str) -> Self {
        // A proxy of the environment must not see loopback traffic.
        let http = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
        Self {
            url: url.trim_end_matches('/').into(),
            http,
            patience: Duration::from_secs(30),
        }
    }

    /// How long `wait_for` waits; 30 seconds if not said otherwise.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, order: &impl Serialize) -> Done<T> {
        self.read(
            path,
            self.http.post(format!("{}/sandbox/{path}", self.url)).json(order),
        )
        .await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Done<T> {
        self.read(path, self.http.get(format!("{}/sandbox/{path}", self.url)))
            .await
    }

    async fn read<T: DeserializeOwned>(&self, path: &str, request: reqwest::RequestBuilder) -> Done<T> {
        let response = request.send().await?;
        if response.status().is_success() {
            return Ok(response.json().await?);
        }
        let text = response.text().await?;
        let said = serde_json::from_str::<Value>(&text).ok();
        let reason = said
            .and_then(|v| v["error"].as_str().map(str::to_owned))
            .unwrap_or(text);
        Err(ControlError::Refused {
            path: path.into(),
            reason,
        })
    }

    async fn post_for(&self, path: &str, order: Value, field: &str) -> Done<i64> {
        let answer: Value = self.post(path, &order).await?;
        Ok(answer[field].as_i64().unwrap_or_default())
    }

    async fn order(&self, path: &str, order: Value) -> Done<()> {
        self.post::<Value>(path, &order).await.map(drop)
    }

    /// Creates a person; answers the user id.
    pub async fn add_person(&self, person: &NewPerson) -> Done<i64> {
        self.post_for("people", json!(person), "id").await
    }

    /// Creates a group, supergroup or channel; answers its id.
    pub async fn add_chat(&self, chat: &NewChat) -> Done<i64> {
        self.post_for("chats", json!(chat), "id").await
    }

    /// A person follows the bot's link, with what stands after `start=`; answers the message id.
    pub async fn start(&self, person: i64, payload: &str) -> Done<i64> {
        self.post_for(
            "start",
            json!({ "person": person, "payload": payload }),
            "message",
        )
        .await
    }

    /// A person writes; answers the message id.
    pub async fn send(&self, person: i64, chat: i64, text: &str) -> Done<i64> {
        self.post_for(
            "send",
            json!({ "person": person, "chat": chat, "text": text }),
            "message",
        )
        .await
    }

    /// A person replies to a message.
    pub async fn reply(&self, person: i64, chat: i64, to: i64, text: &str) -> Done<i64> {
        let say = json!({ "person": person, "chat": chat, "text": text, "reply_to": to });
        self.post_for("send", say, "message").await
    }

    /// A person writes in a forum topic.
    pub async fn send_in_topic(&self, person: i64, chat: i64, thread: i64, text: &str) -> Done<i64> {
        let say = json!({ "person": person, "chat": chat, "text": text, "thread": thread });
        self.post_for("send", say, "message").await
    }

    /// A person presses the button with this label; answers the callback query id (or the link of a link button).
    pub async fn press(&self, person: i64, chat: i64, message: i64, label: &str) -> Done<String> {
        self.press_by(json!({ "person": person, "chat": chat, "message": message, "label": label }))
            .await
    }

    /// The same, the button found by its data.
    pub async fn press_data(&self, person: i64, chat: i64, message: i64, data: &str) -> Done<String> {
        self.press_by(json!({ "person": person, "chat": chat, "message": message, "data": data }))
            .await
    }

    async fn press_by(&self, order: Value) -> Done<String> {
        let answer: Value = self.post("press", &order).await?;
        let text = answer["callback"].as_str().or(answer["url"].as_str());
        Ok(text.unwrap_or_default().to_owned())
    }

    /// Presses and waits for the answer.
    pub async fn press_and_wait(&self, person: i64, chat: i64, message: i64, label: &str) -> Done<ToastSeen> {
        let id = self.press(person, chat, message, label).await?;
        self.wait_for(&format!("an answer to {label}"), |state| {
            state.toasts.iter().find(|t| t.callback == id).cloned()
        })
        .await
    }

    /// A person deletes a message for everybody, or on their side only.
    pub async fn delete(&self, person: i64, chat: i64, message: i64, only_for_me: bool) -> Done<()> {
        let touch = json!({ "person": person, "chat": chat, "message": message, "only_for_me": only_for_me });
        self.order("delete", touch).await
    }

    /// A person pins a message.
    pub async fn pin(&self, person: i64, chat: i64, message: i64) -> Done<()> {
        self.order(
            "pin",
            json!({ "person": person, "chat": chat, "message": message }),
        )
        .await
    }

    /// A person unpins a message.
    pub async fn unpin(&self, person: i64, chat: i64, message: i64) -> Done<()> {
        self.order(
            "unpin",
            json!({ "person": person, "chat": chat, "message": message }),
        )
        .await
    }

    /// A person joins a chat.
    pub async fn join(&self, person: i64, chat: i64) -> Done<()> {
        self.order("join", json!({ "person": person, "chat": chat }))
            .await
    }

    /// A person leaves a chat.
    pub async fn leave(&self, person: i64, chat: i64) -> Done<()> {
        self.order("leave", json!({ "person": person, "chat": chat }))
            .await
    }

    /// A person blocks the bot, or lets it speak again.
    pub async fn block(&self, person: i64, blocked: bool) -> Done<()> {
        self.order("block", json!({ "person": person, "blocked": blocked }))
            .await
    }

    /// What the bot is in a chat from now on: `administrator`, `pinner`, `powerless`, `member`, `left`, `kicked`.
    pub async fn set_bot(&self, chat: i64, status: &str) -> Done<()> {
        self.order("member", json!({ "chat": chat, "status": status }))
            .await
    }

    /// What a person is in a chat from now on.
    pub async fn set_member(&self, chat: i64, user: i64, status: &str) -> Done<()> {
        self.order("member", json!({ "chat": chat, "user": user, "status": status }))
            .await
    }

    /// Turns a group into a supergroup; answers the new id.
    pub async fn migrate(&self, chat: i64) -> Done<i64> {
        self.post_for("migrate", json!({ "chat": chat }), "id").await
    }

    /// A person opens a forum topic; answers its `message_thread_id`.
    pub async fn new_topic(&self, person: i64, chat: i64, name: &str) -> Done<i64> {
        self.post_for(
            "topics",
            json!({ "person": person, "chat": chat, "name": name }),
            "thread",
        )
        .await
    }

    /// BotFather switches privacy mode.
    pub async fn privacy(&self, on: bool) -> Done<()> {
        self.order("privacy", json!({ "on": on })).await
    }

    /// Something goes wrong with the next calls.
    pub async fn fault(&self, order: FaultOrder) -> Done<()> {
        self.post::<Value>("faults", &order).await.map(drop)
    }

    /// Takes back the faults that hit nobody yet.
    pub async fn clear_faults(&self) -> Done<()> {
        let request = self.http.delete(format!("{}/sandbox/faults", self.url));
        self.read::<Value>("faults", request).await.map(drop)
    }

    /// From now on only [`Control::advance`] moves the sandbox's clock.
    pub async fn stop_clock(&self) -> Done<()> {
        self.order("clock/stop", json!({})).await
    }

    /// Moves the sandbox's clock forward.
    pub async fn advance(&self, by: Duration) -> Done<()> {
        self.order("clock/advance", json!({ "seconds": by.as_secs_f64() }))
            .await
    }

    /// Everything that people see.
    pub async fn state(&self) -> Done<State> {
        self.get("state").await
    }

    /// One chat.
    pub async fn chat(&self, id: i64) -> Done<ChatState> {
        self.get(&format!("chats/{id}")).await
    }

    /// The bytes of an attached file.
    pub async fn file(&self, sha256: &str) -> Done<Vec<u8>> {
        let response = self
            .http
            .get(format!("{}/sandbox/files/{sha256}", self.url))
            .send()
            .await?;
        Ok(response.error_for_status()?.bytes().await?.to_vec())
    }

    /// The bot's calls after a number.
    pub async fn calls(&self, after: u64) -> Done<Vec<CallSeen>> {
        #[derive(serde::Deserialize)]
        struct Calls {
            calls: Vec<CallSeen>,
        }
        Ok(self.get::<Calls>(&format!("calls?after={after}")).await?.calls)
    }

    /// Waits until the state shows something; `what` names it in the error.
    pub async fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&State) -> Option<T>) -> Done<T> {
        let until = Instant::now() + self.patience;
        loop {
            let state = self.state().await?;
            if let Some(found) = look(&state) {
                return Ok(found);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ControlError::TooLate(self.patience, what.into()));
            }
            self.news_after(state.n, left).await?;
        }
    }

    /// Waits until the bot made a call like this one; answers it.
    pub async fn wait_for_call(&self, after: u64, look: impl Fn(&CallSeen) -> bool) -> Done<CallSeen> {
        let until = Instant::now() + self.patience;
        loop {
            let n = self.state().await?.n;
            if let Some(call) = self.calls(after).await?.into_iter().find(|c| look(c)) {
                return Ok(call);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ControlError::TooLate(self.patience, "a call of the bot".into()));
            }
            self.news_after(n, left).await?;
        }
    }

    async fn news_after(&self, n: u64, left: Duration) -> Done<()> {
        let seconds = left.min(Duration::from_secs(20)).as_secs_f64();
        self.get::<Value>(&format!("events?after={n}&timeout={seconds}"))
            .await
            .map(drop)
    }
}
