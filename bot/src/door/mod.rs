//! The notifier's HTTP door: panels from graph workers, alerts from watchdogs, texts and pictures
//! from anybody's curl (docs/door.md).

mod access;
mod alerts;
mod answer;
mod health;
mod messages;
mod openapi;
mod panels;
mod serve;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kymo_store::Store;
use secrecy::SecretString;

use crate::alert::Alerts;
use crate::outbox::Outbox;
use crate::panel::Panels;
use crate::said::Said;

pub use openapi::openapi;
pub use serve::{bind, run};

/// What the door needs behind it.
#[derive(Clone)]
pub struct DoorState {
    pub token: SecretString,
    pub store: Store,
    pub outbox: Outbox,
    pub panels: Panels,
    pub alerts: Alerts,
    pub telegram: Connected,
    pub said: Said,
}

/// Whether Telegram has answered yet.
#[derive(Clone, Default)]
pub struct Connected(Arc<AtomicBool>);

impl Connected {
    pub fn now(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
