//! Which topics are to be drawn: one graph worker each.

use chrono::{DateTime, Utc};
use kymo_runlog::Topic;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use crate::panels::read_topic;
use crate::store::Row;
use crate::{Store, StoreError, time};

/// What a person wants of a graph worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "kebab-case")]
#[sqlx(type_name = "TEXT", rename_all = "kebab-case")]
pub enum Wanted {
    Running,
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    pub topic: Topic,
    pub view: Option<String>,
    pub wanted: Wanted,
    pub added_by: String,
    pub added_at: DateTime<Utc>,
}

fn read_watch(row: Row) -> Result<Watch, sqlx::Error> {
    Ok(Watch {
        topic: read_topic(&row)?,
        view: row.try_get("view")?,
        wanted: row.try_get("wanted")?,
        added_by: row.try_get("added_by")?,
        added_at: time::read(row.try_get("added_at")?),
    })
}

impl Store {
    /// `false`: the topic has a watch already, which stays as it is.
    pub async fn add_watch(&self, watch: &Watch) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO watches (topic, view, wanted, added_by, added_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (topic) DO NOTHING",
        )
        .bind(watch.topic.as_str())
        .bind(&watch.view)
        .bind(watch.wanted)
        .bind(&watch.added_by)
        .bind(time::write(watch.added_at))
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    /// `false`: there is no such watch.
    pub async fn set_watch_wanted(&self, topic: &Topic, wanted: Wanted) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE watches SET wanted = $2 WHERE topic = $1")
            .bind(topic.as_str())
            .bind(wanted)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    /// `false`: there is no such watch.
    pub async fn set_watch_view(&self, topic: &Topic, view: Option<&str>) -> Result<bool, StoreError> {
        let done = sqlx::query("UPDATE watches SET view = $2 WHERE topic = $1")
            .bind(topic.as_str())
            .bind(view)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    /// `false`: there is no such watch.
    pub async fn remove_watch(&self, topic: &Topic) -> Result<bool, StoreError> {
        let done = sqlx::query("DELETE FROM watches WHERE topic = $1")
            .bind(topic.as_str())
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    pub async fn find_watch(&self, topic: &Topic) -> Result<Option<Watch>, StoreError> {
        sqlx::query("SELECT * FROM watches WHERE topic = $1")
            .bind(topic.as_str())
            .try_map(read_watch)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    pub async fn watches(&self) -> Result<Vec<Watch>, StoreError> {
        sqlx::query("SELECT * FROM watches ORDER BY added_at, topic")
            .try_map(read_watch)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }
}
