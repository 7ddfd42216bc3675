//! Updates from Telegram, recorded before they are confirmed.

use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::store::Row;
use crate::{ChatId, Store, StoreError, time};

/// An update as Telegram sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxUpdate {
    pub update_id: i64,
    /// Updates of one chat are handled in order.
    pub chat: Option<ChatId>,
    /// The update's JSON.
    pub body: String,
    /// How often the bot ended while it was unhandled.
    pub tries: i64,
}

fn read_update(row: Row) -> Result<InboxUpdate, sqlx::Error> {
    Ok(InboxUpdate {
        update_id: row.try_get("update_id")?,
        chat: row.try_get("chat")?,
        body: row.try_get("body")?,
        tries: row.try_get("tries")?,
    })
}

impl Store {
    /// Records updates in one step; returns those that were not known, in order.
    pub async fn record_updates(
        &self,
        updates: &[InboxUpdate],
        now: DateTime<Utc>,
    ) -> Result<Vec<InboxUpdate>, StoreError> {
        let mut new = Vec::with_capacity(updates.len());
        let mut tx = self.begin().await?;
        for update in updates {
            let done = sqlx::query(
                "INSERT INTO inbox (update_id, chat, body, at, state) VALUES ($1, $2, $3, $4, 'new') \
                 ON CONFLICT (update_id) DO NOTHING",
            )
            .bind(update.update_id)
            .bind(update.chat)
            .bind(&update.body)
            .bind(time::write(now))
            .execute(&mut *tx)
            .await
            .map_err(|e| self.fail(e))?;
            if done.rows_affected() > 0 {
                new.push(update.clone());
            }
        }
        tx.commit().await.map_err(|e| self.fail(e))?;
        Ok(new)
    }

    /// The newest update that was recorded.
    pub async fn last_update(&self) -> Result<Option<i64>, StoreError> {
        sqlx::query_scalar("SELECT MAX(update_id) FROM inbox")
            .fetch_one(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    /// What a crash left unhandled, in order. Each is one try older now, so that an update
    /// which kills the process again and again is noticed.
    pub async fn recover_updates(&self) -> Result<Vec<InboxUpdate>, StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("UPDATE inbox SET tries = tries + 1 WHERE state = 'new'")
            .execute(&mut *tx)
            .await
            .map_err(|e| self.fail(e))?;
        let updates = sqlx::query(
            "SELECT update_id, chat, body, tries FROM inbox WHERE state = 'new' ORDER BY update_id",
        )
        .try_map(read_update)
        .fetch_all(&mut *tx)
        .await
        .map_err(|e| self.fail(e))?;
        tx.commit().await.map_err(|e| self.fail(e))?;
        Ok(updates)
    }

    /// Its body is forgotten; its number stays a while, so that Telegram's repetitions are known.
    pub async fn update_handled(&self, update_id: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE inbox SET state = 'handled', body = '' WHERE update_id = $1")
            .bind(update_id)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// Handling fails again and again: left alone from now on, kept for whoever looks into it.
    pub async fn update_poisoned(&self, update_id: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE inbox SET state = 'poisoned' WHERE update_id = $1")
            .bind(update_id)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }
}
