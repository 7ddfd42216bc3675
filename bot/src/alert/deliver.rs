//! Brings due alerts and notices to their chats, and tries again until Telegram has taken them.

use std::collections::HashSet;
use std::time::Duration;

use kymo_door::{Alert, Severity};
use kymo_store::{ChatId, DueAlert, Notice, Store, StoreError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Alerts, alert_html};
use crate::outbox::{Class, Edited, Outbox, SendError, TextMessage};
use crate::telegram::TelegramError;

const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// One message that is to be sent or edited.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    what: String,
    chat: ChatId,
}

/// Delivers until `stop`; what is still due then is delivered by the next start.
pub async fn run(alerts: Alerts, outbox: Outbox, stop: CancellationToken) -> anyhow::Result<()> {
    let store = alerts.store.clone();
    let mut under_way: HashSet<Place> = HashSet::new();
    let mut deliveries: JoinSet<(Place, bool)> = JoinSet::new();
    let mut look_again = false;
    loop {
        match due(&store).await {
            Ok(due) => {
                for (place, due) in due {
                    if under_way.insert(place.clone()) {
                        let (store, outbox) = (store.clone(), outbox.clone());
                        deliveries.spawn(async move {
                            let delivered = match &due {
                                Due::Alert(due) => deliver_alert(&store, &outbox, due).await,
                                Due::Notice(notice) => deliver_notice(&store, &outbox, notice).await,
                            };
                            if let Err(error) = &delivered {
                                tracing::warn!("an alert waits: {error}");
                            }
                            (place, delivered.is_ok())
                        });
                    }
                }
            }
            Err(error) => {
                tracing::error!("alerts cannot be read and wait: {error}");
                look_again = true;
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = alerts.wake.notified() => {}
            () = tokio::time::sleep(LOOK_AGAIN), if look_again => look_again = false,
            Some(done) = deliveries.join_next() => match done {
                Ok((place, delivered)) => {
                    under_way.remove(&place);
                    look_again |= !delivered;
                }
                Err(error) => return Err(anyhow::Error::new(error).context("deliver an alert")),
            }
        }
    }
    // What Telegram has taken is written down, so that it is not told twice.
    while deliveries.join_next().await.is_some() {}
    Ok(())
}

enum Due {
    Alert(DueAlert),
    Notice(Notice),
}

async fn due(store: &Store) -> Result<Vec<(Place, Due)>, StoreError> {
    let alerts = store.due_alerts().await?.into_iter().map(|due| {
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
    Ok(alerts.chain(notices).collect())
}

/// What to do after Telegram refused a message.
enum Refused {
    /// Worth another try as it is, or as SQL says by then.
    Again,
    /// Without the forum's topic, or as a new message.
    Elsewhere,
    Never(String),
}

async fn deliver_alert(store: &Store, outbox: &Outbox, due: &DueAlert) -> anyhow::Result<()> {
    let Ok(alert) = serde_json::from_str::<Alert>(&due.body) else {
        store
            .alert_failed(due, "written by another version of kymo")
            .await?;
        return Ok(());
    };
    let opened = due
        .opened
        .as_deref()
        .and_then(|body| serde_json::from_str::<Alert>(body).ok());
    let html = alert_html(&alert, opened.as_ref());
    let result = match due.message {
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
        Ok((message, Edited::Shown | Edited::Unchanged)) => store.alert_shown(due, message).await?,
        // The newer text of the same incident is on its way.
        Ok((_, Edited::Superseded)) => {}
        Err(error @ SendError::Closed) => return Err(error.into()),
        Err(SendError::Telegram(error)) => match refused(store, due.to.chat, error).await? {
            Refused::Again => anyhow::bail!("Telegram's answer was lost"),
            Refused::Elsewhere if due.message.is_some() => store.alert_message_gone(due).await?,
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

async fn deliver_notice(store: &Store, outbox: &Outbox, notice: &Notice) -> anyhow::Result<()> {
    let text = TextMessage::new(notice.to, notice.html.clone()).silent();
    match outbox.send_text(Class::Alert, text).await {
        Ok(message) => store.notice_sent(notice, message).await?,
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
