//! A client of the door.

use kymo_runlog::Topic;
use secrecy::SecretString;
use url::Url;

use crate::{Alert, PanelAnswer, PanelFacts};

/// The door as a role on any machine reaches it.
#[derive(Clone)]
pub struct Door {
    _url: Url,
    _token: SecretString,
    _http: reqwest::Client,
}

#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The bot is away: spool and try again.
    #[error("the bot at {0} cannot be reached: {1}")]
    Away(Url, String),
    #[error("the bot at {0} refused the request: {1}")]
    Refused(Url, String),
}

impl Door {
    pub fn new(url: Url, token: SecretString) -> Self {
        Self { _url: url, _token: token, _http: reqwest::Client::new() }
    }

    pub async fn show_panel(&self, _topic: &Topic, _facts: &PanelFacts, _png: Vec<u8>) -> Result<PanelAnswer, DoorError> {
        unimplemented!("bot helper")
    }

    pub async fn alert(&self, _alert: &Alert) -> Result<(), DoorError> {
        unimplemented!("bot helper")
    }
}
