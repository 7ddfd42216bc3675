//! Servers that compute for us and are reached over ssh. Each is a host of its own in the log: an initiator here speaks for
//! it, and its outpost there has the watchdogs.

mod config;
mod fault;
mod link;
pub mod outpost;
mod place;
mod ssh;
mod there;
mod wire;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use kymo_runlog::{KafkaConfig, Log, LogConfig, relay};
use tokio::net::UnixListener;
use tokio::sync::mpsc;

pub use config::{ServerConfig, ServersError, Way};
pub use fault::Fault;
pub use place::Found;

use self::link::{Direct, Link};
use self::place::Cargo;
use self::ssh::Ssh;
use self::there::There;

/// How often both sides of a connection say that they are there.
pub const BEAT: Duration = Duration::from_secs(5);
/// Our end of the tunnel, in the server's folder here.
const RELAY: &str = "relay.sock";

/// Whose servers they are.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The initiator's host.
    pub host: String,
    pub data: PathBuf,
    pub log: LogConfig,
}

/// What lies here for one server.
pub fn folder_of(data: &Path, name: &str) -> PathBuf {
    data.join("servers").join(name)
}

/// Connects, now and whenever the connection is cut, for as long as the crew lives.
pub fn crew(server: &ServerConfig, gateway: &Gateway, log: Arc<dyn Log>) -> anyhow::Result<There> {
    let folder = folder_of(&gateway.data, &server.name);
    let ssh = Ssh::new(server.clone(), &folder)?;
    let direct = match server.log {
        Way::Direct => Some(pack(&gateway.log).with_context(|| format!("[servers.{}]", server.name))?),
        Way::Tunnel => {
            tokio::spawn(relay::serve(log, listen(&folder.join(RELAY))?));
            None
        }
    };
    let (say, orders) = mpsc::unbounded_channel();
    let (heard, hear) = mpsc::unbounded_channel();
    let link = Link {
        ssh,
        program: program_for(server),
        gateway: gateway.host.clone(),
        direct,
        orders,
        heard,
    };
    tokio::spawn(link.keep());
    Ok(There::new(server.clone(), folder, say, hear))
}

/// Looks whether a server can be used, and changes nothing there but for making its folder.
pub async fn look(server: &ServerConfig, data: &Path) -> anyhow::Result<Result<Found, Fault>> {
    let ssh = Ssh::new(server.clone(), &folder_of(data, &server.name))?;
    Ok(match Cargo::read(&program_for(server)).await {
        Ok(cargo) => place::look(&ssh, &cargo).await,
        Err(fault) => Err(fault),
    })
}

/// Ourselves, even if our file was replaced meanwhile; or another build, for another kind of machine.
fn program_for(server: &ServerConfig) -> PathBuf {
    server.binary.clone().unwrap_or_else(|| "/proc/self/exe".into())
}

/// Only we may come in: whoever does has the whole log.
fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("remove the old socket {}", path.display()));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path).with_context(|| {
        format!(
            "cannot make the socket {}; choose a data folder with a shorter path, or free some space",
            path.display()
        )
    })?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// The log's address and what opens it, to be handed over on stdin.
fn pack(log: &LogConfig) -> anyhow::Result<Direct> {
    let LogConfig::Kafka(kafka) = log else {
        bail!(
            "log = \"direct\" needs a Kafka that the server can reach; the log here is no Kafka, so use log = \"tunnel\""
        );
    };
    let KafkaConfig {
        brokers,
        replication,
        ca,
        certificate,
        key,
        user,
        password_file,
        password,
        mechanism,
        compression,
    } = kafka;
    if password.is_some() {
        bail!("the Kafka password must lie in a file (`password-file`) to be handed to a server");
    }
    let mut table = toml::Table::new();
    table.insert("brokers".to_owned(), brokers.clone().into());
    if let Some(replication) = replication {
        table.insert("replication".to_owned(), i64::from(*replication).into());
    }
    for (setting, text) in [
        ("user", user),
        ("mechanism", mechanism),
        ("compression", compression),
    ] {
        if let Some(text) = text {
            table.insert(setting.to_owned(), text.clone().into());
        }
    }
    let mut files = Vec::new();
    for (setting, path) in [
        ("ca", ca),
        ("certificate", certificate),
        ("key", key),
        ("password-file", password_file),
    ] {
        if let Some(path) = path {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the file {} (`{setting}`)", path.display()))?;
            files.push((setting.to_owned(), text));
        }
    }
    Ok(Direct { table, files })
}
