//! The bot, with its graph workers as children.

use kymo_bot::BotConfig;
use tokio_util::sync::CancellationToken;

use crate::cli::Common;
use crate::config::Config;
use crate::role::this_program;

pub async fn run(common: Common, stop: CancellationToken) -> anyhow::Result<()> {
    let config = Config::load(&common)?;
    config.make_data_folder()?;
    let log = config.open_log().await?;
    kymo_bot::run(bot_config(&config)?, log, stop).await
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
        worker_command: this_program("graph-worker")?,
    })
}
