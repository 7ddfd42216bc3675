//! The tables `[servers.NAME]` of kymo.toml, checked once: what stands here ends up in an ssh configuration
//! and in the first lines that a remote shell reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kymo_runlog::host::{Capacity, Memory, check_label};
use kymo_runlog::shown;
use serde::Deserialize;

/// A machine that computes for us and is reached with a key.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerConfig {
    /// Its name in claims, events and alerts.
    pub name: String,
    /// As ssh knows it: an address, or an alias of ~/.ssh/config.
    pub host: String,
    pub user: Option<String>,
    pub port: Option<u16>,
    /// The private key; without one, the agent's and ssh's usual ones are tried.
    pub key: Option<PathBuf>,
    pub known_hosts: Option<PathBuf>,
    /// Hosts to go through, in order, as `user@host:port`.
    pub jump: Vec<String>,
    /// Where kymo and the runs live there; relative to the home folder.
    pub folder: String,
    pub labels: Vec<String>,
    /// What it has for runs; `None`: any number, and what the machine has.
    pub runs: Option<u32>,
    pub cores: Option<u32>,
    pub memory: Option<Memory>,
    pub log: Way,
    /// The solvers of the catalogue that it may run; `None`: all.
    pub solvers: Option<Vec<String>>,
    /// Another build of this program, for another kind of machine.
    pub binary: Option<PathBuf>,
}

/// How a server's watchdogs reach the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Through the ssh connection, whichever log it is; the server knows neither its address nor its passwords.
    #[default]
    Tunnel,
    /// By itself: Kafka's brokers as they are named here must be reachable from there.
    Direct,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    servers: BTreeMap<String, Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    host: String,
    user: Option<String>,
    port: Option<u16>,
    key: Option<PathBuf>,
    known_hosts: Option<PathBuf>,
    #[serde(default)]
    jump: OneOrMany,
    #[serde(default = "default_folder")]
    folder: String,
    #[serde(default)]
    labels: Vec<String>,
    runs: Option<u32>,
    cores: Option<u32>,
    memory: Option<String>,
    #[serde(default)]
    log: Way,
    solvers: Option<Vec<String>>,
    binary: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(untagged, expecting = "expected user@host:port or a list of them")]
enum OneOrMany {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

fn default_folder() -> String {
    ".local/share/kymo-server".to_owned()
}

/// A table that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServersError {
    #[error("{0}")]
    Syntax(String),
    #[error("[servers.{name}]: {reason}")]
    Server { name: String, reason: String },
}

impl ServerConfig {
    /// All servers of the file. Relative paths start at the file's `base`; other tables are other people's business.
    pub fn all_from_toml(text: &str, base: &Path) -> Result<Vec<Self>, ServersError> {
        let file: File = toml::from_str(text).map_err(|error| ServersError::Syntax(error.to_string()))?;
        let servers = file.servers.into_iter();
        servers
            .map(|(name, table)| {
                server(&name, table, base).map_err(|reason| ServersError::Server { name, reason })
            })
            .collect()
    }

    /// `user@host:port`, as far as it is known.
    pub fn address(&self) -> String {
        let user = self
            .user
            .as_ref()
            .map(|user| format!("{user}@"))
            .unwrap_or_default();
        let port = self.port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{user}{}{port}", self.host)
    }

    /// What is not said is what the machine has.
    pub fn capacity(&self, machine: Capacity) -> Capacity {
        Capacity {
            runs: self.runs,
            cores: self.cores.unwrap_or(machine.cores),
            memory: self.memory.unwrap_or(machine.memory),
        }
    }

    pub fn may_run(&self, solver: &str) -> bool {
        let named = self.solvers.as_ref();
        named.is_none_or(|solvers| solvers.iter().any(|name| name == solver))
    }
}

fn server(name: &str, table: Table, base: &Path) -> Result<ServerConfig, String> {
    if !is_word(name, 40) {
        return Err(
            "a server's name has 1 to 40 letters a-z A-Z, digits, dots or hyphens, and no hyphen first"
                .into(),
        );
    }
    let is_host = |host: &str| is_word(&host.replace([':', '%', '_'], "x"), 253);
    if !is_host(&table.host) {
        return Err(format!(
            "host = {} is no host's name or address",
            shown(&table.host)
        ));
    }
    if let Some(user) = table
        .user
        .as_ref()
        .filter(|user| !is_word(&user.replace('_', "x"), 32))
    {
        return Err(format!("user = {} is no user's name", shown(user)));
    }
    if table.port == Some(0) {
        return Err("port = 0 is no port; leave it out for 22".into());
    }
    let jump = match table.jump {
        OneOrMany::None => Vec::new(),
        OneOrMany::One(hop) => hop.split(',').map(|hop| hop.trim().to_owned()).collect(),
        OneOrMany::Many(hops) => hops,
    };
    for hop in &jump {
        let host = hop.rsplit_once('@').map_or(hop.as_str(), |(_, host)| host);
        if !is_host(&host.replace(['[', ']'], "x"))
            || !is_word(&hop.replace(['@', ':', '_', '[', ']', '%'], "x"), 300)
        {
            return Err(format!("jump = {} is not of the form user@host:port", shown(hop)));
        }
    }
    let folder = table.folder.strip_prefix("~/").unwrap_or(&table.folder);
    if folder.is_empty() || !folder.chars().all(is_plain) || folder.starts_with('-') {
        return Err(format!(
            "folder = {} must consist of letters, digits and . _ - + / (it becomes part of socket paths)",
            shown(&table.folder)
        ));
    }
    for label in &table.labels {
        check_label(label)?;
    }
    let memory = table.memory.as_deref().map(str::parse::<Memory>).transpose();
    let file = |setting: &str, path: Option<PathBuf>| {
        match path {
        None => Ok(None),
        // ssh knows what ~ is.
            Some(path) => ssh_path(if path.starts_with("~") { path } else { base.join(path) }).map(Some).map_err(|path| {
            format!("{setting} = {path:?} holds a sign that ssh's configuration would not take (\" % $ \\ or a control character)")
        }),
    }
    };
    Ok(ServerConfig {
        name: name.to_owned(),
        key: file("key", table.key)?,
        known_hosts: file("known-hosts", table.known_hosts)?,
        binary: table.binary.map(|path| base.join(path)),
        host: table.host,
        user: table.user,
        port: table.port,
        jump,
        folder: folder.to_owned(),
        labels: table.labels,
        runs: table.runs,
        cores: table.cores,
        memory: memory.map_err(|reason| format!("memory: {reason}"))?,
        log: table.log,
        solvers: table.solvers,
    })
}

fn is_word(text: &str, longest: usize) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    (1..=longest).contains(&text.len()) && text.chars().all(fits) && !text.starts_with('-')
}

/// What neither a shell, nor ssh's forwarding syntax, nor its configuration gives a meaning.
pub(super) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '/')
}

fn ssh_path(path: PathBuf) -> Result<PathBuf, PathBuf> {
    let bad = |c: char| c.is_control() || matches!(c, '"' | '%' | '$' | '\\');
    match path.to_str() {
        Some(text) if !text.contains(bad) => Ok(path),
        Some(_) | None => Err(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<ServerConfig>, ServersError> {
        ServerConfig::all_from_toml(text, Path::new("/etc/kymo"))
    }

    #[test]
    fn a_host_is_enough_and_everything_can_be_said() {
        let servers = parse("[servers.lab-1]\nhost = \"lab1.example\"\n").expect("a server");
        assert_eq!(servers.len(), 1);
        assert_eq!(
            (
                servers[0].address().as_str(),
                servers[0].folder.as_str(),
                servers[0].log
            ),
            ("lab1.example", ".local/share/kymo-server", Way::Tunnel)
        );
        assert!(servers[0].may_run("airy"));
        let servers = parse(
            "[servers.gpu]\nhost = \"10.0.0.7\"\nuser = \"ada\"\nport = 2222\nkey = \"keys/gpu\"\n\
             known-hosts = \"/k\"\njump = \"ada@gate:22, [::1]:23\"\nfolder = \"~/kymo\"\nlabels = [\"gpu\"]\n\
             log = \"direct\"\nsolvers = [\"train\"]\nbinary = \"kymo-arm\"\n",
        )
        .expect("a server");
        let gpu = &servers[0];
        assert_eq!(gpu.address(), "ada@10.0.0.7:2222");
        assert_eq!(gpu.key.as_deref(), Some(Path::new("/etc/kymo/keys/gpu")));
        assert_eq!(gpu.jump, ["ada@gate:22", "[::1]:23"]);
        assert_eq!((gpu.folder.as_str(), gpu.log), ("kymo", Way::Direct));
        assert!(gpu.may_run("train") && !gpu.may_run("airy"));
    }

    #[test]
    fn what_a_shell_or_ssh_could_misread_is_refused_with_its_reason() {
        for (line, part) in [
            ("host = \"-oProxyCommand=x\"", "is no host's name"),
            ("host = \"a b\"", "is no host's name"),
            ("host = \"a\"\nuser = \"-x\"", "is no user's name"),
            ("host = \"a\"\nport = 0", "port = 0"),
            ("host = \"a\"\njump = \"x y\"", "user@host:port"),
            ("host = \"a\"\njump = \"-oProxyCommand=x\"", "user@host:port"),
            ("host = \"a\"\nfolder = \"a;b\"", "folder"),
            ("host = \"a\"\nfolder = \"$(x)\"", "folder"),
            ("host = \"a\"\nfolder = \"a:b\"", "folder"),
            ("host = \"a\"\nkey = \"a%b\"", "key"),
            ("host = \"a\"\nlabels = [\"x y\"]", "label"),
            ("host = \"a\"\nkeyfile = \"x\"", "keyfile"),
            ("host = \"a\"\nlog = \"magic\"", "direct"),
            ("user = \"a\"", "host"),
        ] {
            let error = parse(&format!("[servers.x]\n{line}\n"))
                .expect_err(line)
                .to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
        assert!(parse("[servers.\"a b\"]\nhost = \"a\"").is_err());
    }
}
