//! Everything on one machine, with a phone page instead of Telegram: to be tried, or to play a
//! whole day by itself.

pub mod scene;
pub mod stage;
mod story;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context;
use kymo_runlog::LogConfig;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::cli::{Common, Demo};
use crate::house::Lock;
use crate::role::up::House;
use crate::say::say;
use stage::Stage;

const USUAL: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8780));

pub async fn run(common: Common, args: Demo, stop: CancellationToken) -> anyhow::Result<()> {
    let folder = Folder::make(common.data)?;
    let _lock = Lock::take(folder.path())?;
    let listen = match args.listen {
        Some(wanted) => wanted,
        None => usual_address_or_free(),
    };
    let log = match &args.kafka {
        Some(brokers) => Some(
            format!("kafka:{brokers}")
                .parse::<LogConfig>()
                .context("--kafka")?,
        ),
        None => common.log,
    };
    // The phone page outlives the house, so that the last words of a role can still be read there.
    let sandbox_stop = CancellationToken::new();
    let house_stop = stop.child_token();
    let stage = Stage::set(folder.path(), listen, log, sandbox_stop.clone()).await?;
    let mut house = House::open(
        &stage.config,
        stage.log.clone(),
        stage.environment.clone(),
        &house_stop,
    )
    .await?;
    house.wait_until_ready(&stage.config).await?;
    let outcome = match &args.story {
        Some(leave_in) => {
            let outcome = tokio::select! {
                outcome = story::play(&stage, leave_in) => outcome,
                () = stop.cancelled() => Err(anyhow::anyhow!("stopped in the middle of the story")),
            };
            house_stop.cancel();
            outcome
        }
        None => {
            scene::begin(&stage).await.context("start the first run")?;
            say!("\n  phone page   {}\n", stage.sandbox.url());
            say!("  data         {}", folder.path().display());
            say!("  log          {}", stage.log.describe());
            say!("  This is not Telegram: everything stays on this machine. Ctrl-C ends all of it.");
            Ok(())
        }
    };
    let ended = house.until_stopped(&stage.config).await;
    sandbox_stop.cancel();
    outcome.and(ended)
}

/// Where the phone page is when nobody says where: a bookmark keeps working while nobody else has the port.
fn usual_address_or_free() -> SocketAddr {
    match TcpListener::bind(USUAL) {
        Ok(_) => USUAL,
        Err(error) => {
            say!(
                "{USUAL} cannot be used ({error}), so the phone page takes a free port; --listen chooses one"
            );
            SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
        }
    }
}

/// The demo's own data folder: kept where the person named one.
enum Folder {
    Named(PathBuf),
    Passing(TempDir),
}

impl Folder {
    fn make(named: Option<PathBuf>) -> anyhow::Result<Self> {
        match named {
            Some(path) => {
                std::fs::create_dir_all(&path)
                    .with_context(|| format!("cannot make the folder {}", path.display()))?;
                Ok(Self::Named(path))
            }
            None => {
                let folder = tempfile::Builder::new().prefix("kymo-demo-").tempdir();
                Ok(Self::Passing(folder.context(
                    "cannot make a temporary folder; name one with --data DIR",
                )?))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Passing(folder) => folder.path(),
        }
    }
}
