//! The initiator of this machine.

use kymo_solver::initiator::{self, InitiatorConfig};
use tokio_util::sync::CancellationToken;

use crate::cli::Common;
use crate::config::Config;
use crate::role::this_program;

pub async fn run(common: Common, stop: CancellationToken) -> anyhow::Result<()> {
    let config = Config::load(&common)?;
    config.make_data_folder()?;
    let log = config.open_log().await?;
    let door = config.find_door()?;
    let initiator = InitiatorConfig {
        host: config.host,
        labels: config.labels,
        capacity: config.capacity,
        data: config.data,
        catalogue: config.catalogue,
        watchdog_command: this_program("watchdog")?,
    };
    initiator::run(initiator, log, door, stop).await
}
