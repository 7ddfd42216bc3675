//! What we say to systemd's manager over D-Bus, in its own words: org.freedesktop.systemd1(5).

use std::collections::HashMap;

use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use super::super::WorkerError;

/// Whose manager is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Bus {
    /// The machine's, with the rights that `kymo install` arranges.
    #[default]
    System,
    /// That of the user who runs the bot: `systemctl --user`.
    User,
}

impl Bus {
    /// As kymo.toml has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
        }
    }
}

/// A row of `ListUnitsByPatterns`: name, description, load state, active state, sub state, followed unit, object,
/// job's id, type and object.
type Listed = (
    String,
    String,
    String,
    String,
    String,
    String,
    OwnedObjectPath,
    u32,
    String,
    OwnedObjectPath,
);

#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
trait Manager {
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    fn start_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn stop_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    fn reset_failed_unit(&self, name: &str) -> zbus::Result<()>;
    fn list_units_by_patterns(&self, states: &[&str], patterns: &[&str]) -> zbus::Result<Vec<Listed>>;
    fn reload(&self) -> zbus::Result<()>;
}

#[zbus::proxy(
    interface = "org.freedesktop.DBus.Properties",
    default_service = "org.freedesktop.systemd1"
)]
trait Properties {
    fn get_all(&self, interface: &str) -> zbus::Result<HashMap<String, OwnedVariant>>;
}

/// One conversation; kept no longer than a request, since systemd and its bus may be restarted in between.
pub struct Manager {
    bus: Bus,
    connection: Connection,
    manager: ManagerProxy<'static>,
}

impl Manager {
    pub async fn of(bus: Bus) -> Result<Self, WorkerError> {
        let connected = match bus {
            Bus::System => Connection::system().await,
            Bus::User => Connection::session().await,
        };
        let no_bus = |error: zbus::Error| WorkerError::NoBus {
            bus,
            reason: error.to_string(),
        };
        let connection = connected.map_err(no_bus)?;
        let manager = ManagerProxy::new(&connection).await.map_err(no_bus)?;
        Ok(Self {
            bus,
            connection,
            manager,
        })
    }

    pub async fn start(&self, unit: &str) -> Result<(), WorkerError> {
        let done = self.manager.start_unit(unit, "replace").await;
        done.map(drop).map_err(|error| self.refused(unit, &error))
    }

    pub async fn stop(&self, unit: &str) -> Result<(), WorkerError> {
        let done = self.manager.stop_unit(unit, "replace").await;
        done.map(drop).map_err(|error| self.refused(unit, &error))
    }

    /// Lets systemd read its units again.
    pub async fn reload(&self, unit: &str) -> Result<(), WorkerError> {
        let done = self.manager.reload().await;
        done.map_err(|error| self.refused(unit, &error))
    }

    /// Lets systemd forget how the unit failed; one that it does not know has nothing to forget.
    pub async fn forget_failure(&self, unit: &str) -> Result<(), WorkerError> {
        match self.manager.reset_failed_unit(unit).await {
            Ok(()) => Ok(()),
            Err(error) if named(&error).is_some_and(|(name, _)| name == NO_SUCH_UNIT) => Ok(()),
            Err(error) => Err(self.refused(unit, &error)),
        }
    }

    /// All that systemd says of a unit, loaded or not.
    pub async fn describe(&self, unit: &str) -> Result<Properties, WorkerError> {
        let path = self.manager.load_unit(unit).await;
        let path = path.map_err(|error| self.refused(unit, &error))?;
        self.read(unit, path).await
    }

    /// The same for every loaded unit whose name fits the pattern, by name.
    pub async fn describe_loaded(&self, pattern: &str) -> Result<HashMap<String, Properties>, WorkerError> {
        let listed = self.manager.list_units_by_patterns(&[], &[pattern]).await;
        let mut described = HashMap::new();
        for row in listed.map_err(|error| self.refused(pattern, &error))? {
            let properties = self.read(&row.0, row.6).await?;
            described.insert(row.0, properties);
        }
        Ok(described)
    }

    async fn read(&self, unit: &str, path: OwnedObjectPath) -> Result<Properties, WorkerError> {
        let read = async {
            let object = PropertiesProxy::builder(&self.connection)
                .path(path)
                .cache_properties(zbus::proxy::CacheProperties::No)
                .build()
                .await?;
            let mut all = object.get_all("org.freedesktop.systemd1.Unit").await?;
            all.extend(object.get_all("org.freedesktop.systemd1.Service").await?);
            Ok(Properties(all))
        };
        read.await.map_err(|error| self.refused(unit, &error))
    }

    fn refused(&self, unit: &str, error: &zbus::Error) -> WorkerError {
        let Some((name, reason)) = named(error) else {
            return WorkerError::NoBus {
                bus: self.bus,
                reason: error.to_string(),
            };
        };
        match name.as_str() {
            "org.freedesktop.DBus.Error.AccessDenied"
            | "org.freedesktop.DBus.Error.AuthFailed"
            | "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired" => {
                WorkerError::NoRights { reason }
            }
            NO_SUCH_UNIT => WorkerError::NoUnit {
                unit: unit.to_owned(),
            },
            _ => WorkerError::Refused {
                unit: unit.to_owned(),
                reason,
            },
        }
    }
}

const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";

/// Name and reason of an error that came over the bus; `None` when nothing came.
fn named(error: &zbus::Error) -> Option<(String, String)> {
    use zbus::DBusError;
    let (name, reason) = match error {
        zbus::Error::MethodError(name, reason, _) => (name.to_string(), reason.clone()),
        zbus::Error::FDO(error) => (error.name().to_string(), error.description().map(str::to_owned)),
        _ => return None,
    };
    let reason = reason.unwrap_or_else(|| name.clone());
    Some((name, reason))
}

/// A unit's properties by systemd's names.
pub struct Properties(HashMap<String, OwnedVariant>);

impl Properties {
    /// Empty when there is no such text.
    pub fn text(&self, name: &str) -> &str {
        let value = self.0.get(name);
        value
            .and_then(|value| value.downcast_ref::<&str>().ok())
            .unwrap_or_default()
    }

    /// Zero when there is no such number.
    pub fn number(&self, name: &str) -> u64 {
        let Some(value) = self.0.get(name) else { return 0 };
        let long = value.downcast_ref::<u64>();
        long.or_else(|_| value.downcast_ref::<u32>().map(u64::from))
            .unwrap_or_default()
    }
}
