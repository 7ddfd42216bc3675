//! A run from a terminal: a catalogued solver, or any command.

use kymo_solver::terminal::{self, Command, TerminalConfig};
use kymo_solver::watchdog::Farewell;
use tokio_util::sync::CancellationToken;

use crate::cli::{Common, Run};
use crate::config::Config;
use crate::role::this_program;
use crate::start::Exit;

pub async fn run(
    common: Common,
    args: Run,
    stop: CancellationToken,
    farewell: Farewell,
) -> anyhow::Result<Exit> {
    let config = Config::load(&common)?;
    config.make_data_folder()?;
    let log = config.open_log().await?;
    let door = config.find_door()?;
    let command = if args.command.is_empty() {
        let mut words = args.solver.into_iter();
        let solver = words.next().expect("clap asks for a solver or a command");
        Command::Solver {
            solver,
            assignments: words.collect(),
            fresh: args.fresh,
        }
    } else {
        Command::Program {
            name: args.name,
            command: args.command,
            fresh: args.fresh,
        }
    };
    let terminal = TerminalConfig {
        host: config.host,
        data: config.data,
        catalogue: config.catalogue,
        solver_command: this_program("solver")?,
        farewell,
    };
    Ok(Exit(terminal::run(terminal, command, log, door, stop).await?))
}
