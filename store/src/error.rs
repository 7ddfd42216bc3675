//! What can go wrong with the database, each with its remedy.

use std::path::Path;

use nix::sys::statvfs::statvfs;

/// The caller's choices: wait ([`StoreError::is_passing`]) or tell a person.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the database {database} is locked by another process; close the program that holds it (a shell, a backup) and it goes on"
    )]
    Locked { database: String },
    #[error("no space left for the database {database}; free some space on its disk and it goes on")]
    Full { database: String },
    #[error(
        "the database {database} is damaged ({reason}); put a backup in its place, or move it away to begin with an empty one"
    )]
    Damaged { database: String, reason: String },
    #[error(
        "the database {database} cannot be opened ({reason}); check that its folder exists and is writable"
    )]
    Closed { database: String, reason: String },
    #[error("the database {database} was made by a newer kymo ({reason}); use that version")]
    Newer { database: String, reason: String },
    #[error("the database {database} failed: {reason}")]
    Failed { database: String, reason: String },
}

impl StoreError {
    /// Whether waiting and trying again can help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Locked { .. } | Self::Full { .. } => true,
            Self::Damaged { .. } | Self::Closed { .. } | Self::Newer { .. } | Self::Failed { .. } => false,
        }
    }

    pub(crate) fn of(database: &str, error: sqlx::Error) -> Self {
        let database = database.to_owned();
        let reason = error.to_string();
        match &error {
            sqlx::Error::Database(cause) => {
                // SQLite's primary result code is the low byte of the extended one.
                match cause
                    .code()
                    .and_then(|code| code.parse::<u32>().ok())
                    .map(|code| code & 0xff)
                {
                    Some(5 | 6) => Self::Locked { database },
                    Some(13) => Self::Full { database },
                    // SQLite says so when the file beside the database cannot grow.
                    Some(10) if is_nearly_full(&database) => Self::Full { database },
                    Some(11 | 26) => Self::Damaged {
                        database,
                        reason: cause.message().to_owned(),
                    },
                    Some(8 | 14) => Self::Closed {
                        database,
                        reason: cause.message().to_owned(),
                    },
                    _ => Self::Failed {
                        database,
                        reason: cause.message().to_owned(),
                    },
                }
            }
            sqlx::Error::PoolTimedOut => Self::Locked { database },
            sqlx::Error::Io(cause) => Self::Closed {
                database,
                reason: cause.to_string(),
            },
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged { database, reason },
            _ => Self::Failed { database, reason },
        }
    }

    pub(crate) fn of_migration(database: &str, error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(cause)
            | sqlx::migrate::MigrateError::ExecuteMigration(cause, _) => Self::of(database, cause),
            other => Self::Newer {
                database: database.to_owned(),
                reason: other.to_string(),
            },
        }
    }
}

/// Less than this free, and an I/O error of the disk means that it is full.
const NEARLY_FULL: u64 = 256 * 1024;

fn is_nearly_full(database: &str) -> bool {
    let file = Path::new(database.strip_prefix("sqlite:").unwrap_or(database));
    let folder = file.parent().unwrap_or(Path::new("."));
    statvfs(folder).is_ok_and(|disk| disk.blocks_available() * disk.fragment_size() < NEARLY_FULL)
}
