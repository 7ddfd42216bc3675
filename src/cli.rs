//! The command line: one subcommand per role, with examples.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use kymo_runlog::LogConfig;
use url::Url;

#[derive(Debug, Parser)]
#[command(
    name = "kymo",
    version,
    about = "Chatops for long computations: start, watch and rescue runs from a phone",
    after_help = "Examples:\n  \
        kymo demo                                  try everything here, no Telegram and no configuration needed\n  \
        kymo init                                  write a kymo.toml, with questions\n  \
        kymo up                                    the bot and an initiator on this machine\n  \
        kymo run --name train -- python train.py   watch any command from the phone\n  \
        kymo solver airy h=0.02 kerr=0.5 amp=1.5   compute without any of that; records as NDJSON",
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub role: Role,
}

/// What every role may be told; children inherit it through the environment.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Folder for logs, databases and runs [default: ~/.local/share/kymo]
    #[arg(long, global = true, env = "KYMO_DATA", value_hint = ValueHint::DirPath)]
    pub data: Option<PathBuf>,
    /// Configuration file [default: kymo.toml in the data folder, if there is one]
    #[arg(long, global = true, env = "KYMO_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Where runs are logged: embedded:FOLDER or kafka:HOST:PORT,HOST:PORT
    #[arg(long, global = true, env = "KYMO_LOG", value_name = "LOG")]
    pub log: Option<LogConfig>,
}

#[derive(Debug, Subcommand)]
pub enum Role {
    /// Try everything on this machine: solver, log, bot and a phone page instead of Telegram
    #[command(after_help = "Examples:\n  \
        kymo demo                      open the printed address, press the buttons\n  \
        kymo demo --story /tmp/day     play a whole day by itself and leave its pictures there\n  \
        kymo demo --story /tmp/day --kafka localhost:19092,localhost:29092,localhost:39092")]
    Demo(Demo),
    /// The bot and an initiator on this machine, with the real Telegram
    #[command(after_help = "Examples:\n  \
        KYMO_TELEGRAM_TOKEN_FILE=token kymo up\n  \
        kymo up --config kymo.toml --kafka broker1:9092,broker2:9092,broker3:9092\n\
        \nWhile there is no admin, a one-time link is printed: open it on the phone to become the first one.")]
    Up(Up),
    /// Write a kymo.toml, with questions when asked from a terminal
    #[command(after_help = "Examples:\n  kymo init\n  kymo init --yes --file /etc/kymo/kymo.toml")]
    Init(Init),
    /// Make the bot, the initiator and graph workers services of this machine's systemd; again after an upgrade
    #[command(after_help = "Examples:\n  \
        sudo kymo install                 user, folders, units; starts or restarts what should run\n  \
        kymo install --dry-run            show every step, change nothing\n  \
        kymo install --root /mnt/image    into a system that does not run\n\
        \ndocs/systemd.md has the rest.")]
    Install(Install),
    /// Take back what `kymo install` made; configuration and runs stay unless asked
    #[command(after_help = "Examples:\n  sudo kymo uninstall\n  sudo kymo uninstall --purge")]
    Uninstall(Uninstall),
    /// Check what a person would get wrong: token, rights, log, database, disk, clock
    #[command(after_help = "Examples:\n  kymo doctor\n  kymo doctor --telegram -1001234567890")]
    Doctor(Doctor),
    /// Run a catalogued solver, or any command, under a watchdog; output and exit code pass through
    #[command(after_help = "Examples:\n  \
        kymo run airy eps=4\n  \
        kymo run --name train -- python train.py --epochs 90")]
    Run(Run),
    /// Print a built-in solver's records as NDJSON; needs no log
    #[command(after_help = "Examples:\n  \
        kymo solver                                    list the solvers and their parameters\n  \
        kymo solver airy h=0.02 kerr=0.5 amp=1.5\n  \
        kymo solver lorenz iterations=10 | jq .values")]
    Solver(Solver),
    /// Draw a run's topic into its panel, or into a file
    #[command(after_help = "Examples:\n  \
        kymo graph-worker --topic TOPIC --view 'E[x=0.6]'\n  \
        kymo graph-worker --topic TOPIC --png out.png\n  \
        kymo graph-worker --topic TOPIC --png out.png --follow")]
    GraphWorker(GraphWorker),
    /// List the runs in the log with size, retention, consumers and their lag, and state
    #[command(after_help = "Examples:\n  \
        kymo topics\n  \
        kymo topics --quick                     without reading the topics, so without sizes\n  \
        kymo topics --json | jq 'select(.kind == \"run\")'")]
    Topics(Topics),
    /// Write a topic into a file, every message as it stands there
    #[command(after_help = "Examples:\n  \
        kymo export TOPIC run.ndjson\n  \
        kymo export TOPIC - | gzip > run.ndjson.gz\n  \
        kymo --log kafka:old:9092 export TOPIC - | kymo --log kafka:new:9092 import -")]
    Export(Export),
    /// Put an exported topic into the log, and compare what stands there then
    #[command(after_help = "Examples:\n  \
        kymo import run.ndjson\n  \
        gunzip -c run.ndjson.gz | kymo import -\n  \
        kymo import run.ndjson --topic a-copy\n  \
        kymo import run.ndjson --go-on          after an import that was interrupted")]
    Import(Import),
    /// Print what a run's topic says after replay: iterations and digest, or its records as NDJSON
    #[command(after_help = "Examples:\n  kymo replay TOPIC\n  kymo replay TOPIC --records > run.ndjson")]
    Replay(Replay),
    /// Print what a run's solver printed, from any machine; needs `log-topic = true` in the solver's table
    #[command(after_help = "Examples:\n  kymo log TOPIC\n  kymo log TOPIC --follow")]
    Log(Log),
    /// Measure what it costs, beside the alternative in one run
    #[command(after_help = "Examples:\n  kymo bench\n  kymo bench picture airy --json\n  \
        kymo bench chaos --seed 7                      kill -9 of any role, 200 times over each of four runs\n  \
        kymo bench chaos --kills 20 --solver airy --kafka localhost:19092")]
    Bench(Bench),
    /// The bot: Telegram in and out, and the notifier's HTTP door (started by `up`)
    #[command(after_help = "Example:\n  kymo bot --config /etc/kymo/kymo.toml")]
    Bot,
    /// Takes orders from the log and starts a watchdog for each run (started by `up`)
    #[command(after_help = "Example:\n  kymo initiator --log kafka:broker1:9092")]
    Initiator,
    /// One run's parent: feeds its solver, publishes its records (started by the initiator)
    #[command(after_help = "Example:\n  kymo watchdog /var/lib/kymo/runs/k3x9a0b1/job.json")]
    Watchdog(Watchdog),
    /// An initiator's hand on a server that it reaches over ssh (started by the initiator)
    #[command(
        after_help = "Example:\n  ssh lab1 kymo outpost    what an initiator does; it speaks JSON lines"
    )]
    Outpost,
    /// A strict Telegram Bot API server with a phone page, for trying and testing any bot
    #[command(after_help = "Example:\n  kymo telegram-sandbox --listen 127.0.0.1:8081")]
    TelegramSandbox(Sandbox),
    /// Print a completion script for your shell
    #[command(
        after_help = "Example:\n  kymo completions bash > ~/.local/share/bash-completion/completions/kymo"
    )]
    Completions { shell: Shell },
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Play the whole day by itself, leave pictures, transcript.json and the final topic here
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub story: Option<PathBuf>,
    /// Brokers of a real Kafka instead of the embedded log
    #[arg(long, value_name = "HOST:PORT,...")]
    pub kafka: Option<String>,
    /// Where on loopback the phone page listens [default: 127.0.0.1:8780, or a free port while that is taken]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub struct Up {
    /// Brokers of a Kafka instead of the embedded log
    #[arg(long, value_name = "HOST:PORT,...")]
    pub kafka: Option<String>,
    /// Another Bot API server than Telegram's own
    #[arg(long, env = "KYMO_TELEGRAM_API", value_name = "URL")]
    pub telegram_api: Option<Url>,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Where to write it [default: kymo.toml in the data folder, where `kymo up` looks for it]
    #[arg(long, value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// Ask nothing, take the defaults
    #[arg(long)]
    pub yes: bool,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Install {
    /// Say every step, take none
    #[arg(long)]
    pub dry_run: bool,
    /// Write files below this folder; add no user and start nothing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Uninstall {
    /// Remove configuration, secrets, runs and the user, too
    #[arg(long)]
    pub purge: bool,
    /// Say every step, take none
    #[arg(long)]
    pub dry_run: bool,
    /// Remove files below this folder; stop nothing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// Walk every method the bot uses in this chat, and report each deviation
    #[arg(long, value_name = "CHAT", allow_hyphen_values = true)]
    pub telegram: Option<i64>,
}

#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["solver", "command"])))]
pub struct Run {
    /// A name for the run of a command: letters, digits and hyphens [default: the program's]
    #[arg(long, requires = "command")]
    pub name: Option<String>,
    /// Start afresh: forget what an earlier run with these parameters computed
    #[arg(long)]
    pub fresh: bool,
    /// The solver, then its parameters as name=value
    #[arg(value_name = "SOLVER [NAME=VALUE]...")]
    pub solver: Vec<String>,
    /// Any command, after `--`
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "solver")]
    pub command: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Solver {
    /// Speak the watchdog's protocol on stdin and stdout
    #[arg(long)]
    pub protocol: bool,
    /// Print the steps inside long iterations, too
    #[arg(long, conflicts_with = "protocol")]
    pub steps: bool,
    /// The solver; without one, the solvers are listed
    pub name: Option<String>,
    /// Parameters as name=value
    #[arg(value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
}

#[derive(Debug, Args)]
pub struct GraphWorker {
    /// The topic to draw; several in one process are fine
    #[arg(long = "topic", required = true, value_name = "TOPIC", env = "KYMO_TOPIC")]
    pub topics: Vec<String>,
    /// What to draw: `E[x=0.6]`, `E[last]`, `heat:E`, `loss`, `x,y,z`
    #[arg(long, env = "KYMO_VIEW")]
    pub view: Option<String>,
    /// Draw once into this file and stop
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub png: Option<PathBuf>,
    /// With --png: redraw the file as records arrive
    #[arg(long, requires = "png")]
    pub follow: bool,
    /// With --png: the dark theme
    #[arg(long, requires = "png")]
    pub dark: bool,
}

#[derive(Debug, Args)]
pub struct Topics {
    /// Print one JSON object per topic
    #[arg(long)]
    pub json: bool,
    /// Do not read the topics: no sizes, and numbers of records that are upper bounds
    #[arg(long)]
    pub quick: bool,
}

#[derive(Debug, Args)]
pub struct Export {
    pub topic: String,
    /// Where to; `-` is standard output
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Import {
    /// An export; `-` is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Another name than the exported topic's
    #[arg(long)]
    pub topic: Option<String>,
    /// The topic holds the beginning of this export already: add the rest
    #[arg(long, conflicts_with = "replace")]
    pub go_on: bool,
    /// Forget what the topic holds
    #[arg(long)]
    pub replace: bool,
}

#[derive(Debug, Args)]
pub struct Replay {
    pub topic: String,
    /// Print the usable records, one JSON object per line
    #[arg(long)]
    pub records: bool,
}

#[derive(Debug, Args)]
pub struct Log {
    /// The run's topic
    pub topic: String,
    /// Go on with what it prints from now on
    #[arg(long)]
    pub follow: bool,
}

#[derive(Debug, Args)]
pub struct Bench {
    /// Which figures; all when none is named
    pub names: Vec<String>,
    /// Brokers of a Kafka, for the figures that exist on both logs
    #[arg(long, value_name = "HOST:PORT,...")]
    pub kafka: Option<String>,
    /// One JSON object, figure -> {value, unit, goal, alternative, ratio}
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub chaos: Chaos,
}

/// What `bench chaos` does to whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of chaos")]
pub struct Chaos {
    /// What is killed when is drawn from this number
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How often something is killed with -9
    #[arg(long, default_value_t = 200)]
    pub kills: u32,
    /// Only this solver: airy, lorenz, monte-carlo, or walk (an external one in Python)
    #[arg(long = "solver", value_name = "NAME")]
    pub solvers: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Watchdog {
    /// What to run, as the initiator wrote it down
    #[arg(value_hint = ValueHint::FilePath)]
    pub job: PathBuf,
    /// Leave alerts in the data folder's spool, where an outpost takes them
    #[arg(long)]
    pub spool: bool,
}

#[derive(Debug, Args)]
pub struct Sandbox {
    #[arg(long, default_value = "127.0.0.1:8081", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Keep chats in this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub state: Option<PathBuf>,
}
