//! What one chat must be told once: durable, and known by its key.

use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::store::Row;
use crate::{ChatId, Destination, MessageId, Store, StoreError, ThreadId, time};

/// A line for a chat that Telegram has still to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The same key in the same chat is the same notice.
    pub key: String,
    pub to: Destination,
    pub html: String,
}

fn read_notice(row: Row) -> Result<Notice, sqlx::Error> {
    Ok(Notice {
        key: row.try_get("key")?,
        to: Destination {
            chat: row.try_get::<ChatId, _>("chat")?,
            thread: row.try_get::<Option<ThreadId>, _>("thread")?,
        },
        html: row.try_get("html")?,
    })
}

impl Store {
    /// `false`: it is known.
    pub async fn put_notice(&self, notice: &Notice, now: DateTime<Utc>) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO notices (key, chat, thread, html, at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (key, chat) DO NOTHING",
        )
        .bind(&notice.key)
        .bind(notice.to.chat)
        .bind(notice.to.thread)
        .bind(&notice.html)
        .bind(time::write(now))
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    /// What Telegram has still to take, oldest first.
    pub async fn due_notices(&self) -> Result<Vec<Notice>, StoreError> {
        sqlx::query("SELECT * FROM notices WHERE message IS NULL AND failed IS NULL ORDER BY at, key")
            .try_map(read_notice)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    /// Telegram has taken it.
    pub async fn notice_sent(&self, notice: &Notice, message: MessageId) -> Result<(), StoreError> {
        sqlx::query("UPDATE notices SET message = $3 WHERE key = $1 AND chat = $2")
            .bind(&notice.key)
            .bind(notice.to.chat)
            .bind(message)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// The topic of the forum is gone: it goes to the chat itself.
    pub async fn notice_thread_gone(&self, notice: &Notice) -> Result<(), StoreError> {
        sqlx::query("UPDATE notices SET thread = NULL WHERE key = $1 AND chat = $2")
            .bind(&notice.key)
            .bind(notice.to.chat)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// Telegram will never take it.
    pub async fn notice_failed(&self, notice: &Notice, reason: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE notices SET failed = $3 WHERE key = $1 AND chat = $2")
            .bind(&notice.key)
            .bind(notice.to.chat)
            .bind(reason)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }
}
