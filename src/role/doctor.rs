//! Looks for what a person would get wrong, and says the remedy.

use std::path::Path;

use kymo_bot::doctor::{self, Check, Level};
use kymo_solver::server::{self, ServerConfig};

use crate::cli::{Common, Doctor};
use crate::config::{Config, Server};
use crate::say::say;
use crate::start::Exit;

pub async fn run(common: Common, args: Doctor) -> anyhow::Result<Exit> {
    let config = Config::load(&common)?;
    config.make_data_folder()?;
    let log = config.open_log().await;
    let house = doctor::House {
        token: config.telegram_token().map_err(|error| format!("{error:#}")),
        api_url: config.telegram_api.clone(),
        database: config.database.clone(),
        data: config.data.clone(),
    };
    let mut checks = doctor::check(&house, log.as_ref().map_err(|e| e.to_string()), args.telegram).await;
    for Server { server, .. } in &config.servers {
        checks.push(look_at(server, &config.data).await?);
    }
    for check in &checks {
        say!("{check}");
    }
    Ok(Exit(u8::from(
        checks.iter().any(|check| check.level == Level::Error),
    )))
}

/// Whether an initiator could start runs there.
async fn look_at(server: &ServerConfig, data: &Path) -> anyhow::Result<Check> {
    let thing = format!("server {}", server.name);
    Ok(match server::look(server, data).await? {
        Ok(found) => {
            let free = match found.free_kilobytes {
                Some(kilobytes) => format!(", {:.1} GB free", kilobytes as f64 / 1e6),
                None => String::new(),
            };
            let kymo = match found.has_kymo {
                true => "kymo is there",
                false => "kymo is put there when an initiator starts",
            };
            Check::ok(
                &thing,
                format!("{} answers: {}{free}, {kymo}", server.address(), found.machine),
            )
        }
        Err(fault) => Check::error(&thing, fault.reason, fault.remedy),
    })
}
