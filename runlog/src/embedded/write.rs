//! Writing: each call is one transaction, on disk when it returns; then the topic's bell rings.

use chrono::Utc;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Sqlite, Transaction};
use tokio::sync::MutexGuard;

use super::error::Explain;
use super::read::encode_headers;
use super::{Inner, MESSAGE_LIMIT, TopicNumber, connect};
use crate::{LogError, Message, Position, Topic};

/// The connection that writes, for one transaction.
struct Turn<'a> {
    connection: SqliteConnection,
    place: MutexGuard<'a, Option<SqliteConnection>>,
    explain: &'a Explain,
}

impl Turn<'_> {
    /// After an error the connection is given up: a full disk, for one, ends SQLite's transaction
    /// behind the driver's back.
    fn finish<T>(mut self, result: Result<T, sqlx::Error>) -> Result<T, LogError> {
        let value = result.map_err(|e| self.explain.sql(e))?;
        *self.place = Some(self.connection);
        Ok(value)
    }
}

impl Inner {
    async fn turn(&self) -> Result<Turn<'_>, LogError> {
        let mut place = self.writer.lock().await;
        let connection = match place.take() {
            Some(connection) => connection,
            None => connect(&self.file).await.map_err(|e| self.explain.sql(e))?,
        };
        Ok(Turn {
            connection,
            place,
            explain: &self.explain,
        })
    }

    pub async fn create(&self, topic: &Topic) -> Result<(), LogError> {
        let mut turn = self.turn().await?;
        let made = sqlx::query("insert into topics (name) values (?) on conflict do nothing")
            .bind(topic.as_str())
            .execute(&mut turn.connection)
            .await;
        turn.finish(made).map(|_| ())
    }

    pub async fn append(&self, topic: &Topic, batch: Vec<Message>) -> Result<Vec<Position>, LogError> {
        for message in &batch {
            self.check_size(topic, message)?;
        }
        let mut turn = self.turn().await?;
        let appended = insert(&mut turn.connection, topic, &batch).await;
        let (number, positions) = turn
            .finish(appended)?
            .ok_or_else(|| self.explain.unknown(topic))?;
        self.bells.ring(number);
        Ok(positions)
    }

    fn check_size(&self, topic: &Topic, message: &Message) -> Result<(), LogError> {
        let bytes = message.size();
        if bytes <= MESSAGE_LIMIT {
            return Ok(());
        }
        let (topic, log) = (topic.clone(), self.explain.log().to_owned());
        Err(LogError::TooLarge {
            topic,
            bytes,
            limit: MESSAGE_LIMIT,
            log,
        })
    }

    pub async fn trim(&self, topic: &Topic, before: Position) -> Result<(), LogError> {
        let mut turn = self.turn().await?;
        let trimmed = delete_messages(&mut turn.connection, topic, before).await;
        let number = turn.finish(trimmed)?.ok_or_else(|| self.explain.unknown(topic))?;
        self.bells.ring(number);
        Ok(())
    }

    pub async fn delete(&self, topic: &Topic) -> Result<(), LogError> {
        let mut turn = self.turn().await?;
        let deleted = delete_topic(&mut turn.connection, topic).await;
        if let Some(number) = turn.finish(deleted)? {
            self.bells.remove(number);
        }
        Ok(())
    }

    pub async fn commit(&self, topic: &Topic, consumer: &str, next: Position) -> Result<(), LogError> {
        let number = self.load(topic).await?;
        let mut turn = self.turn().await?;
        let committed = sqlx::query(
            "insert into commits (topic, consumer, next) values (?, ?, ?)
             on conflict (topic, consumer) do update set next = excluded.next",
        )
        .bind(number.0)
        .bind(consumer)
        .bind(next.0)
        .execute(&mut turn.connection)
        .await;
        turn.finish(committed).map(|_| ())
    }
}

/// `immediate`: waits for other writers at the beginning, where waiting is possible.
async fn begin(connection: &mut SqliteConnection) -> Result<Transaction<'_, Sqlite>, sqlx::Error> {
    connection.begin_with("begin immediate").await
}

async fn insert(
    connection: &mut SqliteConnection,
    topic: &Topic,
    batch: &[Message],
) -> Result<Option<(TopicNumber, Vec<Position>)>, sqlx::Error> {
    let mut transaction = begin(connection).await?;
    let place: Option<(i64, i64)> =
        sqlx::query_as("update topics set next = next + ? where name = ? returning number, next")
            .bind(batch.len() as i64)
            .bind(topic.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
    let Some((number, next)) = place else {
        return Ok(None);
    };
    let at = Utc::now().timestamp_micros();
    let first = next - batch.len() as i64;
    let positions: Vec<Position> = (first..next).map(Position).collect();
    for (position, message) in positions.iter().zip(batch) {
        sqlx::query(
            "insert into messages (topic, position, at, key, headers, payload) values (?, ?, ?, ?, ?, ?)",
        )
        .bind(number)
        .bind(position.0)
        .bind(at)
        .bind(message.key.as_deref())
        .bind(encode_headers(&message.headers))
        .bind(message.payload.as_slice())
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(Some((TopicNumber(number), positions)))
}

async fn number_of(
    transaction: &mut Transaction<'_, Sqlite>,
    topic: &Topic,
) -> Result<Option<TopicNumber>, sqlx::Error> {
    let number = sqlx::query_scalar("select number from topics where name = ?")
        .bind(topic.as_str())
        .fetch_optional(&mut **transaction)
        .await?;
    Ok(number.map(TopicNumber))
}

async fn delete_messages(
    connection: &mut SqliteConnection,
    topic: &Topic,
    before: Position,
) -> Result<Option<TopicNumber>, sqlx::Error> {
    let mut transaction = begin(connection).await?;
    let Some(number) = number_of(&mut transaction, topic).await? else {
        return Ok(None);
    };
    sqlx::query("delete from messages where topic = ? and position < ?")
        .bind(number.0)
        .bind(before.0)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Some(number))
}

async fn delete_topic(
    connection: &mut SqliteConnection,
    topic: &Topic,
) -> Result<Option<TopicNumber>, sqlx::Error> {
    let mut transaction = begin(connection).await?;
    let Some(number) = number_of(&mut transaction, topic).await? else {
        return Ok(None);
    };
    for statement in [
        "delete from messages where topic = ?",
        "delete from commits where topic = ?",
        "delete from topics where number = ?",
    ] {
        sqlx::query(statement)
            .bind(number.0)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(Some(number))
}
