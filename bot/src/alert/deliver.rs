//! Brings due alerts and notices to their chats, and tries again until Telegram has taken them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use kymo_door::{Alert, Severity};
use kymo_store::{ChatId, DueAlert, MessageId, Notice, Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::unwritten::{self, Unwritten};
use super::{Alerts, alert_html};
use crate::outbox::{Class, Edited, Outbox, SendError, TextMessage};
use crate::said::Said;
use crate::telegram::TelegramError;
use crate::written::written;

const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// One message that is to be sent or edited.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    what: String,
    chat: ChatId,
}

/// Delivers until `stop`; what is still due then is delivered by the next start.
pub async fn run(alerts: Alerts, outbox: Outbox, stop: CancellationToken) -> anyhow::Result<()> {
    let delivery = Arc::new(Delivery {
        store: alerts.store.clone(),
        unwritten: alerts.unwritten.clone(),
        alerts: alerts.clone(),
        outbox,
        stop: stop.clone(),
    });
    let said = Said::default();
    let mut under_way: HashSet<Place> = HashSet::new();
    // What failed waits for the next look.
    let mut resting: Vec<Place> = Vec::new();
    let mut deliveries: JoinSet<(Place, anyhow::Result<()>)> = JoinSet::new();
    loop {
        let mut look_again = !resting.is_empty();
        match due(&alerts).await {
            Ok(due) => {
                for (place, due) in due {
                    if under_way.contains(&place) {
                        continue;
                    }
                    let begins = match &due {
                        Due::Unwritten(alert) => alerts.unwritten.begin(alert),
                        Due::Alert(_) | Due::Notice(_) | Due::Unkept(_) => true,
                    };
                    if begins && under_way.insert(place.clone()) {
                        let delivery = delivery.clone();
                        deliveries.spawn(async move { (place, delivery.deliver(&due).await) });
                    }
                }
            }
            Err(error) => {
                tell_trouble(&said, &format!("alerts cannot be read and wait: {error}"));
                look_again = true;
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = alerts.wake.notified() => {}
            () = tokio::time::sleep(LOOK_AGAIN), if look_again => {
                for place in resting.drain(..) {
                    under_way.remove(&place);
                }
            }
            Some(done) = deliveries.join_next() => {
                let (place, delivered) = done.context("deliver an alert")?;
                match delivered {
                    Ok(()) => {
                        under_way.remove(&place);
                        if resting.is_empty() && said.is_over() {
                            tracing::info!("alerts are delivered again");
                        }
                    }
                    Err(error) => {
                        tell_trouble(&said, &format!("an alert waits: {error:#}"));
                        resting.push(place);
                    }
                }
            }
        }
    }
    // What Telegram has taken is written down, so that it is not told twice.
    while deliveries.join_next().await.is_some() {}
    Ok(())
}

fn tell_trouble(said: &Said, text: &str) {
    if said.is_news(text) {
        tracing::error!("{text}");
    }
}

enum Due {
    Alert(DueAlert),
    Notice(Notice),
    /// To be told although SQL does not have it.
    Unwritten(Box<Alert>),
    /// To be put into SQL.
    Unkept(Box<Alert>),
}

async fn due(alerts: &Alerts) -> Result<Vec<(Place, Due)>, StoreError> {
    let store = &alerts.store;
    let place = |what: String| Place {
        what,
        chat: ChatId(0),
    };
    let to_tell = alerts.unwritten.to_tell().into_iter();
    let to_tell = to_tell.map(|alert| {
        (
            place(format!("tell {}", alert.key)),
            Due::Unwritten(Box::new(alert)),
        )
    });
    let to_write = alerts.unwritten.to_write().into_iter().take(1);
    let to_write = to_write.map(|alert| (place("write".to_owned()), Due::Unkept(Box::new(alert))));
    let unwritten: Vec<_> = to_tell.chain(to_write).collect();
    let written = store
        .due_alerts()
        .await?
        .into_iter()
        .filter(|due| !alerts.unwritten.is_telling(due))
        .map(|due| {
            (
                Place {
                    what: due.incident.clone(),
                    chat: due.to.chat,
                },
                Due::Alert(due),
            )
        });
    let notices = store.due_notices().await?.into_iter().map(|notice| {
        (
            Place {
                what: format!("notice {}", notice.key),
                chat: notice.to.chat,
            },
            Due::Notice(notice),
        )
    });
    Ok(unwritten.into_iter().chain(written).chain(notices).collect())
}

/// What to do after Telegram refused a message.
enum Refused {
    /// Worth another try as it is, or as SQL says by then.
    Again,
    /// Without the forum's topic, or as a new message.
    Elsewhere,
    Never(String),
}

/// What a delivery needs.
struct Delivery {
    store: Store,
    unwritten: Unwritten,
    alerts: Alerts,
    outbox: Outbox,
    stop: CancellationToken,
}

impl Delivery {
    async fn deliver(&self, due: &Due) -> anyhow::Result<()> {
        match due {
            Due::Alert(due) => self.deliver_alert(due).await,
            Due::Notice(notice) => self.deliver_notice(notice).await,
            Due::Unkept(alert) => {
                self.alerts
                    .write(alert)
                    .await
                    .context("it is told and not kept")?;
                Ok(())
            }
            Due::Unwritten(alert) => unwritten::tell(&self.unwritten, &self.store, &self.outbox, alert).await,
        }
    }

    /// Telegram has taken it; until that is written down it must not be sent again.
    async fn shown(&self, due: &DueAlert, alert: &Alert, message: MessageId) -> Result<(), StoreError> {
        let write = || self.store.alert_shown(due, message);
        written("an alert that was told", &self.stop, write).await?;
        self.unwritten.recorded(alert, due.to.chat);
        Ok(())
    }

    async fn deliver_alert(&self, due: &DueAlert) -> anyhow::Result<()> {
        let (store, outbox) = (&self.store, &self.outbox);
        let Ok(alert) = serde_json::from_str::<Alert>(&due.body) else {
            store
                .alert_failed(due, "written by another version of kymo")
                .await?;
            return Ok(());
        };
        if let Some(message) = self.unwritten.shown(due) {
            self.shown(due, &alert, message).await?;
            return Ok(());
        }
        // An alert of the incident may have been told before SQL could keep it.
        let before = due
            .message
            .or_else(|| self.unwritten.earlier(&alert, due.to.chat));
        let opened = due
            .opened
            .as_deref()
            .and_then(|body| serde_json::from_str::<Alert>(body).ok());
        let html = alert_html(&alert, opened.as_ref());
        let result = match before {
            Some(message) => outbox
                .edit_text(Class::Alert, due.to.chat, message, &html, None)
                .await
                .map(|edited| (message, edited)),
            None => {
                let mut text = TextMessage::new(due.to, html);
                text.silent = alert.severity == Severity::Info;
                outbox
                    .send_text(Class::Alert, text)
                    .await
                    .map(|message| (message, Edited::Shown))
            }
        };
        match result {
            Ok((message, Edited::Shown | Edited::Unchanged)) => self.shown(due, &alert, message).await?,
            // The newer text of the same incident is on its way.
            Ok((_, Edited::Superseded)) => {}
            Err(error @ SendError::Closed) => return Err(error.into()),
            Err(SendError::Telegram(error)) => match refused(store, due.to.chat, error).await? {
                Refused::Again => anyhow::bail!("Telegram's answer was lost"),
                Refused::Elsewhere if before.is_some() => {
                    self.unwritten.recorded(&alert, due.to.chat);
                    store.alert_message_gone(due).await?;
                }
                Refused::Elsewhere if due.to.thread.is_some() => store.alert_thread_gone(due).await?,
                Refused::Elsewhere => store.alert_failed(due, "the place is gone").await?,
                Refused::Never(reason) => {
                    tracing::error!(
                        "the alert {:?} cannot be told in the chat {}: {reason}",
                        alert.title,
                        due.to.chat
                    );
                    store.alert_failed(due, &reason).await?;
                }
            },
        }
        Ok(())
    }

    async fn deliver_notice(&self, notice: &Notice) -> anyhow::Result<()> {
        let (store, outbox) = (&self.store, &self.outbox);
        let text = TextMessage::new(notice.to, notice.html.clone()).silent();
        match outbox.send_text(Class::Alert, text).await {
            Ok(message) => {
                let write = || store.notice_sent(notice, message);
                written("a notice that was told", &self.stop, write).await?;
            }
            Err(error @ SendError::Closed) => return Err(error.into()),
            Err(SendError::Telegram(error)) => match refused(store, notice.to.chat, error).await? {
                Refused::Again => anyhow::bail!("Telegram's answer was lost"),
                Refused::Elsewhere if notice.to.thread.is_some() => store.notice_thread_gone(notice).await?,
                Refused::Elsewhere => store.notice_failed(notice, "the place is gone").await?,
                Refused::Never(reason) => {
                    tracing::error!("the chat {} cannot be told: {reason}", notice.to.chat);
                    store.notice_failed(notice, &reason).await?;
                }
            },
        }
        Ok(())
    }
}

async fn refused(store: &Store, chat: ChatId, error: TelegramError) -> Result<Refused, StoreError> {
    Ok(match error {
        TelegramError::MessageGone | TelegramError::PlaceGone(_) => Refused::Elsewhere,
        TelegramError::Forbidden(_) | TelegramError::ChatGone => {
            store.lose_chat(chat, &error.to_string()).await?;
            Refused::Never(error.to_string())
        }
        TelegramError::Away(_)
        | TelegramError::Lost(_)
        | TelegramError::Flooded(_)
        | TelegramError::Moved(_)
        | TelegramError::Canceled
        | TelegramError::NotModified
        | TelegramError::Unauthorized
        | TelegramError::Conflict
        | TelegramError::Webhook => Refused::Again,
        TelegramError::PinGone
        | TelegramError::NoRight(_)
        | TelegramError::QueryTooOld
        | TelegramError::TooBig
        | TelegramError::Refused { .. } => Refused::Never(error.to_string()),
    })
}
