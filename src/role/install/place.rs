//! What an installation consists of, and where it lies.

use std::path::{Path, PathBuf};

use kymo_runlog::LogConfig;

use crate::config::Config;

pub const USER: &str = "kymo";
pub const PROGRAM: &str = "/usr/local/bin/kymo";
pub const SETTINGS: &str = "/etc/kymo";
pub const CONFIGURATION: &str = "/etc/kymo/kymo.toml";
pub const TELEGRAM_TOKEN: &str = "/etc/kymo/telegram.token";
pub const DOOR_TOKEN: &str = "/etc/kymo/door.token";
pub const DATA: &str = "/var/lib/kymo";
pub const UNITS: &str = "/etc/systemd/system";
pub const GENERATORS: &str = "/etc/systemd/system-generators";
pub const POLKIT: &str = "/etc/polkit-1/rules.d";

/// A role that systemd keeps running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Bot,
    Initiator,
    /// A template: an instance for each topic.
    GraphWorker,
}

impl Service {
    pub const ALL: [Self; 3] = [Self::Initiator, Self::Bot, Self::GraphWorker];

    pub fn unit(self) -> &'static str {
        match self {
            Self::Bot => "kymo-bot.service",
            Self::Initiator => "kymo-initiator.service",
            Self::GraphWorker => "kymo-graph-worker@.service",
        }
    }

    pub fn text(self) -> &'static str {
        match self {
            Self::Bot => include_str!("../../../deploy/systemd/kymo-bot.service"),
            Self::Initiator => include_str!("../../../deploy/systemd/kymo-initiator.service"),
            Self::GraphWorker => include_str!("../../../deploy/systemd/kymo-graph-worker@.service"),
        }
    }

    pub fn unit_file(self) -> PathBuf {
        Path::new(UNITS).join(self.unit())
    }

    /// Which secrets the unit loads, when that differs from what its file says.
    pub fn secrets_file(self) -> PathBuf {
        Path::new(UNITS).join(format!("{}.d/secrets.conf", self.unit()))
    }
}

pub fn generator() -> (PathBuf, &'static str) {
    let text = include_str!("../../../deploy/systemd/kymo-generator");
    (Path::new(GENERATORS).join("kymo-generator"), text)
}

pub fn polkit_rule() -> (PathBuf, &'static str) {
    let text = include_str!("../../../deploy/systemd/50-kymo.rules");
    (Path::new(POLKIT).join("50-kymo.rules"), text)
}

/// The secrets that a service needs, as kymo.toml names them.
#[derive(Clone, Debug, PartialEq)]
pub struct Secrets {
    pub telegram: PathBuf,
    pub door: PathBuf,
    pub log: Vec<PathBuf>,
}

impl Default for Secrets {
    /// What the units' own files say, and the kymo.toml that `kymo install` writes.
    fn default() -> Self {
        Self {
            telegram: TELEGRAM_TOKEN.into(),
            door: DOOR_TOKEN.into(),
            log: Vec::new(),
        }
    }
}

impl Secrets {
    pub fn of(config: &Config) -> Self {
        let telegram = config.telegram_token_file();
        Self {
            telegram: telegram.map_or_else(|| TELEGRAM_TOKEN.into(), Path::to_owned),
            door: config.door_token_file().to_owned(),
            log: match &config.log {
                LogConfig::Embedded { .. } | LogConfig::Relay { .. } => Vec::new(),
                LogConfig::Kafka(kafka) => [&kafka.key, &kafka.password_file]
                    .into_iter()
                    .flatten()
                    .cloned()
                    .collect(),
            },
        }
    }

    /// As seen from within a system that lies in this folder.
    pub fn below(self, root: &Path) -> Self {
        let below = |path: PathBuf| match path.strip_prefix(root) {
            Ok(rest) => Path::new("/").join(rest),
            Err(_) => path,
        };
        Self {
            telegram: below(self.telegram),
            door: below(self.door),
            log: self.log.into_iter().map(below).collect(),
        }
    }

    fn needed_by(&self, service: Service) -> impl Iterator<Item = &PathBuf> {
        let telegram = (service == Service::Bot).then_some(&self.telegram);
        telegram.into_iter().chain([&self.door]).chain(&self.log)
    }

    /// The drop-in that makes the unit load these; `None` when its own file says the same.
    pub fn drop_in(&self, service: Service) -> Option<String> {
        if *self == Self::default() {
            return None;
        }
        let mut text =
            "# Written by `kymo install`: the secrets that kymo.toml names.\n[Service]\nLoadCredential=\n"
                .to_owned();
        for path in self.needed_by(service) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            text += &format!("LoadCredential={name}:{}\n", path.display());
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_loads_what_kymo_toml_names_and_no_more() {
        assert_eq!(Secrets::default().drop_in(Service::Bot), None);
        let secrets = Secrets {
            log: vec!["/etc/kymo/kafka.password".into()],
            ..Secrets::default()
        };
        let bot = secrets.drop_in(Service::Bot).expect("it differs");
        assert_eq!(
            bot.lines().skip(2).collect::<Vec<_>>(),
            [
                "LoadCredential=",
                "LoadCredential=telegram.token:/etc/kymo/telegram.token",
                "LoadCredential=door.token:/etc/kymo/door.token",
                "LoadCredential=kafka.password:/etc/kymo/kafka.password",
            ]
        );
        let worker = secrets.drop_in(Service::GraphWorker).expect("it differs");
        assert!(
            !worker.contains("telegram"),
            "only the bot needs the bot's token: {worker}"
        );
    }

    #[test]
    fn the_default_secrets_are_those_of_the_unit_files() {
        for service in Service::ALL {
            let said: Vec<_> = service
                .text()
                .lines()
                .filter_map(|line| line.strip_prefix("LoadCredential=")?.split_once(':'))
                .map(|(_, path)| PathBuf::from(path))
                .collect();
            let needed: Vec<_> = Secrets::default().needed_by(service).cloned().collect();
            assert_eq!(said, needed, "{service:?}");
        }
    }
}
