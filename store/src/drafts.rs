//! What a card's buttons refer to: a run that somebody is about to start, and the like.

use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::store::Row;
use crate::{ChatId, PersonId, Store, StoreError, time};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Short enough for callback data; the caller chooses it.
    pub id: String,
    pub chat: ChatId,
    pub person: PersonId,
    /// JSON of the caller's own types.
    pub body: String,
    pub at: DateTime<Utc>,
}

fn read_draft(row: Row) -> Result<Draft, sqlx::Error> {
    Ok(Draft {
        id: row.try_get("id")?,
        chat: row.try_get("chat")?,
        person: row.try_get("person")?,
        body: row.try_get("body")?,
        at: time::read(row.try_get("at")?),
    })
}

impl Store {
    /// Keeps the draft, in place of an earlier one with its id.
    pub async fn put_draft(&self, draft: &Draft) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO drafts (id, chat, person, body, at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (id) DO UPDATE SET body = excluded.body, at = excluded.at",
        )
        .bind(&draft.id)
        .bind(draft.chat)
        .bind(draft.person)
        .bind(&draft.body)
        .bind(time::write(draft.at))
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(())
    }

    pub async fn find_draft(&self, id: &str) -> Result<Option<Draft>, StoreError> {
        sqlx::query("SELECT * FROM drafts WHERE id = $1")
            .bind(id)
            .try_map(read_draft)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    /// Takes the draft out: of two who press at once, one gets it.
    pub async fn take_draft(&self, id: &str) -> Result<Option<Draft>, StoreError> {
        sqlx::query("DELETE FROM drafts WHERE id = $1 RETURNING *")
            .bind(id)
            .try_map(read_draft)
            .fetch_optional(&self.writer)
            .await
            .map_err(|e| self.fail(e))
    }
}
