//! What the bot needs to run, ready made. The root reads files and environment.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::workers::Bus;

/// Everything the role `bot` is told.
#[derive(Clone, Debug)]
pub struct BotConfig {
    /// From @BotFather.
    pub token: SecretString,
    /// Another Bot API server than Telegram's own (`KYMO_TELEGRAM_API`).
    pub api_url: Option<Url>,
    /// Where the notifier's HTTP door listens.
    pub listen: SocketAddr,
    /// The bearer token of the door.
    pub door_token: SecretString,
    /// A path, or `sqlite:` and a path.
    pub database: String,
    /// The data folder: `runs/<short id>/output.log`.
    pub data: PathBuf,
    /// Admins by configuration, besides those in SQL.
    pub admins: Vec<i64>,
    pub workers: WorkerHost,
}

/// Who keeps graph workers running.
#[derive(Clone, Debug)]
pub enum WorkerHost {
    /// The bot, as its children: the argv prefix, `--topic T [--view V]` is appended.
    Child { command: Vec<OsString> },
    /// systemd, as instances of the template that `kymo install` writes.
    Systemd { bus: Bus },
}
