//! What SQLite and the disk say, as what a caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use crate::{LogError, Topic};

/// Names the log in every error.
pub(super) struct Explain {
    log: String,
    folder: PathBuf,
}

/// Less than this free, and an I/O error of the disk means that it is full.
const NEARLY_FULL: u64 = 256 * 1024;

impl Explain {
    pub fn new(file: &Path) -> Self {
        let folder = file.parent().unwrap_or(Path::new(".")).to_owned();
        Self {
            log: format!("embedded log in {}", file.display()),
            folder,
        }
    }

    pub fn log(&self) -> &str {
        &self.log
    }

    pub fn unknown(&self, topic: &Topic) -> LogError {
        LogError::UnknownTopic(topic.clone(), self.log.clone())
    }

    pub fn broken(&self, reason: impl Into<String>) -> LogError {
        LogError::Broken {
            log: self.log.clone(),
            reason: reason.into(),
        }
    }

    pub fn denied(&self, reason: impl Into<String>) -> LogError {
        LogError::Denied {
            log: self.log.clone(),
            reason: reason.into(),
        }
    }

    /// `what` could not be done with a file.
    pub fn io(&self, what: &str, cause: &io::Error) -> LogError {
        let (log, reason) = (self.log.clone(), format!("cannot {what}: {cause}"));
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => LogError::Full { log, reason },
            _ => LogError::Denied {
                log,
                reason: format!("{reason}; check the folder and its owner, or give another with --data"),
            },
        }
    }

    pub fn sql(&self, cause: sqlx::Error) -> LogError {
        let log = self.log.clone();
        let sqlx::Error::Database(database) = &cause else {
            return LogError::Away {
                log,
                reason: cause.to_string(),
            };
        };
        let code: i32 = database
            .code()
            .and_then(|code| code.parse().ok())
            .unwrap_or_default();
        let message = database.message();
        // Extended codes carry the primary one in their low byte (sqlite.org/rescode.html).
        match code & 0xff {
            5 | 6 | 15 => LogError::Away {
                log,
                reason: format!("another process keeps it locked ({message})"),
            },
            13 => LogError::Full {
                log,
                reason: message.to_owned(),
            },
            10 if self.is_nearly_full() => LogError::Full {
                log,
                reason: message.to_owned(),
            },
            10 => LogError::Away {
                log,
                reason: format!("the disk reports an error ({message})"),
            },
            11 | 26 => LogError::Broken {
                log,
                reason: format!(
                    "{message}; stop kymo, move the file and its -wal and -shm away (`sqlite3 log.sqlite .recover` \
                     may rescue what it holds), and start again"
                ),
            },
            3 | 8 | 14 | 23 => LogError::Denied {
                log,
                reason: format!("{message}; check the file's owner and rights"),
            },
            18 => LogError::Broken {
                log,
                reason: format!("{message}: too large"),
            },
            _ => LogError::Broken {
                log,
                reason: format!("{message} (SQLite code {code})"),
            },
        }
    }

    fn is_nearly_full(&self) -> bool {
        statvfs(&self.folder).is_ok_and(|fs| fs.blocks_available() * fs.fragment_size() < NEARLY_FULL)
    }
}
