//! Panels: which message shows a topic in a chat, and what its caption was written from.

use kymo_runlog::Topic;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use crate::store::Row;
use crate::{ChatId, Destination, MessageId, Store, StoreError, ThreadId};

/// Whether the bot still has to pin a panel. Once pinned, what people do to the pin is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "kebab-case")]
#[sqlx(type_name = "TEXT", rename_all = "kebab-case")]
pub enum Pin {
    Wanted,
    Pinned,
    /// The right is missing.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    pub topic: Topic,
    pub chat: ChatId,
    pub thread: Option<ThreadId>,
    /// `None`: to be posted with the next picture.
    pub message: Option<MessageId>,
    pub pin: Pin,
    /// Telegram's name of the picture shown.
    pub file_id: Option<String>,
    /// Hash of the picture shown.
    pub picture: Option<String>,
    /// Counts how often the panel was posted anew: buttons of older copies are told from it.
    pub generation: i64,
}

/// What a topic's captions are written from, as JSON of the bot's own types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PanelTopic {
    pub facts: Option<String>,
    pub state: Option<String>,
}

/// A topic's name as it stands in a row.
pub(crate) fn read_topic(row: &Row) -> Result<Topic, sqlx::Error> {
    let name: String = row.try_get("topic")?;
    Topic::parse(&name).map_err(|cause| sqlx::Error::Decode(Box::new(cause)))
}

fn read_panel(row: Row) -> Result<Panel, sqlx::Error> {
    Ok(Panel {
        topic: read_topic(&row)?,
        chat: row.try_get("chat")?,
        thread: row.try_get("thread")?,
        message: row.try_get("message")?,
        pin: row.try_get("pin")?,
        file_id: row.try_get("file_id")?,
        picture: row.try_get("picture")?,
        generation: row.try_get("generation")?,
    })
}

impl Store {
    /// The chat shall show the topic in a message to come; an earlier one is forgotten, its `file_id` kept.
    /// Returns the panel as it is now.
    pub async fn renew_panel(&self, topic: &Topic, to: Destination) -> Result<Panel, StoreError> {
        sqlx::query(
            "INSERT INTO panels (topic, chat, thread, message, pin, generation) VALUES ($1, $2, $3, NULL, 'wanted', 1) \
             ON CONFLICT (topic, chat) DO UPDATE SET thread = excluded.thread, message = NULL, pin = 'wanted', \
             generation = panels.generation + 1 RETURNING *",
        )
        .bind(topic.as_str())
        .bind(to.chat)
        .bind(to.thread)
        .try_map(read_panel)
        .fetch_one(&self.writer)
        .await
        .map_err(|e| self.fail(e))
    }

    /// The chat shall show the topic; a panel that is there stays as it is.
    pub async fn want_panel(&self, topic: &Topic, to: Destination) -> Result<Panel, StoreError> {
        sqlx::query(
            "INSERT INTO panels (topic, chat, thread, message, pin, generation) VALUES ($1, $2, $3, NULL, 'wanted', 1) \
             ON CONFLICT (topic, chat) DO UPDATE SET generation = panels.generation RETURNING *",
        )
        .bind(topic.as_str())
        .bind(to.chat)
        .bind(to.thread)
        .try_map(read_panel)
        .fetch_one(&self.writer)
        .await
        .map_err(|e| self.fail(e))
    }

    /// The panels of a topic in chats that the bot can write to.
    pub async fn panels_of(&self, topic: &Topic) -> Result<Vec<Panel>, StoreError> {
        sqlx::query(
            "SELECT * FROM panels WHERE topic = $1 \
             AND chat NOT IN (SELECT chat FROM chats WHERE lost IS NOT NULL) ORDER BY chat",
        )
        .bind(topic.as_str())
        .try_map(read_panel)
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.fail(e))
    }

    pub async fn panels_in(&self, chat: ChatId) -> Result<Vec<Panel>, StoreError> {
        sqlx::query("SELECT * FROM panels WHERE chat = $1 ORDER BY topic")
            .bind(chat)
            .try_map(read_panel)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    pub async fn find_panel(&self, topic: &Topic, chat: ChatId) -> Result<Option<Panel>, StoreError> {
        sqlx::query("SELECT * FROM panels WHERE topic = $1 AND chat = $2")
            .bind(topic.as_str())
            .bind(chat)
            .try_map(read_panel)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    /// Which topic a message shows.
    pub async fn find_panel_by_message(
        &self,
        chat: ChatId,
        message: MessageId,
    ) -> Result<Option<Panel>, StoreError> {
        sqlx::query("SELECT * FROM panels WHERE chat = $1 AND message = $2")
            .bind(chat)
            .bind(message)
            .try_map(read_panel)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    /// Telegram took the panel of this generation. `false`: somebody asked for a newer one meanwhile.
    pub async fn panel_posted(
        &self,
        panel: &Panel,
        message: MessageId,
        file_id: Option<&str>,
        picture: Option<&str>,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE panels SET message = $4, file_id = COALESCE($5, file_id), picture = COALESCE($6, picture) \
             WHERE topic = $1 AND chat = $2 AND generation = $3",
        )
        .bind(panel.topic.as_str())
        .bind(panel.chat)
        .bind(panel.generation)
        .bind(message)
        .bind(file_id)
        .bind(picture)
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    pub async fn set_panel_pin(&self, panel: &Panel, pin: Pin) -> Result<(), StoreError> {
        sqlx::query("UPDATE panels SET pin = $4 WHERE topic = $1 AND chat = $2 AND generation = $3")
            .bind(panel.topic.as_str())
            .bind(panel.chat)
            .bind(panel.generation)
            .bind(pin)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// The chat shows the topic no more; the message stays what it is.
    pub async fn drop_panel(&self, topic: &Topic, chat: ChatId) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM panels WHERE topic = $1 AND chat = $2")
            .bind(topic.as_str())
            .bind(chat)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    pub async fn load_panel_topic(&self, topic: &Topic) -> Result<PanelTopic, StoreError> {
        let found = sqlx::query("SELECT facts, state FROM panel_topics WHERE topic = $1")
            .bind(topic.as_str())
            .try_map(|row: Row| {
                Ok(PanelTopic {
                    facts: row.try_get("facts")?,
                    state: row.try_get("state")?,
                })
            })
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(found.unwrap_or_default())
    }

    pub async fn put_panel_facts(&self, topic: &Topic, facts: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO panel_topics (topic, facts) VALUES ($1, $2) \
             ON CONFLICT (topic) DO UPDATE SET facts = excluded.facts",
        )
        .bind(topic.as_str())
        .bind(facts)
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(())
    }

    pub async fn put_panel_state(&self, topic: &Topic, state: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO panel_topics (topic, state) VALUES ($1, $2) \
             ON CONFLICT (topic) DO UPDATE SET state = excluded.state",
        )
        .bind(topic.as_str())
        .bind(state)
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(())
    }
}
