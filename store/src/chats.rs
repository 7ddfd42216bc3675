//! The chats that the bot knows, who hears alerts, and groups that became supergroups.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use crate::store::Row;
use crate::{ChatId, Store, StoreError, ThreadId, time};

/// How pictures look in a chat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "kebab-case")]
#[sqlx(type_name = "TEXT", rename_all = "kebab-case")]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

impl Theme {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    pub id: ChatId,
    /// Telegram's word: `private`, `group`, `supergroup`, `channel`.
    pub kind: String,
    pub title: String,
    pub forum: bool,
    pub theme: Theme,
    pub alerts: bool,
    pub alerts_thread: Option<ThreadId>,
    /// Why the bot cannot write there.
    pub lost: Option<String>,
    pub pin_told: bool,
    pub seen_at: DateTime<Utc>,
}

/// What an update says about its chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatSeen {
    pub id: ChatId,
    pub kind: String,
    pub title: String,
    pub forum: bool,
}

/// A chat, and the topic in it when it is a forum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    pub chat: ChatId,
    pub thread: Option<ThreadId>,
}

fn read_chat(row: Row) -> Result<Chat, sqlx::Error> {
    Ok(Chat {
        id: row.try_get("chat")?,
        kind: row.try_get("kind")?,
        title: row.try_get("title")?,
        forum: row.try_get("forum")?,
        theme: row.try_get("theme")?,
        alerts: row.try_get("alerts")?,
        alerts_thread: row.try_get("alerts_thread")?,
        lost: row.try_get("lost")?,
        pin_told: row.try_get("pin_told")?,
        seen_at: time::read(row.try_get("seen_at")?),
    })
}

impl Store {
    /// Somebody with a role spoke there, or the bot was let in: the bot can write again.
    pub async fn see_chat(&self, seen: &ChatSeen, now: DateTime<Utc>) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO chats (chat, kind, title, forum, seen_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (chat) DO UPDATE SET kind = excluded.kind, title = excluded.title, \
             forum = excluded.forum, seen_at = excluded.seen_at, lost = NULL",
        )
        .bind(seen.id)
        .bind(&seen.kind)
        .bind(&seen.title)
        .bind(seen.forum)
        .bind(time::write(now))
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(())
    }

    pub async fn find_chat(&self, chat: ChatId) -> Result<Option<Chat>, StoreError> {
        sqlx::query("SELECT * FROM chats WHERE chat = $1")
            .bind(chat)
            .try_map(read_chat)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    pub async fn chats(&self) -> Result<Vec<Chat>, StoreError> {
        sqlx::query("SELECT * FROM chats ORDER BY chat")
            .try_map(read_chat)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    /// Alerts go there from now on, into this topic of a forum. `false`: the chat is unknown, see it first.
    pub async fn subscribe(&self, to: Destination) -> Result<bool, StoreError> {
        let done =
            sqlx::query("UPDATE chats SET alerts = TRUE, alerts_thread = $2, lost = NULL WHERE chat = $1")
                .bind(to.chat)
                .bind(to.thread)
                .execute(&self.writer)
                .await
                .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    /// `false`: it was not subscribed.
    pub async fn unsubscribe(&self, chat: ChatId) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE chats SET alerts = FALSE, alerts_thread = NULL WHERE chat = $1 AND alerts = TRUE",
        )
        .bind(chat)
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    /// Where alerts go: subscribed, and not lost.
    pub async fn subscribed(&self) -> Result<Vec<Destination>, StoreError> {
        sqlx::query(
            "SELECT chat, alerts_thread FROM chats WHERE alerts = TRUE AND lost IS NULL ORDER BY chat",
        )
        .try_map(|row: Row| {
            Ok(Destination {
                chat: row.try_get("chat")?,
                thread: row.try_get("alerts_thread")?,
            })
        })
        .fetch_all(&self.pool)
        .await
        .map_err(|e| self.fail(e))
    }

    pub async fn set_theme(&self, chat: ChatId, theme: Theme) -> Result<(), StoreError> {
        sqlx::query("UPDATE chats SET theme = $2 WHERE chat = $1")
            .bind(chat)
            .bind(theme)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// The bot cannot write there any more (kicked, blocked, gone).
    pub async fn lose_chat(&self, chat: ChatId, reason: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE chats SET lost = $2 WHERE chat = $1")
            .bind(chat)
            .bind(reason)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// `true` once: whether the chat is still to be told that the right to pin is missing.
    pub async fn tell_missing_pin(&self, chat: ChatId) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE chats SET pin_told = TRUE WHERE chat = $1 AND pin_told = FALSE")
            .bind(chat)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    /// Groups that became supergroups: old and new.
    pub async fn chat_moves(&self) -> Result<Vec<(ChatId, ChatId)>, StoreError> {
        sqlx::query_as("SELECT old_chat, new_chat FROM chat_moves")
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    /// A group became a supergroup: everything of the old chat is the new one's. Message ids are
    /// forgotten, they mean other messages there. `false`: it was done before.
    pub async fn move_chat(&self, old: ChatId, new: ChatId) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let first = sqlx::query(
            "INSERT INTO chat_moves (old_chat, new_chat) VALUES ($1, $2) ON CONFLICT (old_chat) DO NOTHING",
        )
        .bind(old)
        .bind(new)
        .execute(&mut *tx)
        .await
        .map_err(|e| self.fail(e))?;
        if first.rows_affected() == 0 {
            return Ok(false);
        }
        let steps = [
            "INSERT INTO chats (chat, kind, title, forum, theme, alerts, alerts_thread, lost, pin_told, seen_at) \
             SELECT $2, 'supergroup', title, forum, theme, alerts, alerts_thread, NULL, FALSE, seen_at \
             FROM chats WHERE chat = $1 \
             ON CONFLICT (chat) DO UPDATE SET theme = excluded.theme, \
             alerts = (chats.alerts OR excluded.alerts)",
            "DELETE FROM chats WHERE chat = $1 AND $2 = $2",
            "DELETE FROM panels WHERE chat = $1 AND topic IN (SELECT topic FROM panels WHERE chat = $2)",
            "UPDATE panels SET chat = $2, message = NULL, pin = 'wanted', picture = NULL WHERE chat = $1",
            "DELETE FROM alert_messages WHERE chat = $1 AND incident IN \
             (SELECT incident FROM alert_messages WHERE chat = $2)",
            "UPDATE alert_messages SET chat = $2, message = NULL, failed = NULL WHERE chat = $1",
            "DELETE FROM notices WHERE chat = $1 AND key IN (SELECT key FROM notices WHERE chat = $2)",
            "UPDATE notices SET chat = $2 WHERE chat = $1",
            "DELETE FROM door_messages WHERE chat = $1 AND $2 = $2",
            "DELETE FROM drafts WHERE chat = $1 AND $2 = $2",
        ];
        for step in steps {
            sqlx::query(step)
                .bind(old)
                .bind(new)
                .execute(&mut *tx)
                .await
                .map_err(|e| self.fail(e))?;
        }
        tx.commit().await.map_err(|e| self.fail(e))?;
        Ok(true)
    }
}
