//! Alerts that SQL cannot keep now (disk full, database locked): told at once all the same, and
//! written when there is room again. Whoever handed them in is told to keep them meanwhile.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kymo_door::{Alert, AlertState, Severity};
use kymo_store::{ChatId, DueAlert, MessageId, Store};

use super::alert_html;
use crate::outbox::{Class, Outbox, TextMessage};

/// More than this at once is no incident but a flood.
const KEPT: usize = 100;

/// What is known only in memory. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Unwritten(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    alerts: Vec<Entry>,
    /// Alerts that SQL does not know to be shown.
    told: Vec<Told>,
}

struct Entry {
    alert: Alert,
    /// Chats are being told just now.
    telling: bool,
    told: bool,
    written: bool,
}

struct Told {
    alert: String,
    key: String,
    chat: ChatId,
    message: MessageId,
}

impl Unwritten {
    /// Takes an alert in, once.
    pub fn take(&self, alert: &Alert) {
        let mut inner = self.lock();
        if inner.alerts.len() < KEPT && inner.alerts.iter().all(|known| known.alert.id != alert.id) {
            inner.alerts.push(Entry {
                alert: alert.clone(),
                telling: false,
                told: false,
                written: false,
            });
        }
    }

    /// Alerts that nobody was told yet, oldest first.
    pub fn to_tell(&self) -> Vec<Alert> {
        let inner = self.lock();
        let entries = inner.alerts.iter().filter(|known| !known.told && !known.telling);
        entries.map(|known| known.alert.clone()).collect()
    }

    /// Alerts that SQL does not have, oldest first.
    pub fn to_write(&self) -> Vec<Alert> {
        let inner = self.lock();
        inner
            .alerts
            .iter()
            .filter(|known| !known.written)
            .map(|known| known.alert.clone())
            .collect()
    }

    /// SQL has it now, and delivers it where it was not told.
    pub fn written(&self, alert: &Alert) {
        let mut inner = self.lock();
        if let Some(known) = inner.alerts.iter_mut().find(|known| known.alert.id == alert.id) {
            known.written = true;
        }
        inner.alerts.retain(|known| !known.written || known.telling);
    }

    /// Whether chats are being told this due alert just now.
    pub fn is_telling(&self, due: &DueAlert) -> bool {
        let inner = self.lock();
        inner
            .alerts
            .iter()
            .any(|known| known.telling && known.alert.id.to_string() == due.alert)
    }

    /// Chats are told from now on. `false`: SQL has it by now, and delivers it.
    pub fn begin(&self, alert: &Alert) -> bool {
        let mut inner = self.lock();
        let known = inner.alerts.iter_mut().find(|known| known.alert.id == alert.id);
        known.map(|known| known.telling = true).is_some()
    }

    fn end(&self, alert: &Alert, told: bool) {
        let mut inner = self.lock();
        if let Some(known) = inner.alerts.iter_mut().find(|known| known.alert.id == alert.id) {
            known.telling = false;
            known.told = told;
        }
        inner.alerts.retain(|known| !known.written);
    }

    /// The message that shows a due alert already.
    pub fn shown(&self, due: &DueAlert) -> Option<MessageId> {
        let inner = self.lock();
        let told = inner
            .told
            .iter()
            .find(|told| told.alert == due.alert && told.chat == due.to.chat)?;
        Some(told.message)
    }

    /// SQL knows the incident's message now.
    pub fn recorded(&self, alert: &Alert, chat: ChatId) {
        self.lock()
            .told
            .retain(|told| !(told.key == alert.key && told.chat == chat));
    }

    fn is_told(&self, alert: &Alert, chat: ChatId) -> bool {
        let id = alert.id.to_string();
        self.lock()
            .told
            .iter()
            .any(|told| told.alert == id && told.chat == chat)
    }

    /// The message of an earlier alert of the same key.
    pub fn earlier(&self, alert: &Alert, chat: ChatId) -> Option<MessageId> {
        let inner = self.lock();
        let told = inner
            .told
            .iter()
            .rev()
            .find(|told| told.key == alert.key && told.chat == chat)?;
        Some(told.message)
    }

    fn tell(&self, alert: &Alert, chat: ChatId, message: MessageId) {
        let told = Told {
            alert: alert.id.to_string(),
            key: alert.key.clone(),
            chat,
            message,
        };
        let mut inner = self.lock();
        if inner.told.len() >= 10 * KEPT {
            inner.told.remove(0);
        }
        inner.told.push(told);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells every subscribed chat that was not told yet, after [`Unwritten::begin`]. SQL can mostly still be read.
pub(super) async fn tell(
    unwritten: &Unwritten,
    store: &Store,
    outbox: &Outbox,
    alert: &Alert,
) -> anyhow::Result<()> {
    let told = tell_chats(unwritten, store, outbox, alert).await;
    unwritten.end(alert, told.is_ok());
    told
}

async fn tell_chats(
    unwritten: &Unwritten,
    store: &Store,
    outbox: &Outbox,
    alert: &Alert,
) -> anyhow::Result<()> {
    for to in store.subscribed().await? {
        if unwritten.is_told(alert, to.chat) {
            continue;
        }
        let html = alert_html(alert, None);
        let earlier = match alert.state {
            AlertState::Open => unwritten.earlier(alert, to.chat),
            AlertState::Resolved => match unwritten.earlier(alert, to.chat) {
                Some(message) => Some(message),
                None => store.find_alert_message(&alert.key, to.chat).await?,
            },
        };
        let message = match earlier {
            Some(message) => {
                outbox
                    .edit_text(Class::Alert, to.chat, message, &html, None)
                    .await?;
                message
            }
            None => {
                let mut text = TextMessage::new(to, html);
                text.silent = alert.severity == Severity::Info;
                outbox.send_text(Class::Alert, text).await?
            }
        };
        unwritten.tell(alert, to.chat, message);
    }
    Ok(())
}
