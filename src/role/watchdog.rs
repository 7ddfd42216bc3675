//! One run's watchdog.

use kymo_solver::watchdog::{self, Farewell, WatchdogConfig};
use tokio_util::sync::CancellationToken;

use crate::cli::{Common, Watchdog};
use crate::config::Config;
use crate::role::this_program;

pub async fn run(common: Common, args: Watchdog, stop: CancellationToken) -> anyhow::Result<()> {
    let config = Config::load(&common)?;
    let log = config.open_log().await?;
    let door = config.find_door()?;
    let watchdog = WatchdogConfig {
        job: args.job,
        data: config.data,
        solver_command: this_program("solver")?,
        farewell: Farewell::default(),
        spool: args.spool,
    };
    watchdog::run(watchdog, log, door, stop).await
}
