//! Alerts: what a person must know. Kept in SQL until Telegram has taken them; one message per
//! incident and chat, edited when the incident moves on.

mod deliver;
mod text;
mod unwritten;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use kymo_door::{Alert, AlertState};
use kymo_store::{Destination, NewAlert, Notice, Raised, Store, StoreError};
use tokio::sync::Notify;

pub use deliver::run;
pub use text::alert_html;
use unwritten::Unwritten;

/// An alert that takes longer to write is told first.
const SOON: Duration = Duration::from_millis(500);

/// Where alerts are handed in. Cheap to clone.
#[derive(Clone)]
pub struct Alerts {
    store: Store,
    wake: Arc<Notify>,
    unwritten: Unwritten,
}

impl Alerts {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            wake: Arc::default(),
            unwritten: Unwritten::default(),
        }
    }

    /// Durable when it returns well. Every subscribed chat hears of it; the same id again changes nothing.
    /// An error means that it could not be kept: chats hear of it if that is possible at all, and
    /// the caller hands it in again.
    pub async fn raise(&self, alert: &Alert) -> Result<Raised, StoreError> {
        let writing = self.write(alert);
        tokio::pin!(writing);
        let raised = match tokio::time::timeout(SOON, &mut writing).await {
            Ok(raised) => raised,
            // Somebody holds the database; people need not wait for that.
            Err(_) => {
                self.unwritten.take(alert);
                self.wake.notify_one();
                writing.await
            }
        };
        if matches!(&raised, Err(error) if error.is_passing()) {
            self.unwritten.take(alert);
        }
        self.wake.notify_one();
        raised
    }

    async fn write(&self, alert: &Alert) -> Result<Raised, StoreError> {
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
        self.unwritten.written(alert);
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
