//! Alerts until Telegram has taken them, and the one message of each incident in each chat.

use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::store::Row;
use crate::{ChatId, Destination, MessageId, Store, StoreError, ThreadId, time};

/// An alert on its way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAlert {
    pub id: String,
    /// Alerts of one key belong to one incident until it is resolved.
    pub key: String,
    pub at: DateTime<Utc>,
    pub open: bool,
    /// The alert as JSON of the door's types.
    pub body: String,
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raised {
    /// It waits for its chats.
    Due,
    /// It was known.
    Known,
    /// A newer alert of the same key came before it: it is kept, and not shown.
    Late,
}

/// A message that Telegram has still to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAlert {
    pub incident: String,
    pub to: Destination,
    /// To be edited; `None`: to be sent.
    pub message: Option<MessageId>,
    pub alert: String,
    pub body: String,
    /// The alert that opened the incident, when it is not this one.
    pub opened: Option<String>,
}

fn read_due(row: Row) -> Result<DueAlert, sqlx::Error> {
    Ok(DueAlert {
        incident: row.try_get("incident")?,
        to: Destination {
            chat: row.try_get::<ChatId, _>("chat")?,
            thread: row.try_get::<Option<ThreadId>, _>("thread")?,
        },
        message: row.try_get("message")?,
        alert: row.try_get("wanted")?,
        body: row.try_get("body")?,
        opened: row.try_get("opened")?,
    })
}

impl Store {
    /// Keeps the alert and makes it due in every subscribed chat, and where its incident already has a message.
    pub async fn raise_alert(&self, alert: &NewAlert) -> Result<Raised, StoreError> {
        let fail = |e| self.fail(e);
        let mut tx = self.begin().await?;
        let known: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM alerts WHERE id = $1")
            .bind(&alert.id)
            .fetch_one(&mut *tx)
            .await
            .map_err(fail)?;
        if known > 0 {
            return Ok(Raised::Known);
        }
        let before: Option<(String, i64, bool)> =
            sqlx::query_as("SELECT incident, newest_at, open FROM incidents WHERE key = $1")
                .bind(&alert.key)
                .fetch_optional(&mut *tx)
                .await
                .map_err(fail)?;
        // A resolved incident does not open again: what happens next is news, and an edit would be silent.
        let incident = match &before {
            Some((incident, _, true)) => incident.clone(),
            Some((_, _, false)) | None => alert.id.clone(),
        };
        sqlx::query("INSERT INTO alerts (id, incident, at, body) VALUES ($1, $2, $3, $4)")
            .bind(&alert.id)
            .bind(&incident)
            .bind(time::write(alert.at))
            .bind(&alert.body)
            .execute(&mut *tx)
            .await
            .map_err(fail)?;
        if before.is_some_and(|(_, newest_at, _)| newest_at > time::write(alert.at)) {
            tx.commit().await.map_err(fail)?;
            return Ok(Raised::Late);
        }
        sqlx::query(
            "INSERT INTO incidents (key, incident, newest, newest_at, open) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (key) DO UPDATE SET incident = excluded.incident, newest = excluded.newest, \
             newest_at = excluded.newest_at, open = excluded.open",
        )
        .bind(&alert.key)
        .bind(&incident)
        .bind(&alert.id)
        .bind(time::write(alert.at))
        .bind(alert.open)
        .execute(&mut *tx)
        .await
        .map_err(fail)?;
        sqlx::query("UPDATE alert_messages SET wanted = $2 WHERE incident = $1")
            .bind(&incident)
            .bind(&alert.id)
            .execute(&mut *tx)
            .await
            .map_err(fail)?;
        // Who was not told of the trouble need not hear that it is over.
        if alert.open || incident == alert.id {
            sqlx::query(
                "INSERT INTO alert_messages (incident, chat, thread, wanted) \
                 SELECT $1, chat, alerts_thread, $2 FROM chats WHERE alerts = TRUE AND lost IS NULL \
                 ON CONFLICT (incident, chat) DO NOTHING",
            )
            .bind(&incident)
            .bind(&alert.id)
            .execute(&mut *tx)
            .await
            .map_err(fail)?;
        }
        tx.commit().await.map_err(fail)?;
        Ok(Raised::Due)
    }

    /// What Telegram has still to take, oldest first.
    pub async fn due_alerts(&self) -> Result<Vec<DueAlert>, StoreError> {
        sqlx::query(
            "SELECT m.incident, m.chat, m.thread, m.message, m.wanted, a.body, o.body AS opened \
             FROM alert_messages m JOIN alerts a ON a.id = m.wanted \
             LEFT JOIN alerts o ON o.id = m.incident AND o.id <> m.wanted \
             WHERE m.failed IS NULL AND (m.shown IS NULL OR m.shown <> m.wanted) ORDER BY a.at, m.chat",
        )
        .try_map(read_due)
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.fail(e))
    }

    /// Telegram has taken it.
    pub async fn alert_shown(&self, due: &DueAlert, message: MessageId) -> Result<(), StoreError> {
        sqlx::query("UPDATE alert_messages SET message = $3, shown = $4 WHERE incident = $1 AND chat = $2")
            .bind(&due.incident)
            .bind(due.to.chat)
            .bind(message)
            .bind(&due.alert)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// The incident's message is gone from the chat: the next one is sent anew.
    pub async fn alert_message_gone(&self, due: &DueAlert) -> Result<(), StoreError> {
        sqlx::query("UPDATE alert_messages SET message = NULL WHERE incident = $1 AND chat = $2")
            .bind(&due.incident)
            .bind(due.to.chat)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// The topic of the forum is gone: it goes to the chat itself.
    pub async fn alert_thread_gone(&self, due: &DueAlert) -> Result<(), StoreError> {
        sqlx::query("UPDATE alert_messages SET thread = NULL WHERE incident = $1 AND chat = $2")
            .bind(&due.incident)
            .bind(due.to.chat)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// Telegram will never take it.
    pub async fn alert_failed(&self, due: &DueAlert, reason: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE alert_messages SET failed = $3 WHERE incident = $1 AND chat = $2")
            .bind(&due.incident)
            .bind(due.to.chat)
            .bind(reason)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// The message of the newest incident of a key in a chat.
    pub async fn find_alert_message(&self, key: &str, chat: ChatId) -> Result<Option<MessageId>, StoreError> {
        let found: Option<Option<MessageId>> = sqlx::query_scalar(
            "SELECT m.message FROM alert_messages m JOIN incidents i ON i.incident = m.incident \
             WHERE i.key = $1 AND m.chat = $2",
        )
        .bind(key)
        .bind(chat)
        .fetch_optional(&self.pool)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(found.flatten())
    }
}
