//! Alerts on their way to the bot: written to `<data>/spool` first, sent in order, removed once the bot has them.
//! So an alert survives a bot that is away and a watchdog that is killed; sending one twice changes nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use kymo_door::{Alert, Door, DoorError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::folder;

/// A refused alert is kept this long: a wrong token can be put right, a wrong alert cannot.
const KEEP_REFUSED: chrono::TimeDelta = chrono::TimeDelta::days(1);

/// How often a patrol looks into the spool.
const PATROL: Duration = Duration::from_secs(3);

/// The folder of alerts that are not delivered yet.
#[derive(Clone, Debug)]
pub struct Spool(PathBuf);

/// What one round of sending came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    Empty,
    Away,
    /// The rest waits because the bot does not want it.
    Refused,
}

impl Spool {
    pub fn of(data: &Path) -> Self {
        Self(data.join("spool"))
    }

    /// Names sort by time, so that an incident's end never overtakes its beginning.
    fn path(&self, alert: &Alert) -> PathBuf {
        self.0.join(format!(
            "{:020}-{}.json",
            alert.at.timestamp_micros().max(0),
            alert.id
        ))
    }

    pub fn put(&self, alert: &Alert) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.0)?;
        folder::save(&self.path(alert), alert)
    }

    /// Undelivered alerts, oldest first.
    pub fn list(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(&self.0) else {
            return Vec::new();
        };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        paths.sort();
        paths
    }

    /// Sends what waits, oldest first.
    pub async fn deliver(&self, door: &Door) -> Delivery {
        let mut delivery = Delivery::Empty;
        for path in self.list() {
            let Ok(alert) = folder::load::<Alert>(&path) else {
                // Somebody else has just delivered it, or it is damaged; a damaged one must not stop the others.
                set_aside_if_there(&path);
                continue;
            };
            match door.alert(&alert).await {
                Ok(()) => remove(&path),
                Err(DoorError::Away(..)) => return Delivery::Away,
                Err(error) => {
                    tracing::warn!(%error, title = alert.title, "the bot refused an alert; check the door's token");
                    if is_stale(alert.at, Utc::now()) {
                        set_aside_if_there(&path);
                    }
                    delivery = Delivery::Refused;
                }
            }
        }
        delivery
    }
}

fn is_stale(at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - at > KEEP_REFUSED
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(%error, path = %path.display(), "a delivered alert cannot be removed"),
    }
}

fn set_aside_if_there(path: &Path) {
    let aside = path.with_extension("refused");
    if let Err(error) = std::fs::rename(path, &aside)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "an alert that cannot be delivered cannot be set aside");
    }
}

/// Sends alerts in the background.
pub struct Courier {
    alerts: mpsc::UnboundedSender<Alert>,
    task: JoinHandle<()>,
}

impl Courier {
    /// Without a door there is nobody to tell: alerts only reach this process's own log.
    pub fn start(data: &Path, door: Option<Door>) -> Self {
        Self::begin(data, door, None)
    }

    /// Leaves them in the spool, where an outpost takes them.
    pub fn leave(data: &Path) -> Self {
        let (alerts, mut inbox) = mpsc::unbounded_channel();
        let spool = Spool::of(data);
        let task = tokio::spawn(async move {
            let mut unwritten: Vec<Alert> = Vec::new();
            loop {
                let news = match unwritten.is_empty() {
                    true => Some(inbox.recv().await),
                    // The disk may be full, and free again later.
                    false => tokio::time::timeout(PATROL, inbox.recv()).await.ok(),
                };
                let ended = matches!(news, Some(None));
                unwritten.extend(news.flatten());
                let written = unwritten.iter().take_while(|alert| match spool.put(alert) {
                    Ok(()) => true,
                    Err(error) => {
                        tracing::warn!(%error, "an alert cannot be spooled; it is kept in memory");
                        false
                    }
                });
                let written = written.count();
                unwritten.drain(..written);
                if ended {
                    return;
                }
            }
        });
        Self { alerts, task }
    }

    /// Also looks again and again for what others left behind.
    pub fn patrol(data: &Path, door: Option<Door>) -> Self {
        Self::begin(data, door, Some(PATROL))
    }

    fn begin(data: &Path, door: Option<Door>, patrol: Option<Duration>) -> Self {
        let (alerts, inbox) = mpsc::unbounded_channel();
        let task = tokio::spawn(carry(Spool::of(data), door, inbox, patrol));
        Self { alerts, task }
    }

    /// Returns at once.
    pub fn send(&self, alert: Alert) {
        tracing::info!(key = alert.key, state = ?alert.state, title = alert.title, "alert");
        // The task ends only with this sender.
        let _ = self.alerts.send(alert);
    }

    /// Gives what is on its way a last chance. What is left stays in the spool.
    pub async fn finish(self, patience: Duration) {
        drop(self.alerts);
        let mut task = self.task;
        if tokio::time::timeout(patience, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// Ends when the sender is gone and nothing waits.
async fn carry(
    spool: Spool,
    door: Option<Door>,
    mut inbox: mpsc::UnboundedReceiver<Alert>,
    patrol: Option<Duration>,
) {
    let Some(door) = door else {
        while inbox.recv().await.is_some() {}
        return;
    };
    // What cannot be written to the disk (it may be full) waits here.
    let mut unwritten: Vec<Alert> = Vec::new();
    loop {
        let mut news = News::default();
        let delivery = {
            let delivering = deliver_all(&spool, &door, &mut unwritten);
            tokio::pin!(delivering);
            loop {
                tokio::select! {
                    // A bot that does not answer may take half a minute to give up: an alert is on disk before that.
                    biased;
                    alert = inbox.recv(), if !news.over => news.take(alert, &spool),
                    delivery = &mut delivering => break delivery,
                }
            }
        };
        if !news.came && !news.over {
            match retry_after(delivery).or(patrol) {
                None => news.take(inbox.recv().await, &spool),
                Some(pause) => {
                    if let Ok(alert) = tokio::time::timeout(pause, inbox.recv()).await {
                        news.take(alert, &spool);
                    }
                }
            }
        }
        unwritten.append(&mut news.unwritten);
        // What is left when the sender is gone and the bot is away, the initiator sends.
        if news.over && !news.came {
            return;
        }
    }
}

/// What came in since the last look into the spool.
#[derive(Default)]
struct News {
    came: bool,
    /// The sender is gone.
    over: bool,
    unwritten: Vec<Alert>,
}

impl News {
    fn take(&mut self, alert: Option<Alert>, spool: &Spool) {
        let Some(alert) = alert else {
            self.over = true;
            return;
        };
        self.came = true;
        if let Err(error) = spool.put(&alert) {
            tracing::warn!(%error, "an alert cannot be spooled; it is kept in memory");
            self.unwritten.push(alert);
        }
    }
}

async fn deliver_all(spool: &Spool, door: &Door, unwritten: &mut Vec<Alert>) -> Delivery {
    let delivery = spool.deliver(door).await;
    if delivery == Delivery::Away {
        return delivery;
    }
    while let Some(alert) = unwritten.first() {
        match door.alert(alert).await {
            Ok(()) => drop(unwritten.remove(0)),
            Err(DoorError::Away(..)) => return Delivery::Away,
            Err(error) => {
                tracing::warn!(%error, title = alert.title, "the bot refused an alert");
                unwritten.remove(0);
            }
        }
    }
    delivery
}

fn retry_after(delivery: Delivery) -> Option<Duration> {
    match delivery {
        Delivery::Empty => None,
        Delivery::Away => Some(Duration::from_secs(1)),
        Delivery::Refused => Some(Duration::from_secs(60)),
    }
}

#[cfg(test)]
mod tests {
    use kymo_door::{AlertState, Severity};

    use super::*;

    #[tokio::test]
    async fn an_alert_is_on_disk_even_while_the_bot_takes_another_one_for_ever() {
        let data = tempfile::tempdir().expect("a folder");
        // A frozen bot: the kernel takes the connection, nobody answers.
        let frozen = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", frozen.local_addr().expect("bound"));
        let door = Door::new(url.parse().expect("an address"), "secret".to_owned().into());
        let courier = Courier::start(data.path(), Some(door));
        courier.send(alert("first"));
        let asked = tokio::task::spawn_blocking(move || frozen.accept().expect("it is asked"));
        let _connection = asked.await.expect("no panic");
        courier.send(alert("second"));
        courier.finish(Duration::from_millis(500)).await;
        let mut titles: Vec<String> = Spool::of(data.path())
            .list()
            .iter()
            .map(|path| folder::load::<Alert>(path).expect("whole").title)
            .collect();
        titles.sort();
        assert_eq!(titles, ["first", "second"]);
    }

    fn alert(title: &str) -> Alert {
        Alert {
            id: uuid::Uuid::now_v7(),
            key: title.to_owned(),
            topic: None,
            state: AlertState::Open,
            severity: Severity::Critical,
            title: title.to_owned(),
            text: String::new(),
            last_lines: Vec::new(),
            at: Utc::now(),
            host: "lab".to_owned(),
        }
    }
}
