//! Requests to the Bot API. Our own client instead of teloxide's: that one sleeps ten seconds on
//! a 5xx, times out below our long poll, knows no newer methods and hides texts that we need.
//! teloxide's types are used for what comes back.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::TelegramError;
use super::error::Refusal;

const LONG_POLL: Duration = Duration::from_secs(50);
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// A bot on a Bot API server. Cheap to clone.
#[derive(Clone)]
pub struct Telegram {
    http: reqwest::Client,
    /// Ends with `/bot<token>/`: never shown.
    base: SecretString,
    token: SecretString,
    server: Arc<str>,
    patience: Duration,
    long_poll: Duration,
}

/// A file that goes with a request.
pub struct Upload {
    pub field: &'static str,
    pub name: String,
    pub mime: &'static str,
    pub bytes: bytes::Bytes,
}

impl Telegram {
    pub fn new(token: &SecretString, api_url: Option<&Url>) -> anyhow::Result<Self> {
        let server = api_url
            .map_or("https://api.telegram.org", Url::as_str)
            .trim_end_matches('/');
        let base = format!("{server}/bot{}/", token.expose_secret());
        if let Err(error) = Url::parse(&base) {
            anyhow::bail!("the Bot API's address {server} is not usable: {error}");
        }
        let mut http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            // A redirect would carry the token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .pool_max_idle_per_host(4);
        if api_url.is_some_and(is_loopback) {
            http = http.no_proxy();
        }
        Ok(Self {
            http: http.build().context("make the HTTP client for Telegram")?,
            base: base.into(),
            token: token.clone(),
            server: server.into(),
            patience: ANSWER_WITHIN,
            long_poll: LONG_POLL,
        })
    }

    /// Waits for every answer this long, and for updates no longer than they take to answer.
    pub fn patience(self, patience: Duration) -> Self {
        Self {
            patience,
            long_poll: Duration::ZERO,
            ..self
        }
    }

    /// Which Bot API server this is, without the token.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Calls a method, also one that teloxide does not know, and returns its result.
    pub async fn call(&self, method: &str, body: &Value) -> Result<Value, TelegramError> {
        self.answer(self.request(method).json(body)).await
    }

    /// As [`Telegram::call`], with the result as a type.
    pub async fn ask<T: DeserializeOwned>(&self, method: &str, body: &Value) -> Result<T, TelegramError> {
        let answer = self.call(method, body).await?;
        serde_json::from_value(answer)
            .map_err(|error| TelegramError::Lost(format!("{method}: the answer is not understood: {error}")))
    }

    pub async fn get_me(&self) -> Result<teloxide::types::Me, TelegramError> {
        self.ask("getMe", &json!({})).await
    }

    /// Waits for updates from `offset` on; asking for it confirms the earlier ones.
    pub async fn get_updates(&self, offset: i64, kinds: &[&str]) -> Result<Vec<Value>, TelegramError> {
        let body = json!({"offset": offset, "timeout": self.long_poll.as_secs(), "allowed_updates": kinds});
        let request = self
            .request("getUpdates")
            .timeout(self.long_poll + self.patience)
            .json(&body);
        match self.answer(request).await? {
            Value::Array(updates) => Ok(updates),
            _ => Err(TelegramError::Lost(
                "getUpdates answered with something else than a list".to_owned(),
            )),
        }
    }

    /// Calls a method with a file; nested values of `body` travel as JSON text.
    pub async fn upload(
        &self,
        method: &str,
        body: &serde_json::Map<String, Value>,
        file: Upload,
    ) -> Result<Value, TelegramError> {
        let length = file.bytes.len() as u64;
        let part = reqwest::multipart::Part::stream_with_length(file.bytes, length)
            .file_name(file.name)
            .mime_str(file.mime)
            .map_err(|error| self.failed(error))?;
        let mut form = reqwest::multipart::Form::new().part(file.field, part);
        for (name, value) in body {
            let text = match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            form = form.text(name.clone(), text);
        }
        self.answer(self.request(method).multipart(form)).await
    }

    fn request(&self, method: &str) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}{method}", self.base.expose_secret()))
            .timeout(self.patience)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, TelegramError> {
        let response = request.send().await.map_err(|error| self.failed(error))?;
        let status = response.status();
        let body = response.bytes().await.map_err(|error| self.failed(error))?;
        let Ok(mut answer) = serde_json::from_slice::<Value>(&body) else {
            // A proxy's page, not Telegram's word.
            return Err(TelegramError::of(Refusal::bare(status)));
        };
        if answer["ok"] == true {
            return Ok(answer["result"].take());
        }
        let refusal = serde_json::from_value::<Refusal>(answer).unwrap_or_else(|_| Refusal::bare(status));
        Err(TelegramError::of(refusal))
    }

    /// reqwest's errors show the address, and the address holds the token.
    fn failed(&self, error: reqwest::Error) -> TelegramError {
        let error = error.without_url();
        let unsent = error.is_connect() || error.is_builder();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        let text = format!(
            "{}: {}",
            self.server,
            text.replace(self.token.expose_secret(), "<token>")
        );
        if unsent {
            TelegramError::Away(text)
        } else {
            TelegramError::Lost(text)
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
