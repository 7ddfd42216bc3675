//! A sandbox with a bot that calls methods by hand.

use std::sync::Mutex;

use kymo_telegram_sandbox::{Control, FloodRules, NewChat, NewPerson, Running, SandboxConfig, start};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

pub const BOT: i64 = 4242;

pub struct Kit {
    pub running: Running,
    pub control: Control,
    pub http: reqwest::Client,
    /// Every result so far, with its method.
    pub results: Mutex<Vec<(String, Value)>>,
    _stop: DropGuard,
}

/// What Telegram answered: a result, or a code with its words.
pub type Answered = Result<Value, (u64, String)>;

impl Kit {
    /// A sandbox without a flood budget: most rules are about something else.
    pub async fn new() -> Self {
        Self::with(SandboxConfig {
            flood: FloodRules::none(),
            ..SandboxConfig::default()
        })
        .await
    }

    pub async fn with(config: SandboxConfig) -> Self {
        let stop = CancellationToken::new();
        let running = start(config, stop.clone()).await.expect("a free loopback port");
        let control = running.control();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self {
            running,
            control,
            http,
            results: Mutex::default(),
            _stop: stop.drop_guard(),
        }
    }

    pub fn method_url(&self, method: &str) -> String {
        format!("{}/bot{}/{method}", self.running.url(), self.running.bot_token())
    }

    /// The whole answer.
    pub async fn raw(&self, method: &str, params: Value) -> Value {
        let request = self.http.post(self.method_url(method)).json(&params);
        request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON")
    }

    pub async fn call(&self, method: &str, params: Value) -> Answered {
        self.noted(method, answered(self.raw(method, params).await))
    }

    fn noted(&self, method: &str, answer: Answered) -> Answered {
        if let Ok(result) = &answer {
            self.results
                .lock()
                .expect("no panic")
                .push((method.to_owned(), result.clone()));
        }
        answer
    }

    /// A call that must succeed.
    pub async fn ok(&self, method: &str, params: Value) -> Value {
        self.call(method, params)
            .await
            .unwrap_or_else(|e| panic!("{method} was refused: {e:?}"))
    }

    /// The words of a call that must be refused.
    pub async fn refused(&self, method: &str, params: Value) -> String {
        self.call(method, params).await.expect_err("a refusal").1
    }

    pub async fn upload(&self, method: &str, params: Value, files: &[(&str, &str, Vec<u8>)]) -> Answered {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in params.as_object().expect("an object") {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            form = form.text(name.clone(), text);
        }
        for (name, file_name, bytes) in files {
            let part = reqwest::multipart::Part::bytes(bytes.clone()).file_name((*file_name).to_owned());
            form = form.part((*name).to_owned(), part);
        }
        let request = self.http.post(self.method_url(method)).multipart(form);
        let whole = request
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        self.noted(method, answered(whole))
    }

    pub async fn person(&self, name: &str) -> i64 {
        let person = NewPerson {
            first_name: name.into(),
            ..NewPerson::default()
        };
        self.control.add_person(&person).await.expect("a person")
    }

    /// A person who pressed Start.
    pub async fn friend(&self, name: &str) -> i64 {
        let id = self.person(name).await;
        self.control.start(id, "").await.expect("started");
        self.updates().await;
        id
    }

    pub async fn chat(&self, kind: &str, bot: &str, members: &[i64]) -> i64 {
        let new = NewChat {
            kind: Some(kind.into()),
            title: "Lab".into(),
            bot: Some(bot.into()),
            members: members.to_vec(),
            ..NewChat::default()
        };
        self.control.add_chat(&new).await.expect("a chat")
    }

    /// All waiting updates, confirmed.
    pub async fn updates(&self) -> Vec<Value> {
        let found = self.ok("getUpdates", json!({})).await;
        let found = found.as_array().expect("a list").clone();
        if let Some(last) = found.last() {
            let next = last["update_id"].as_i64().expect("a number") + 1;
            self.ok("getUpdates", json!({ "offset": next, "limit": 1 })).await;
        }
        found
    }

    pub async fn message(&self, chat: i64, text: &str) -> i64 {
        let sent = self
            .ok("sendMessage", json!({ "chat_id": chat, "text": text }))
            .await;
        sent["message_id"].as_i64().expect("an id")
    }

    pub async fn photo(&self, chat: i64, caption: &str) -> Value {
        let params = json!({ "chat_id": chat, "caption": caption });
        self.upload("sendPhoto", params, &[("photo", "p.png", png(40, 30, 0))])
            .await
            .expect("a photo")
    }
}

fn answered(whole: Value) -> Answered {
    match whole["ok"].as_bool() {
        Some(true) => Ok(whole["result"].clone()),
        _ => {
            let code = whole["error_code"].as_u64().expect("a code");
            Err((code, whole["description"].as_str().expect("words").to_owned()))
        }
    }
}

/// A picture of one shade.
pub fn png(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let picture = image::GrayImage::from_pixel(width, height, image::Luma([shade]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("a PNG");
    bytes.into_inner()
}
