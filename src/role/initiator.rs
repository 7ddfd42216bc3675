//! The initiator of this machine.

use anyhow::Context;
use kymo_solver::initiator::{self, InitiatorConfig};
use kymo_solver::server::Gateway;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::Common;
use crate::config::Config;
use crate::role::this_program;
use crate::supervisor::attended;

pub async fn run(common: Common, stop: CancellationToken) -> anyhow::Result<()> {
    let config = Config::load(&common)?;
    config.make_data_folder()?;
    let log = config.open_log().await?;
    let door = config.find_door()?;
    let status = format!("log {}", log.describe());
    let mut hosts = JoinSet::new();
    let gateway = Gateway {
        host: config.host.clone(),
        data: config.data.clone(),
        log: config.log,
    };
    for host in config.servers {
        let (gateway, log, door, stop) = (gateway.clone(), log.clone(), door.clone(), stop.clone());
        hosts.spawn(initiator::run_there(
            host.server,
            host.catalogue,
            gateway,
            log,
            door,
            stop,
        ));
    }
    let here = InitiatorConfig {
        host: config.host,
        labels: config.labels,
        capacity: config.capacity,
        data: config.data,
        catalogue: config.catalogue,
        watchdog_command: this_program("watchdog")?,
    };
    hosts.spawn(initiator::run(here, log, door, stop.clone()));
    // One that cannot go on ends the others: whoever started this process starts it again.
    let until_all_end = async {
        let mut ended = Ok(());
        while let Some(host) = hosts.join_next().await {
            stop.cancel();
            ended = ended.and(host.context("an initiator panicked").flatten());
        }
        ended
    };
    // Its one thread takes turns: that is its being well. A log that is away is waited for.
    attended(until_all_end, &status, async || true).await
}
