//! Who may do what. Everybody else is a stranger, and is counted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;

use crate::store::Row;
use crate::{PersonId, Store, StoreError, time};

/// What a person may do; each includes the earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "kebab-case")]
#[sqlx(type_name = "TEXT", rename_all = "kebab-case")]
pub enum Role {
    /// May look.
    Viewer,
    /// May start and stop.
    Operator,
    /// May say who may.
    Admin,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    pub role: Role,
    pub name: String,
    /// Without `@`.
    pub username: Option<String>,
    /// For people: `Ada (42)`, `configuration`, `claim link`.
    pub granted_by: String,
    pub granted_at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    pub id: PersonId,
    pub name: String,
    pub username: Option<String>,
    pub times: i64,
    pub last_at: DateTime<Utc>,
}

/// How many strangers tried, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StrangerCount {
    pub people: i64,
    pub times: i64,
}

const KEPT_STRANGERS: i64 = 1000;

fn read_person(row: Row) -> Result<Person, sqlx::Error> {
    Ok(Person {
        id: row.try_get("person")?,
        role: row.try_get("role")?,
        name: row.try_get("name")?,
        username: row.try_get("username")?,
        granted_by: row.try_get("granted_by")?,
        granted_at: time::read(row.try_get("granted_at")?),
    })
}

fn read_stranger(row: Row) -> Result<Stranger, sqlx::Error> {
    Ok(Stranger {
        id: row.try_get("person")?,
        name: row.try_get("name")?,
        username: row.try_get("username")?,
        times: row.try_get("times")?,
        last_at: time::read(row.try_get("last_at")?),
    })
}

impl Store {
    /// Gives the role, in place of an earlier one.
    pub async fn grant(&self, person: &Person) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO people (person, role, name, username, granted_by, granted_at) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (person) DO UPDATE SET role = excluded.role, name = excluded.name, \
             username = excluded.username, granted_by = excluded.granted_by, granted_at = excluded.granted_at",
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
        sqlx::query("DELETE FROM strangers WHERE person = $1")
            .bind(person.id)
            .execute(&mut *tx)
            .await
            .map_err(|e| self.fail(e))?;
        tx.commit().await.map_err(|e| self.fail(e))
    }

    /// Keeps a person's names as they are now. One statement: a role given meanwhile stays.
    pub async fn rename_person(
        &self,
        person: PersonId,
        name: &str,
        username: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE people SET name = $2, username = $3 WHERE person = $1")
            .bind(person)
            .bind(name)
            .bind(username)
            .execute(&self.writer)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(())
    }

    /// Takes every right away. `false` when there was none, or when it is the last admin: then nothing changes.
    pub async fn revoke(&self, person: PersonId) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "DELETE FROM people WHERE person = $1 AND \
             (role <> 'admin' OR (SELECT COUNT(*) FROM people WHERE role = 'admin') > 1)",
        )
        .bind(person)
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(done.rows_affected() > 0)
    }

    pub async fn find_person(&self, person: PersonId) -> Result<Option<Person>, StoreError> {
        sqlx::query("SELECT * FROM people WHERE person = $1")
            .bind(person)
            .try_map(read_person)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    /// By `@name`, with or without the `@`, in any case.
    pub async fn find_person_by_username(&self, username: &str) -> Result<Option<Person>, StoreError> {
        sqlx::query("SELECT * FROM people WHERE LOWER(username) = LOWER($1)")
            .bind(username.trim_start_matches('@'))
            .try_map(read_person)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    /// Everybody with a role, admins first.
    pub async fn people(&self) -> Result<Vec<Person>, StoreError> {
        sqlx::query("SELECT * FROM people ORDER BY role, name, person")
            .try_map(read_person)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    pub async fn has_admin(&self) -> Result<bool, StoreError> {
        let admins: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM people WHERE role = 'admin'")
            .fetch_one(&self.pool)
            .await
            .map_err(|e| self.fail(e))?;
        Ok(admins > 0)
    }

    /// Somebody without a role did something.
    pub async fn count_stranger(
        &self,
        person: PersonId,
        name: &str,
        username: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO strangers (person, name, username, times, first_at, last_at) VALUES ($1, $2, $3, 1, $4, $4) \
             ON CONFLICT (person) DO UPDATE SET times = strangers.times + 1, name = excluded.name, \
             username = excluded.username, last_at = excluded.last_at",
        )
        .bind(person)
        .bind(name)
        .bind(username)
        .bind(time::write(now))
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        sqlx::query(
            "DELETE FROM strangers WHERE (SELECT COUNT(*) FROM strangers) > $1 AND \
             last_at = (SELECT MIN(last_at) FROM strangers)",
        )
        .bind(KEPT_STRANGERS)
        .execute(&self.writer)
        .await
        .map_err(|e| self.fail(e))?;
        Ok(())
    }

    pub async fn stranger_count(&self) -> Result<StrangerCount, StoreError> {
        let (people, times) =
            sqlx::query_as::<_, (i64, Option<i64>)>("SELECT COUNT(*), SUM(times) FROM strangers")
                .fetch_one(&self.pool)
                .await
                .map_err(|e| self.fail(e))?;
        Ok(StrangerCount {
            people,
            times: times.unwrap_or(0),
        })
    }

    /// The newest strangers, for an admin who looks for somebody to let in.
    pub async fn strangers(&self, limit: i64) -> Result<Vec<Stranger>, StoreError> {
        sqlx::query("SELECT * FROM strangers ORDER BY last_at DESC, person LIMIT $1")
            .bind(limit)
            .try_map(read_stranger)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }

    pub async fn find_stranger_by_username(&self, username: &str) -> Result<Option<Stranger>, StoreError> {
        sqlx::query("SELECT * FROM strangers WHERE LOWER(username) = LOWER($1)")
            .bind(username.trim_start_matches('@'))
            .try_map(read_stranger)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| self.fail(e))
    }
}
