//! Looks for what a person would get wrong, and says the remedy.

use kymo_bot::doctor::{self, Level};

use crate::cli::{Common, Doctor};
use crate::config::Config;
use crate::role::bot::bot_config;
use crate::say::say;
use crate::start::Exit;

pub async fn run(common: Common, args: Doctor) -> anyhow::Result<Exit> {
    let config = Config::load(&common)?;
    config.make_data_folder()?;
    let log = config.open_log().await;
    let checks = doctor::check(
        &bot_config(&config)?,
        log.as_ref().map_err(|e| e.to_string()),
        args.telegram,
    )
    .await;
    for check in &checks {
        say!("{check}");
    }
    Ok(Exit(u8::from(
        checks.iter().any(|check| check.level == Level::Error),
    )))
}
