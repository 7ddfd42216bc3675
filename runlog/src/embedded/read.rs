//! Reading: topics by name, messages by position.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Inner, TopicNumber};
use crate::{LogError, Message, Position, Stored, Topic};

impl Inner {
    pub async fn find(&self, topic: &Topic) -> Result<Option<TopicNumber>, LogError> {
        let mut reader = self.reader.lock().await;
        let number = sqlx::query_scalar("select number from topics where name = ?")
            .bind(topic.as_str())
            .fetch_optional(&mut *reader)
            .await
            .map_err(|e| self.explain.sql(e))?;
        Ok(number.map(TopicNumber))
    }

    pub async fn load(&self, topic: &Topic) -> Result<TopicNumber, LogError> {
        self.find(topic).await?.ok_or_else(|| self.explain.unknown(topic))
    }

    pub async fn end(&self, topic: &Topic) -> Result<Position, LogError> {
        let mut reader = self.reader.lock().await;
        sqlx::query_scalar("select next from topics where name = ?")
            .bind(topic.as_str())
            .fetch_optional(&mut *reader)
            .await
            .map_err(|e| self.explain.sql(e))?
            .map(Position)
            .ok_or_else(|| self.explain.unknown(topic))
    }

    pub async fn list(&self) -> Result<Vec<Topic>, LogError> {
        let mut reader = self.reader.lock().await;
        let names: Vec<String> = sqlx::query_scalar("select name from topics order by name")
            .fetch_all(&mut *reader)
            .await
            .map_err(|e| self.explain.sql(e))?;
        names
            .iter()
            .map(|name| Topic::parse(name).map_err(|e| self.explain.broken(e.to_string())))
            .collect()
    }

    pub async fn committed(&self, topic: &Topic, consumer: &str) -> Result<Option<Position>, LogError> {
        let number = self.load(topic).await?;
        let mut reader = self.reader.lock().await;
        let next = sqlx::query_scalar("select next from commits where topic = ? and consumer = ?")
            .bind(number.0)
            .bind(consumer)
            .fetch_optional(&mut *reader)
            .await
            .map_err(|e| self.explain.sql(e))?;
        Ok(next.map(Position))
    }

    /// Messages of a topic that was looked up before; it may be gone since.
    pub async fn read(
        &self,
        topic: &Topic,
        number: TopicNumber,
        from: Position,
        max_bytes: usize,
    ) -> Result<Vec<Stored>, LogError> {
        let mut reader = self.reader.lock().await;
        // The sizes first: how many fit is known before a large payload is touched.
        let sizes = sqlx::query(
            "select position, length(payload) from messages where topic = ? and position >= ? order by position limit 500",
        )
        .bind(number.0)
        .bind(from.0)
        .fetch_all(&mut *reader)
        .await
        .map_err(|e| self.explain.sql(e))?;
        let Some(last) = last_fitting(&sizes, max_bytes).map_err(|e| self.explain.sql(e))? else {
            let known: Option<i64> = sqlx::query_scalar("select 1 from topics where number = ?")
                .bind(number.0)
                .fetch_optional(&mut *reader)
                .await
                .map_err(|e| self.explain.sql(e))?;
            return known
                .map(|_| Vec::new())
                .ok_or_else(|| self.explain.unknown(topic));
        };
        let rows = sqlx::query(
            "select position, at, key, headers, payload from messages
             where topic = ? and position between ? and ? order by position",
        )
        .bind(number.0)
        .bind(from.0)
        .bind(last)
        .fetch_all(&mut *reader)
        .await
        .map_err(|e| self.explain.sql(e))?;
        rows.iter().map(|row| self.stored(row)).collect()
    }

    fn stored(&self, row: &SqliteRow) -> Result<Stored, LogError> {
        let sql = |e| self.explain.sql(e);
        let position: i64 = row.try_get(0).map_err(sql)?;
        let at: i64 = row.try_get(1).map_err(sql)?;
        let headers: &[u8] = row.try_get(3).map_err(sql)?;
        let broken = |what: &str| {
            self.explain
                .broken(format!("the message at {position} has {what}"))
        };
        Ok(Stored {
            position: Position(position),
            at: chrono::DateTime::from_timestamp_micros(at).ok_or_else(|| broken("no time"))?,
            message: Message {
                key: row.try_get(2).map_err(sql)?,
                headers: decode_headers(headers).ok_or_else(|| broken("broken headers"))?,
                payload: row.try_get(4).map_err(sql)?,
            },
        })
    }
}

/// The last position that still fits; the first always does.
fn last_fitting(sizes: &[SqliteRow], max_bytes: usize) -> Result<Option<i64>, sqlx::Error> {
    let (mut last, mut bytes) = (None, 0u64);
    for row in sizes {
        let (position, size): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        bytes = bytes.saturating_add(size.unsigned_abs());
        if last.is_some() && bytes > max_bytes as u64 {
            break;
        }
        last = Some(position);
    }
    Ok(last)
}

/// Each header as name and value, each behind its length (u32, little endian).
pub(super) fn encode_headers(headers: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    for (name, value) in headers {
        for piece in [name.as_bytes(), value] {
            bytes.extend((piece.len() as u32).to_le_bytes());
            bytes.extend(piece);
        }
    }
    bytes
}

fn decode_headers(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut rest = bytes;
    let mut piece = || {
        let (length, tail) = rest.split_first_chunk()?;
        let (piece, tail) = tail.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        rest = tail;
        Some((piece, tail.is_empty()))
    };
    let mut headers = Vec::new();
    let mut done = bytes.is_empty();
    while !done {
        let (name, _) = piece()?;
        let (value, last) = piece()?;
        headers.push((std::str::from_utf8(name).ok()?.to_owned(), value.to_vec()));
        done = last;
    }
    Some(headers)
}
