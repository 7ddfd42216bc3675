//! The outpost: our hand on a server, at the other end of an ssh connection. It starts watchdogs there, says who lives and
//! who died, and hands over the alerts that they leave in the spool. It ends with the connection; the watchdogs stay.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use kymo_door::Alert;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWriteExt, Stdin, Stdout};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::wire::{Lines, Luggage, News, Opening, Order, line};
use crate::folder;
use crate::initiator::crew::{Crew, Gone};
use crate::initiator::here::Here;
use crate::initiator::machine;
use crate::process::Process;
use crate::spool::Spool;

/// How often the spool is looked into.
const PATROL: Duration = Duration::from_millis(500);
/// Without a word from the initiator for so long, the connection is dead even if nobody told us.
const SILENCE: Duration = Duration::from_secs(30);
/// How long an earlier outpost of the same initiator may take to end.
const SUCCESSION: Duration = Duration::from_secs(5);

/// Serves the initiator at stdin and stdout until it is gone. `program` is the file of this program.
pub async fn run(program: PathBuf, input: Stdin, mut output: Stdout) -> anyhow::Result<()> {
    let (heard, mut orders) = mpsc::channel(64);
    // Reading a line must not be interrupted, so it has a task of its own.
    tokio::spawn(async move {
        let mut lines = Lines::new(input);
        while let Ok(Some(order)) = lines.next::<Order>().await {
            if heard.send(order).await.is_err() {
                return;
            }
        }
    });
    let Ok(Some(Order::Open(opening))) = tokio::time::timeout(SILENCE, orders.recv()).await else {
        bail!("an outpost is started by an initiator, which says on stdin what it shall do");
    };
    let (_lock, mut outpost) = match Outpost::open(&program, opening).await {
        Ok(opened) => opened,
        Err(error) => {
            let (reason, remedy) = match error.downcast_ref::<Taken>() {
                Some(taken) => (
                    taken.to_string(),
                    "give each initiator a `folder` of its own there; if the other one is gone, this one follows by itself",
                ),
                None => (
                    format!("{error:#}"),
                    "correct it there; it is tried again by itself",
                ),
            };
            let refused = News::Refused {
                reason,
                remedy: remedy.to_owned(),
            };
            return say(&mut output, &refused).await;
        }
    };
    outpost.serve(&mut orders, &mut output).await
}

struct Outpost {
    crew: Here,
    spool: Spool,
    /// Alerts that were handed over and are not yet safe.
    shown: Vec<(Uuid, PathBuf)>,
}

impl Outpost {
    async fn open(program: &Path, opening: Opening) -> anyhow::Result<(Flock<std::fs::File>, Self)> {
        let folder = PathBuf::from(&opening.folder);
        // A catalogue's relative directories begin here, and a solver's own files do.
        std::env::set_current_dir(&folder).with_context(|| format!("go to {}", folder.display()))?;
        let lock = succeed(&folder, &opening.gateway).await?;
        pack_out(&folder, opening.log)?;
        let command: Vec<OsString> = vec![
            program.into(),
            "watchdog".into(),
            "--data".into(),
            folder.clone().into(),
            "--config".into(),
            folder.join("kymo.toml").into(),
            "--spool".into(),
        ];
        let outpost = Self {
            crew: Here::find(&folder, command, machine::capacity())?,
            spool: Spool::of(&folder),
            shown: Vec::new(),
        };
        Ok((lock, outpost))
    }

    async fn serve(&mut self, orders: &mut mpsc::Receiver<Order>, output: &mut Stdout) -> anyhow::Result<()> {
        let gone = self.take_gone().await;
        let living = self.crew.jobs().cloned().collect();
        let machine = self.crew.capacity();
        say(
            output,
            &News::Ready {
                machine,
                living,
                gone,
            },
        )
        .await?;
        let mut heard = Instant::now();
        let mut patrol = tokio::time::interval(PATROL);
        patrol.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut beat = tokio::time::interval(super::BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => {
                        heard = Instant::now();
                        self.obey(order, output).await?;
                    }
                    None => return Ok(()),
                },
                () = self.crew.news() => {}
                _ = patrol.tick() => self.show_alerts(output).await?,
                _ = beat.tick() => say(output, &News::Alive).await?,
                () = tokio::time::sleep_until(heard + SILENCE) => bail!("the initiator has been silent for {SILENCE:?}"),
            }
            for gone in self.take_gone().await {
                say(output, &News::Gone(Box::new(gone))).await?;
            }
        }
    }

    async fn obey(&mut self, order: Order, output: &mut Stdout) -> anyhow::Result<()> {
        match order {
            Order::Open(_) => bail!("an outpost is opened once"),
            Order::Alive => Ok(()),
            Order::Took(id) => {
                for (_, path) in self.shown.extract_if(.., |(shown, _)| *shown == id) {
                    // It may be gone already; if not, it is shown again.
                    let _ = std::fs::remove_file(path);
                }
                Ok(())
            }
            // Said twice when a connection broke in between.
            Order::Start(job) if self.crew.jobs().any(|known| known.holder == job.holder) => Ok(()),
            Order::Start(job) => match self.crew.start((*job).clone()) {
                Ok(()) => Ok(()),
                Err(error) => {
                    let gone = Gone {
                        job: *job,
                        how: Some(format!("{error:#}")),
                        last_words: None,
                    };
                    say(output, &News::Gone(Box::new(gone))).await
                }
            },
        }
    }

    async fn take_gone(&mut self) -> Vec<Gone> {
        let gone = self.crew.take_gone();
        for gone in &gone {
            self.crew.clean_up_after(&gone.job).await;
        }
        gone
    }

    async fn show_alerts(&mut self, output: &mut Stdout) -> anyhow::Result<()> {
        for path in self.spool.list() {
            if self.shown.iter().any(|(_, shown)| *shown == path) {
                continue;
            }
            // Half of one is never there; a damaged one stays for a person to look at.
            if let Ok(alert) = folder::load::<Alert>(&path) {
                self.shown.push((alert.id, path));
                say(output, &News::Alert(Box::new(alert))).await?;
            }
        }
        Ok(())
    }
}

async fn say(output: &mut Stdout, news: &News) -> anyhow::Result<()> {
    output
        .write_all(&line(news))
        .await
        .context("the initiator is gone")?;
    output.flush().await.context("the initiator is gone")
}

/// Who serves a folder: `outpost.lock`.
#[derive(Serialize, Deserialize)]
struct Holder {
    gateway: String,
    process: Process,
}

/// Another initiator's outpost is alive here.
#[derive(Debug, thiserror::Error)]
#[error("the folder {folder} is in use by the initiator on {gateway}")]
struct Taken {
    folder: String,
    gateway: String,
}

/// Becomes the folder's only outpost. One that the same initiator left behind (its connection was cut) has to go;
/// another initiator's stays.
async fn succeed(folder: &Path, gateway: &str) -> anyhow::Result<Flock<std::fs::File>> {
    let path = folder.join("outpost.lock");
    let deadline = Instant::now() + SUCCESSION;
    loop {
        let mut options = std::fs::OpenOptions::new();
        let file = options
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path);
        let file = file.with_context(|| {
            format!(
                "cannot open {}; check who owns the folder and the free space",
                path.display()
            )
        })?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut lock) => {
                let holder = Holder {
                    gateway: gateway.to_owned(),
                    process: Process::current()?,
                };
                let write = || -> std::io::Result<()> {
                    lock.set_len(0)?;
                    lock.write_all(&serde_json::to_vec(&holder)?)
                };
                let mut write = write;
                write().with_context(|| format!("cannot write {}; check the free space", path.display()))?;
                return Ok(lock);
            }
            Err((_, nix::errno::Errno::EWOULDBLOCK)) if Instant::now() < deadline => {
                // Between its lock and its name there is a moment.
                if let Ok(holder) = folder::load::<Holder>(&path) {
                    if holder.gateway != gateway {
                        return Err(Taken {
                            folder: folder.display().to_string(),
                            gateway: holder.gateway,
                        }
                        .into());
                    }
                    holder.process.signal(Signal::SIGTERM)?;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err((_, error)) => return Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }
}

/// Writes down how watchdogs reach the log. Secrets get files that only we can read.
fn pack_out(folder: &Path, log: Luggage) -> anyhow::Result<()> {
    let table = match log {
        Luggage::Tunnel { socket } => {
            let link = folder.join("relay.sock");
            point(&link, Path::new(&socket))
                .with_context(|| format!("point {} to the new tunnel", link.display()))?;
            clear_old_sockets(folder, Path::new(&socket));
            toml::Table::from_iter([("relay".to_owned(), one("socket", &link).into())])
        }
        Luggage::Kafka { mut table, files } => {
            for (setting, text) in files {
                let path = folder.join(format!("log.{}", plain(&setting)?));
                write_secretly(&path, text.as_bytes())?;
                table.insert(setting, path.display().to_string().into());
            }
            toml::Table::from_iter([("kafka".to_owned(), table.into())])
        }
    };
    let text = toml::to_string(&toml::Table::from_iter([("log".to_owned(), table.into())]))?;
    write_secretly(
        &folder.join("kymo.toml"),
        format!("# Written by kymo; changes are lost.\n{text}").as_bytes(),
    )
}

fn one(name: &str, path: &Path) -> toml::Table {
    toml::Table::from_iter([(name.to_owned(), path.display().to_string().into())])
}

/// A setting's name becomes a file's.
fn plain(name: &str) -> anyhow::Result<&str> {
    match name.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
        true => Ok(name),
        false => bail!("{name:?} is no setting"),
    }
}

/// In one step, so that a watchdog finds the old tunnel or the new one.
fn point(link: &Path, socket: &Path) -> std::io::Result<()> {
    let draft = link.with_extension("new");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::os::unix::fs::symlink(socket, &draft)?;
    std::fs::rename(&draft, link)
}

/// sshd leaves its sockets behind.
fn clear_old_sockets(folder: &Path, current: &Path) {
    for entry in std::fs::read_dir(folder.join("relay"))
        .into_iter()
        .flatten()
        .flatten()
    {
        if entry.path() != current {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn write_secretly(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    };
    write().with_context(|| {
        format!(
            "cannot write {}; check the free space and who owns the folder",
            path.display()
        )
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use kymo_runlog::{KafkaConfig, LogConfig};

    use super::*;

    #[test]
    fn what_opens_the_log_is_written_for_its_owner_only_and_read_back() {
        let here = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = here.path().join(name);
            std::fs::write(&path, text).expect("write");
            Some(path)
        };
        let kafka = KafkaConfig {
            brokers: "kafka-1:9092".to_owned(),
            user: Some("ada".to_owned()),
            password_file: file("secret", "pa\"ss\nword"),
            ca: file("authority", "-----BEGIN CERTIFICATE-----"),
            replication: Some(3),
            ..KafkaConfig::default()
        };
        let packed = super::super::pack(&LogConfig::Kafka(kafka)).expect("packed");
        let luggage = Luggage::Kafka {
            table: packed.table,
            files: packed.files,
        };
        // As it travels.
        let line = serde_json::to_string(&luggage).expect("JSON");
        let luggage = serde_json::from_str(&line).expect("the same");
        let there = tempfile::tempdir().expect("a folder");
        pack_out(there.path(), luggage).expect("packed out");

        #[derive(Deserialize)]
        struct File {
            log: LogConfig,
        }
        let text = std::fs::read_to_string(there.path().join("kymo.toml")).expect("kymo.toml");
        assert!(
            !text.contains("pa\"ss"),
            "the password has a file of its own: {text}"
        );
        let File {
            log: LogConfig::Kafka(kafka),
        } = toml::from_str(&text).expect("a configuration")
        else {
            panic!("no Kafka: {text}")
        };
        assert_eq!(
            (kafka.brokers.as_str(), kafka.user.as_deref()),
            ("kafka-1:9092", Some("ada"))
        );
        assert_eq!(kafka.replication, Some(3));
        let password = kafka.password_file.expect("its file");
        assert_eq!(
            std::fs::read_to_string(&password).expect("the password"),
            "pa\"ss\nword"
        );
        for path in [
            password,
            kafka.ca.expect("its file"),
            there.path().join("kymo.toml"),
        ] {
            let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn a_new_tunnel_takes_the_place_of_the_old_one() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("relay")).expect("a folder");
        for name in ["1.sock", "2.sock"] {
            let socket = folder.path().join("relay").join(name);
            std::fs::write(&socket, name).expect("as sshd does");
            pack_out(
                folder.path(),
                Luggage::Tunnel {
                    socket: socket.display().to_string(),
                },
            )
            .expect("packed out");
            let leads_to =
                std::fs::read_to_string(folder.path().join("relay.sock")).expect("it leads somewhere");
            assert_eq!(leads_to, name);
        }
        assert!(
            !folder.path().join("relay/1.sock").exists(),
            "nobody needs the old one"
        );
    }

    #[test]
    fn a_setting_cannot_lead_out_of_the_folder() {
        for name in ["../x", "a/b", "A"] {
            assert!(plain(name).is_err(), "{name}");
        }
    }
}
