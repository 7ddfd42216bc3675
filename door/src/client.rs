//! A client of the door.

use std::time::Duration;

use kymo_runlog::Topic;
use reqwest::multipart::{Form, Part};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::{Alert, PanelAnswer, PanelFacts, Text, TextAnswer};

/// The door as a role on any machine reaches it. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    url: Url,
    token: SecretString,
    http: reqwest::Client,
}

/// The caller's choices.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The bot is away: spool and try again.
    #[error("the bot at {0} cannot be reached: {1}")]
    Away(Url, String),
    #[error("the bot at {0} refused the request: {1}")]
    Refused(Url, String),
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    remedy: String,
}

impl Door {
    pub fn new(url: Url, token: SecretString) -> Self {
        let mut http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(1)
            .http1_only();
        if is_loopback(&url) {
            http = http.no_proxy();
        }
        // Only a broken TLS backend could fail, and then nothing would work.
        Self {
            url,
            token,
            http: http.build().expect("a plain HTTP client can be built"),
        }
    }

    /// Where the door is.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the door answers.
    pub async fn is_open(&self) -> bool {
        let Ok(url) = self.url.join("/healthz") else {
            return false;
        };
        let answer = self.http.get(url).timeout(Duration::from_secs(2)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Hands in a topic's newest picture; the answer says when the next one is welcome.
    pub async fn show_panel(
        &self,
        topic: &Topic,
        facts: &PanelFacts,
        png: Vec<u8>,
    ) -> Result<PanelAnswer, DoorError> {
        let facts = serde_json::to_string(facts).map_err(|error| self.refused(error.to_string()))?;
        let picture = Part::bytes(png).file_name("picture.png");
        let form = Form::new().text("facts", facts).part("picture", picture);
        let request = self
            .http
            .put(self.at(&["v1", "panels", topic.as_str()]))
            .multipart(form);
        self.read(self.send(request).await?).await
    }

    /// How a topic's next picture is wanted, before there is one.
    pub async fn panel(&self, topic: &Topic) -> Result<PanelAnswer, DoorError> {
        let request = self.http.get(self.at(&["v1", "panels", topic.as_str()]));
        self.read(self.send(request).await?).await
    }

    /// Tells people; durable when it returns.
    pub async fn alert(&self, alert: &Alert) -> Result<(), DoorError> {
        self.send(self.http.post(self.at(&["v1", "alerts"])).json(alert))
            .await?;
        Ok(())
    }

    /// Sends a text.
    pub async fn say(&self, text: &Text) -> Result<TextAnswer, DoorError> {
        let answer = self
            .send(self.http.post(self.at(&["v1", "messages"])).json(text))
            .await?;
        self.read(answer).await
    }

    /// Sends a text, in place of the one that was sent with this key.
    pub async fn say_again(&self, key: &str, text: &Text) -> Result<TextAnswer, DoorError> {
        let answer = self
            .send(self.http.put(self.at(&["v1", "messages", key])).json(text))
            .await?;
        self.read(answer).await
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, DoorError> {
        let answer = request
            .bearer_auth(self.token.expose_secret())
            .send()
            .await
            .map_err(|e| self.away(e))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.bytes().await.unwrap_or_default();
        let reason = match serde_json::from_slice::<Refusal>(&body) {
            Ok(refusal) => format!("{}; {}", refusal.error, refusal.remedy),
            Err(_) => status.to_string(),
        };
        // The bot means it and will not change its mind, unless it is in trouble itself.
        if status.is_client_error() {
            Err(self.refused(reason))
        } else {
            Err(DoorError::Away(self.url.clone(), reason))
        }
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, answer: reqwest::Response) -> Result<T, DoorError> {
        let body = answer.bytes().await.map_err(|e| self.away(e))?;
        serde_json::from_slice(&body)
            .map_err(|error| self.refused(format!("its answer is not understood: {error}")))
    }

    fn refused(&self, reason: String) -> DoorError {
        DoorError::Refused(self.url.clone(), reason)
    }

    fn away(&self, error: reqwest::Error) -> DoorError {
        let error = error.without_url();
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            reason = format!("{reason}: {inner}");
            cause = inner.source();
        }
        DoorError::Away(self.url.clone(), reason)
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
