//! Who did what, when, and what came of it.

use chrono::{DateTime, Utc};
use sqlx::Row as _;

use crate::store::Row;
use crate::{ChatId, PersonId, Store, StoreError, time};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    pub at: DateTime<Utc>,
    pub person: PersonId,
    /// As they were called then.
    pub name: String,
    pub chat: ChatId,
    /// `/run airy eps=4`, `button stop`.
    pub action: String,
    pub outcome: String,
}

fn read_entry(row: Row) -> Result<AuditEntry, sqlx::Error> {
    Ok(AuditEntry {
        at: time::read(row.try_get("at")?),
        person: row.try_get("person")?,
        name: row.try_get("name")?,
        chat: row.try_get("chat")?,
        action: row.try_get("action")?,
        outcome: row.try_get("outcome")?,
    })
}

impl Store {
    pub async fn write_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit (id, at, person, name, chat, action, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(uuid::Uuid::now_v7().to_string())
        .bind(time::write(entry.at))
        .bind(entry.person)
        .bind(&entry.name)
        .bind(entry.chat)
        .bind(&entry.action)
        .bind(&entry.outcome)
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// The newest entries, newest first, of one person or of all, after skipping some.
    pub async fn audit(
        &self,
        person: Option<PersonId>,
        limit: i64,
        skip: i64,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        sqlx::query(
            "SELECT * FROM audit WHERE person = COALESCE($1, person) ORDER BY at DESC, id DESC LIMIT $2 OFFSET $3",
        )
        .bind(person)
        .bind(limit)
        .bind(skip)
        .try_map(read_entry)
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.fail(e))
    }
}
