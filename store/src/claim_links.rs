//! One-time links by which the first admin claims the bot.

use chrono::{DateTime, Utc};

use crate::{Person, Store, StoreError, time};

impl Store {
    /// Remembers the hash of a new link's secret; earlier links end.
    pub async fn put_claim_link(
        &self,
        secret_hash: &str,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM claim_links")
            .execute(&mut *tx)
            .await
            .map_err(|e| self.fail(e))?;
        sqlx::query("INSERT INTO claim_links (secret_hash, made_at, expires_at) VALUES ($1, $2, $3)")
            .bind(secret_hash)
            .bind(time::write(now))
            .bind(time::write(expires_at))
            .execute(&mut *tx)
            .await
            .map_err(|e| self.fail(e))?;
        tx.commit().await.map_err(|e| self.fail(e))
    }

    /// Makes `person` what it says if the link is known and fresh and there is no admin yet; the link is used up.
    pub async fn redeem_claim_link(&self, secret_hash: &str, person: &Person) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let admins: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM people WHERE role = 'admin'")
            .fetch_one(&mut *tx)
            .await
            .map_err(|e| self.fail(e))?;
        let used = sqlx::query("DELETE FROM claim_links WHERE secret_hash = $1 AND expires_at > $2")
            .bind(secret_hash)
            .bind(time::write(person.granted_at))
            .execute(&mut *tx)
            .await
            .map_err(|e| self.fail(e))?
            .rows_affected();
        if admins > 0 || used == 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO people (person, role, name, username, granted_by, granted_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (person) DO UPDATE SET role = excluded.role, granted_by = excluded.granted_by, \
             granted_at = excluded.granted_at",
        )
        .bind(person.id)
        .bind(person.role)
        .bind(&person.name)
        .bind(&person.username)
        .bind(&person.granted_by)
        .bind(time::write(person.granted_at))
        .execute(&mut *tx)
        .await
        .map_err(|e| self.fail(e))?;
        tx.commit().await.map_err(|e| self.fail(e))?;
        Ok(true)
    }
}
