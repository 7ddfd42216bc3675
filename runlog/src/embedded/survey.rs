//! Every topic at a glance.

use super::Inner;
use crate::{LogError, Position, Reader, Retention, Span, Surveyed};

impl Inner {
    pub async fn survey(&self) -> Result<Vec<Surveyed>, LogError> {
        let mut connection = self.reader.lock().await;
        let topics: Vec<(i64, String, i64, i64)> = sqlx::query_as(
            "select number, name, coalesce((select min(position) from messages where topic = number), next), next
             from topics order by name",
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(|e| self.explain.sql(e))?;
        let mut surveyed = Vec::with_capacity(topics.len());
        for (number, name, first, end) in topics {
            let readers: Vec<(String, i64)> =
                sqlx::query_as("select consumer, next from commits where topic = ? order by consumer")
                    .bind(number)
                    .fetch_all(&mut *connection)
                    .await
                    .map_err(|e| self.explain.sql(e))?;
            let reader = |(name, next)| Reader {
                name,
                next: Position(next),
            };
            surveyed.push(Surveyed {
                name,
                partitions: 1,
                span: Some(Span {
                    first: Position(first),
                    end: Position(end),
                }),
                retention: Some(Retention::default()),
                readers: readers.into_iter().map(reader).collect(),
            });
        }
        Ok(surveyed)
    }
}
