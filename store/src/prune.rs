//! What is old goes away, so that the database does not grow for ever.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{Store, StoreError, time};

/// Telegram itself forgets an update after 24 hours.
pub const UPDATES: TimeDelta = TimeDelta::hours(48);
/// Nobody presses a card's buttons that long after.
pub const DRAFTS: TimeDelta = TimeDelta::days(7);
/// A notice that was told is the proof that it was; no event is delivered again that late.
pub const NOTICES: TimeDelta = TimeDelta::days(30);
/// Incidents that are over, everywhere told, with all their alerts.
pub const INCIDENTS: TimeDelta = TimeDelta::days(90);
/// Who did what.
pub const AUDIT: TimeDelta = TimeDelta::days(730);

/// Incidents whose newest alert is old, that are not open, and of which nothing is still to be told.
const OLD_INCIDENTS: &str = "\
    SELECT incident FROM alerts GROUP BY incident HAVING MAX(at) < $1 \
    EXCEPT SELECT incident FROM incidents WHERE open = TRUE \
    EXCEPT SELECT incident FROM alert_messages WHERE failed IS NULL AND (shown IS NULL OR shown <> wanted)";

impl Store {
    /// Forgets what is older than the ages above; returns how many rows went.
    pub async fn prune(&self, now: DateTime<Utc>) -> Result<u64, StoreError> {
        let incidents = |table: &str| format!("DELETE FROM {table} WHERE incident IN ({OLD_INCIDENTS})");
        let statements = [
            (
                // The newest stays: it says where to go on.
                "DELETE FROM inbox WHERE state <> 'new' AND at < $1 \
                 AND update_id < (SELECT MAX(update_id) FROM inbox)"
                    .to_owned(),
                UPDATES,
            ),
            ("DELETE FROM drafts WHERE at < $1".to_owned(), DRAFTS),
            (
                "DELETE FROM notices WHERE at < $1 AND (message IS NOT NULL OR failed IS NOT NULL)"
                    .to_owned(),
                NOTICES,
            ),
            // The alerts last: the others are found by them.
            (incidents("alert_messages"), INCIDENTS),
            (incidents("incidents"), INCIDENTS),
            (incidents("alerts"), INCIDENTS),
            ("DELETE FROM audit WHERE at < $1".to_owned(), AUDIT),
        ];
        let mut tx = self.begin().await?;
        let mut gone = 0;
        for (statement, age) in statements {
            let done = sqlx::query(&statement)
                .bind(time::write(now - age))
                .execute(&mut *tx)
                .await
                .map_err(|e| self.fail(e))?;
            gone += done.rows_affected();
        }
        tx.commit().await.map_err(|e| self.fail(e))?;
        Ok(gone)
    }
}
