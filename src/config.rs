//! kymo.toml, the environment and the command line, resolved into what each role is handed.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use kymo_bot::Bus;
use kymo_door::Door;
use kymo_runlog::host::{Capacity, Memory, check_label};
use kymo_runlog::{Log, LogConfig};
use kymo_solver::catalogue::Catalogue;
use kymo_solver::initiator::machine;
use kymo_solver::server::{ServerConfig, Way};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use crate::cli::Common;

/// Environment variables that a parent role sets for its children.
pub mod env {
    pub const DATA: &str = "KYMO_DATA";
    pub const CONFIG: &str = "KYMO_CONFIG";
    pub const LOG: &str = "KYMO_LOG";
    pub const DOOR: &str = "KYMO_DOOR";
    pub const DOOR_TOKEN_FILE: &str = "KYMO_DOOR_TOKEN_FILE";
    pub const TELEGRAM_TOKEN: &str = "KYMO_TELEGRAM_TOKEN";
    pub const TELEGRAM_TOKEN_FILE: &str = "KYMO_TELEGRAM_TOKEN_FILE";
    pub const TELEGRAM_API: &str = "KYMO_TELEGRAM_API";
    /// Set by systemd for a unit with `LoadCredential=`.
    pub const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
}

/// kymo.toml as written by a person.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    telegram: TelegramTable,
    log: Option<LogConfig>,
    door: DoorTable,
    database: DatabaseTable,
    initiator: InitiatorTable,
    workers: WorkersTable,
    /// Read by the catalogue.
    #[allow(dead_code)]
    solver: Vec<toml::Table>,
    /// Read by the solver room.
    #[allow(dead_code)]
    servers: toml::Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct TelegramTable {
    token_file: Option<PathBuf>,
    api: Option<Url>,
    admins: Vec<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct DoorTable {
    listen: Option<SocketAddr>,
    url: Option<Url>,
    token_file: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct DatabaseTable {
    url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct InitiatorTable {
    host: Option<String>,
    labels: Vec<String>,
    runs: Option<u32>,
    cores: Option<u32>,
    memory: Option<String>,
}

impl InitiatorTable {
    /// What this machine has for runs; what is not said is what the machine has.
    fn capacity(&self) -> anyhow::Result<Capacity> {
        let machine = machine::capacity();
        let memory = self.memory.as_deref().map(str::parse::<Memory>).transpose();
        Ok(Capacity {
            runs: self.runs,
            cores: self.cores.unwrap_or(machine.cores),
            memory: memory
                .map_err(|reason| anyhow::anyhow!("memory under [initiator]: {reason}"))?
                .unwrap_or(machine.memory),
        })
    }

    fn check_labels(&self) -> anyhow::Result<()> {
        for label in &self.labels {
            check_label(label).map_err(|reason| anyhow::anyhow!("labels under [initiator]: {reason}"))?;
        }
        Ok(())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct WorkersTable {
    host: Host,
    bus: ManagerBus,
}

/// Who keeps graph workers running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Host {
    #[default]
    Child,
    Systemd,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ManagerBus {
    #[default]
    System,
    User,
}

/// Everything that is known before a role starts.
pub struct Config {
    pub data: PathBuf,
    /// The file that was read, if there is one.
    pub path: Option<PathBuf>,
    pub log: LogConfig,
    pub host: String,
    /// What runs can be pinned to, besides the host's name.
    pub labels: Vec<String>,
    pub capacity: Capacity,
    pub catalogue: Catalogue,
    pub servers: Vec<Server>,
    pub admins: Vec<i64>,
    pub database: String,
    pub telegram_api: Option<Url>,
    pub door_listen: SocketAddr,
    /// The bus of the systemd that keeps graph workers running; `None` where the bot itself does.
    pub systemd: Option<Bus>,
    door_url: Url,
    door_token_file: PathBuf,
    telegram_token_file: Option<PathBuf>,
}

/// A machine that is reached over ssh, and what can be run there.
#[derive(Clone, Debug)]
pub struct Server {
    pub server: ServerConfig,
    pub catalogue: Catalogue,
}

const DOOR_LISTEN: &str = "127.0.0.1:8787";

impl Config {
    /// Reads the configuration file, if there is one, and lets the environment and flags override it.
    pub fn load(common: &Common) -> anyhow::Result<Self> {
        let data = data_folder(common)?;
        let path = common
            .config
            .clone()
            .or_else(|| Some(data.join("kymo.toml")).filter(|path| path.exists()));
        let (file, text) = match &path {
            Some(path) => {
                let text = fs::read_to_string(path).with_context(|| {
                    format!(
                        "cannot read the configuration {}; `kymo init` writes one",
                        path.display()
                    )
                })?;
                (
                    parse(&text).with_context(|| format!("{} cannot be used", path.display()))?,
                    text,
                )
            }
            None => (File::default(), String::new()),
        };
        let name = path
            .as_deref()
            .map_or_else(|| "kymo.toml".to_owned(), |path| path.display().to_string());
        // Paths in the file are meant from where the file lies.
        let base = path.as_deref().and_then(Path::parent).unwrap_or(&data).to_owned();
        let catalogue =
            Catalogue::from_toml(&text, &base).with_context(|| format!("{name} cannot be used"))?;
        let capacity = file
            .initiator
            .capacity()
            .and_then(|capacity| file.initiator.check_labels().map(|()| capacity))
            .with_context(|| format!("{name} cannot be used"))?;
        let servers = servers(&text, &base).with_context(|| format!("{name} cannot be used"))?;
        let host = file.initiator.host.map_or_else(hostname, Ok)?;
        let credentials = env_text(env::CREDENTIALS).map(PathBuf::from);
        let secret = |path: PathBuf| secret(credentials.as_deref(), &base, path);
        let log = common
            .log
            .clone()
            .or(file.log.map(|log| with_files(log, &base, secret)))
            .unwrap_or_else(|| LogConfig::Embedded { folder: data.clone() });
        for Server { server, .. } in &servers {
            if server.log == Way::Direct && !matches!(log, LogConfig::Kafka(_)) {
                bail!(
                    "{name} cannot be used: [servers.{}] has log = \"direct\", but the log here is no Kafka that it \
                     could reach; use log = \"tunnel\"",
                    server.name
                );
            }
        }
        if servers.iter().any(|server| server.server.name == host) {
            bail!("{name} cannot be used: [servers.{host}] has the name of this very host; give it another");
        }
        let door_listen = file
            .door
            .listen
            .unwrap_or_else(|| DOOR_LISTEN.parse().expect("a constant address"));
        let door_url = match env_text(env::DOOR) {
            Some(text) => {
                Url::parse(&text).with_context(|| format!("{} is no address: {text:?}", env::DOOR))?
            }
            None => match file.door.url {
                Some(url) => url,
                None => local_url(door_listen),
            },
        };
        // A parent that chose the port tells it through the address.
        let door_listen = match (env_text(env::DOOR), door_url.socket_addrs(|| None)) {
            (Some(_), Ok(addresses)) if !addresses.is_empty() => addresses[0],
            _ => door_listen,
        };
        let systemd = (file.workers.host == Host::Systemd).then_some(match file.workers.bus {
            ManagerBus::System => Bus::System,
            ManagerBus::User => Bus::User,
        });
        Ok(Self {
            log,
            labels: file.initiator.labels,
            capacity,
            host,
            catalogue,
            servers,
            admins: file.telegram.admins,
            database: file
                .database
                .url
                .unwrap_or_else(|| format!("sqlite:{}", data.join("kymo.sqlite").display())),
            telegram_api: match env_text(env::TELEGRAM_API) {
                Some(text) => Some(
                    Url::parse(&text)
                        .with_context(|| format!("{} is no address: {text:?}", env::TELEGRAM_API))?,
                ),
                None => file.telegram.api,
            },
            door_listen,
            door_url,
            door_token_file: env_text(env::DOOR_TOKEN_FILE)
                .map(PathBuf::from)
                .or(file.door.token_file.map(secret))
                .unwrap_or_else(|| secret(data.join("door.token"))),
            telegram_token_file: env_text(env::TELEGRAM_TOKEN_FILE)
                .map(PathBuf::from)
                .or(file.telegram.token_file.map(secret)),
            systemd,
            data,
            path,
        })
    }

    pub async fn open_log(&self) -> anyhow::Result<Arc<dyn Log>> {
        if let LogConfig::Embedded { folder } = &self.log {
            make_folder(folder)?;
        }
        Ok(kymo_runlog::open(&self.log).await?)
    }

    /// The bot's token: the environment first, then the file.
    pub fn telegram_token(&self) -> anyhow::Result<SecretString> {
        if let Some(token) = env_text(env::TELEGRAM_TOKEN) {
            return Ok(SecretString::from(token));
        }
        match &self.telegram_token_file {
            Some(path) => read_secret(path),
            None => bail!(
                "there is no Telegram token; ask @BotFather for one, then set {}, or put it into a file and name that \
                 as token-file under [telegram] in {} (`kymo demo` needs none)",
                env::TELEGRAM_TOKEN,
                match &self.path {
                    Some(path) => path.display().to_string(),
                    None => format!(
                        "{}, which `kymo init` writes",
                        self.data.join("kymo.toml").display()
                    ),
                }
            ),
        }
    }

    pub fn telegram_token_file(&self) -> Option<&Path> {
        self.telegram_token_file.as_deref()
    }

    pub fn door_token_file(&self) -> &Path {
        &self.door_token_file
    }

    /// The door's token, made on first use.
    pub fn door_token(&self) -> anyhow::Result<SecretString> {
        if !self.door_token_file.exists() {
            make_folder(self.door_token_file.parent().unwrap_or(&self.data))?;
            write_secret(&self.door_token_file, &hex::encode(rand::random::<[u8; 32]>()))?;
        }
        read_secret(&self.door_token_file)
    }

    /// The bot's door as another role reaches it.
    pub fn door(&self) -> anyhow::Result<Door> {
        Ok(Door::new(self.door_url.clone(), self.door_token()?))
    }

    /// The door as the bot itself reaches it.
    pub fn own_door(&self) -> anyhow::Result<Door> {
        Ok(Door::new(local_url(self.door_listen), self.door_token()?))
    }

    /// As [`Self::door`], for roles that also work without a bot: `None` where none was ever set up.
    pub fn find_door(&self) -> anyhow::Result<Option<Door>> {
        if self.door_token_file.exists() {
            self.door().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Moves the bot's door to another address of this machine.
    pub fn door_at(&mut self, listen: SocketAddr) {
        self.door_listen = listen;
        self.door_url = local_url(listen);
    }

    pub fn make_data_folder(&self) -> anyhow::Result<()> {
        make_folder(&self.data)
    }
}

/// Where a file with a secret lies. Under systemd, roles run as a user who cannot read it: they see its copy among
/// their unit's credentials, which go by the file's name.
fn secret(credentials: Option<&Path>, base: &Path, path: PathBuf) -> PathBuf {
    let copy = || Some(credentials?.join(path.file_name()?)).filter(|copy| copy.exists());
    copy().unwrap_or_else(|| base.join(path))
}

/// The files that a log's table names are meant from where kymo.toml lies, too.
fn with_files(log: LogConfig, base: &Path, secret: impl Fn(PathBuf) -> PathBuf) -> LogConfig {
    match log {
        LogConfig::Embedded { folder } => LogConfig::Embedded {
            folder: base.join(folder),
        },
        LogConfig::Relay { socket } => LogConfig::Relay {
            socket: base.join(socket),
        },
        LogConfig::Kafka(mut kafka) => {
            kafka.ca = kafka.ca.map(|path| base.join(path));
            kafka.certificate = kafka.certificate.map(|path| base.join(path));
            kafka.key = kafka.key.map(&secret);
            kafka.password_file = kafka.password_file.map(&secret);
            LogConfig::Kafka(kafka)
        }
    }
}

fn local_url(listen: SocketAddr) -> Url {
    Url::parse(&format!("http://{listen}")).expect("a socket address makes an address")
}

fn parse(text: &str) -> anyhow::Result<File> {
    Ok(toml::from_str(text)?)
}

/// A relative directory of the catalogue is meant from the server's own folder.
fn servers(text: &str, base: &Path) -> anyhow::Result<Vec<Server>> {
    let servers = ServerConfig::all_from_toml(text, base)?;
    let catalogue = Catalogue::from_toml(text, Path::new(""))?;
    let of = |server: ServerConfig| {
        let entries = catalogue.entries().iter();
        let may = entries.filter(|entry| server.may_run(&entry.card.name));
        let catalogue = Catalogue::of(may.cloned().collect());
        for name in server.solvers.iter().flatten() {
            if catalogue.find(name).is_none() {
                bail!(
                    "[servers.{}]: there is no solver {name:?}; correct `solvers`",
                    server.name
                );
            }
        }
        Ok(Server { server, catalogue })
    };
    servers.into_iter().map(of).collect()
}

fn env_text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// The data folder that was named, or the default one.
pub fn data_folder(common: &Common) -> anyhow::Result<PathBuf> {
    let data = match &common.data {
        Some(data) => data.clone(),
        None => default_data()?,
    };
    std::path::absolute(&data).with_context(|| format!("find the data folder {}", data.display()))
}

fn default_data() -> anyhow::Result<PathBuf> {
    if let Some(base) = env_text("XDG_DATA_HOME") {
        return Ok(PathBuf::from(base).join("kymo"));
    }
    match env_text("HOME") {
        Some(home) => Ok(PathBuf::from(home).join(".local/share/kymo")),
        None => bail!("there is no home folder; name a data folder with --data DIR"),
    }
}

fn hostname() -> anyhow::Result<String> {
    let name = nix::unistd::gethostname().context("ask the system for its host name")?;
    Ok(name.to_string_lossy().into_owned())
}

/// Private, because solver output and databases lie in it.
pub fn make_folder(folder: &Path) -> anyhow::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)
        .and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(0o700)))
        .with_context(|| {
            format!(
                "cannot make the folder {}; choose another with --data",
                folder.display()
            )
        })
}

/// Two roles may start at once: the first one's secret stays, and nobody sees half of one.
fn write_secret(path: &Path, secret: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(secret.as_bytes())?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    };
    write().with_context(|| format!("cannot write the secret {}", path.display()))
}

fn read_secret(path: &Path) -> anyhow::Result<SecretString> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read the token file {}", path.display()))?;
    let secret = SecretString::from(text.trim());
    if secret.expose_secret().is_empty() {
        bail!("the token file {} is empty", path.display());
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_sample_is_a_configuration() {
        let text = include_str!("../docs/kymo.sample.toml");
        parse(text).expect("the sample's own tables");
        assert_eq!(
            servers(text, Path::new("/etc/kymo")).expect("no servers").len(),
            0
        );
        Catalogue::from_toml(text, Path::new("/etc/kymo")).expect("the sample's solvers");
        // Every line that is commented out as an alternative is one, too.
        let full: String = text
            .lines()
            .map(|line| line.strip_prefix("#= ").unwrap_or(line))
            .fold(String::new(), |all, line| all + line + "\n");
        parse(&full).expect("the sample with every alternative switched on");
        Catalogue::from_toml(&full, Path::new("/etc/kymo")).expect("the sample's alternative solvers");
        let servers = servers(&full, Path::new("/etc/kymo")).expect("the sample's servers");
        let names: Vec<&str> = servers.iter().map(|server| server.server.name.as_str()).collect();
        assert_eq!(names, ["gpu-2", "lab-1"]);
    }

    #[test]
    fn a_host_has_what_it_says_or_what_the_machine_has() {
        let read = |text: &str| parse(&format!("[initiator]\n{text}")).expect("a table").initiator;
        let said = read("labels = [\"gpu\"]\nruns = 2\ncores = 3\nmemory = \"4 GiB\"");
        let capacity = Capacity {
            runs: Some(2),
            cores: 3,
            memory: Memory(4 << 30),
        };
        assert_eq!(said.capacity().expect("good"), capacity);
        assert_eq!(read("").capacity().expect("good"), machine::capacity());
        let error = read("memory = \"4\"")
            .capacity()
            .expect_err("no unit")
            .to_string();
        assert!(
            error.contains("memory under [initiator]") && error.contains("8 GiB"),
            "{error}"
        );
        let error = read("labels = [\"two words\"]")
            .check_labels()
            .expect_err("a space")
            .to_string();
        assert!(
            error.contains("labels under [initiator]") && error.contains("gpu"),
            "{error}"
        );
    }

    #[test]
    fn a_secret_is_the_units_credential_or_the_file_beside_the_configuration() {
        let credentials = tempfile::tempdir().expect("a folder");
        std::fs::write(credentials.path().join("kafka.password"), "x").expect("written");
        let base = Path::new("/etc/kymo");
        let found = |path: &str| secret(Some(credentials.path()), base, path.into());
        assert_eq!(found("kafka.password"), credentials.path().join("kafka.password"));
        assert_eq!(found("telegram.token"), base.join("telegram.token"));
        assert_eq!(
            found("/var/lib/kymo/door.token"),
            Path::new("/var/lib/kymo/door.token")
        );
        let File { log: Some(log), .. } =
            parse("[log.kafka]\nbrokers = \"k:9092\"\nca = \"ca.pem\"\npassword-file = \"kafka.password\"\n")
                .expect("a log")
        else {
            panic!("it has a log");
        };
        let LogConfig::Kafka(kafka) = with_files(log, base, |path| found(path.to_str().expect("plain")))
        else {
            panic!("it is Kafka");
        };
        assert_eq!(kafka.ca.as_deref(), Some(Path::new("/etc/kymo/ca.pem")));
        assert_eq!(
            kafka.password_file,
            Some(credentials.path().join("kafka.password"))
        );
    }

    #[test]
    fn a_typo_is_named() {
        let error = parse("[telegram]\ntokenfile = \"x\"\n").unwrap_err().to_string();
        assert!(
            error.contains("tokenfile") && error.contains("token-file"),
            "{error}"
        );
    }
}
