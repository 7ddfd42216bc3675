//! What the processes of one house have in common. Secrets travel here, never in arguments,
//! which every user of the machine can read.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kymo_runlog::LogConfig;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::config::env;

/// The variables that the roles of one house are started with.
#[derive(Clone, Default)]
pub struct Environment(Vec<(&'static str, Secret)>);

#[derive(Clone)]
struct Secret(SecretString);

impl Environment {
    pub fn new(data: &Path) -> Self {
        // One arena is enough for roles that mostly wait, and keeps what they free.
        Self::default()
            .set("MALLOC_ARENA_MAX", "1".to_owned())
            .set(env::DATA, path_text(data))
    }

    pub fn config(self, path: Option<&PathBuf>) -> Self {
        match path {
            Some(path) => self.set(env::CONFIG, path_text(path)),
            None => self,
        }
    }

    pub fn log(self, log: &LogConfig) -> Self {
        // A log with passwords or files comes from kymo.toml, which the children read themselves.
        match log.to_text() {
            Some(text) => self.set(env::LOG, text),
            None => self,
        }
    }

    pub fn door(self, url: &Url) -> Self {
        self.set(env::DOOR, url.to_string())
    }

    pub fn telegram(self, api: Option<&Url>, token: &SecretString) -> Self {
        let with_token = self.set(env::TELEGRAM_TOKEN, token.expose_secret().to_owned());
        match api {
            Some(api) => with_token.set(env::TELEGRAM_API, api.to_string()),
            None => with_token,
        }
    }

    pub fn set(mut self, name: &'static str, value: String) -> Self {
        self.0.retain(|(other, _)| *other != name);
        self.0.push((name, Secret(SecretString::from(value))));
        self
    }

    pub fn variables(&self) -> impl Iterator<Item = (&'static str, OsString)> + '_ {
        self.0
            .iter()
            .map(|(name, value)| (*name, OsString::from(value.0.expose_secret())))
    }
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}
