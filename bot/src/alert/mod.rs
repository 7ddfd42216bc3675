//! Alerts: what a person must know. Kept in SQL until Telegram has taken them; one message per
//! incident and chat, edited when the incident moves on.

mod deliver;
mod text;

use std::sync::Arc;

use chrono::Utc;
use kymo_door::{Alert, AlertState};
use kymo_store::{Destination, NewAlert, Notice, Raised, Store, StoreError};
use tokio::sync::Notify;

pub use deliver::run;
pub use text::alert_html;

/// Where alerts are handed in. Cheap to clone.
#[derive(Clone)]
pub struct Alerts {
    store: Store,
    wake: Arc<Notify>,
}

impl Alerts {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            wake: Arc::default(),
        }
    }

    /// Durable when it returns. Every subscribed chat hears of it; the same id again changes nothing.
    pub async fn raise(&self, alert: &Alert) -> Result<Raised, StoreError> {
        let new = NewAlert {
            id: alert.id.to_string(),
            key: alert.key.clone(),
            at: alert.at,
            open: match alert.state {
                AlertState::Open => true,
                AlertState::Resolved => false,
            },
            body: serde_json::to_string(alert).expect("an alert is plain data"),
        };
        let raised = self.store.raise_alert(&new).await?;
        self.wake.notify_one();
        Ok(raised)
    }

    /// Tells one chat something, once per key; durable when it returns. `false`: it is known.
    pub async fn notice(&self, key: &str, to: Destination, html: &str) -> Result<bool, StoreError> {
        let notice = Notice {
            key: key.to_owned(),
            to,
            html: html.to_owned(),
        };
        let new = self.store.put_notice(&notice, Utc::now()).await?;
        self.wake.notify_one();
        Ok(new)
    }
}
