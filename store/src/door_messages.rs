//! Messages that callers of the door replace by key.

use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use crate::store::Row;
use crate::{ChatId, MessageId, Store, StoreError};

/// Telegram cannot turn a text into a picture in place, so the kind is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "kebab-case")]
#[sqlx(type_name = "TEXT", rename_all = "kebab-case")]
pub enum DoorMessageKind {
    Text,
    Picture,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoorMessage {
    pub key: String,
    pub chat: ChatId,
    pub message: MessageId,
    pub kind: DoorMessageKind,
}

fn read_message(row: Row) -> Result<DoorMessage, sqlx::Error> {
    Ok(DoorMessage {
        key: row.try_get("key")?,
        chat: row.try_get("chat")?,
        message: row.try_get("message")?,
        kind: row.try_get("kind")?,
    })
}

impl Store {
    pub async fn put_door_message(&self, message: &DoorMessage) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO door_messages (key, chat, message, kind) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (key, chat) DO UPDATE SET message = excluded.message, kind = excluded.kind",
        )
        .bind(&message.key)
        .bind(message.chat)
        .bind(message.message)
        .bind(message.kind)
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(())
    }

    pub async fn door_messages(&self, key: &str) -> Result<Vec<DoorMessage>, StoreError> {
        sqlx::query("SELECT * FROM door_messages WHERE key = $1 ORDER BY chat")
            .bind(key)
            .try_map(read_message)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }
}
