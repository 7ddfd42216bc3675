//! The bot, and who keeps its graph workers.

use kymo_bot::{BotConfig, WorkerHost};
use tokio_util::sync::CancellationToken;

use crate::cli::Common;
use crate::config::Config;
use crate::role::this_program;
use crate::supervisor::attended;

pub async fn run(common: Common, stop: CancellationToken) -> anyhow::Result<()> {
    let config = Config::load(&common)?;
    config.make_data_folder()?;
    let log = config.open_log().await?;
    let door = config.own_door()?;
    let status = format!("door {}, log {}", door.url(), log.describe());
    let bot = kymo_bot::run(bot_config(&config)?, log, stop);
    attended(bot, &status, || door.is_open()).await
}

/// What the bot is handed.
pub(crate) fn bot_config(config: &Config) -> anyhow::Result<BotConfig> {
    Ok(BotConfig {
        token: config.telegram_token()?,
        api_url: config.telegram_api.clone(),
        listen: config.door_listen,
        door_token: config.door_token()?,
        database: config.database.clone(),
        data: config.data.clone(),
        admins: config.admins.clone(),
        workers: match config.systemd {
            Some(bus) => WorkerHost::Systemd { bus },
            None => WorkerHost::Child {
                command: this_program("graph-worker")?,
            },
        },
    })
}
