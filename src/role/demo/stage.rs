//! A sandbox Telegram and the configuration of a house that talks to it, in a folder of their own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use kymo_runlog::{Log, LogConfig};
use kymo_telegram_sandbox::{Running, SandboxConfig, Seed};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::cli::Common;
use crate::config::Config;
use crate::house::Environment;

/// People and chats that the sandbox's lab is planted with.
pub mod lab {
    pub const ADA: i64 = 1001;
    /// Admin by configuration.
    pub const GRACE: i64 = 1002;
    pub const DOROTHY: i64 = 1003;
    /// A stranger.
    pub const MALLORY: i64 = 1666;
    pub const GROUP: i64 = -2001;
    /// The bot may not pin here.
    pub const COFFEE: i64 = -2002;
}

pub struct Stage {
    pub sandbox: Running,
    pub config: Config,
    pub environment: Environment,
    pub log: Arc<dyn Log>,
}

impl Stage {
    pub async fn set(
        folder: &Path,
        listen: SocketAddr,
        log: Option<LogConfig>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let folder = std::path::absolute(folder).with_context(|| format!("find {}", folder.display()))?;
        let sandbox = SandboxConfig {
            listen,
            seed: Seed::Lab,
            username: "kymo_bot".into(),
            name: "Kymograph".into(),
            state: Some(folder.join("phone.json")),
            ..SandboxConfig::default()
        };
        let sandbox = kymo_telegram_sandbox::start(sandbox, stop).await?;
        let written = folder.join("kymo.toml");
        if !written.exists() {
            std::fs::write(&written, configuration())
                .with_context(|| format!("cannot write {}", written.display()))?;
        }
        let common = Common {
            data: Some(folder),
            config: Some(written),
            log,
        };
        let mut config = Config::load(&common)?;
        config.door_at(free_address()?);
        config.make_data_folder()?;
        config.door_token()?;
        let api = Url::parse(sandbox.url()).context("the sandbox's address")?;
        let environment = Environment::new(&config.data)
            .config(config.path.as_ref())
            .log(&config.log)
            .door(config.door()?.url())
            .telegram(Some(&api), &SecretString::from(sandbox.bot_token()));
        let log = config.open_log().await?;
        Ok(Self {
            sandbox,
            config,
            environment,
            log,
        })
    }
}

fn configuration() -> String {
    format!(
        "# The demo's configuration; docs/kymo.sample.toml explains every line.\n[telegram]\nadmins = [{}]\n",
        lab::GRACE
    )
}

/// For the door, which others must be told before the bot opens it.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port on loopback")?;
    Ok(listener.local_addr()?)
}
