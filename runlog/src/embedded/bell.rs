//! Bells: how followers in other processes hear of news at once, without asking all the time.
//! Each topic has an empty file; whoever has written opens and closes it, and inotify tells.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use inotify::{EventMask, Inotify, WatchMask};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::TopicNumber;

/// A writer may die between its commit and its ring; so followers look by themselves now and then.
const SELDOM: Duration = Duration::from_secs(3);
/// Where inotify cannot be had (its instances per user are limited), followers look often.
const OFTEN: Duration = Duration::from_millis(50);

pub(super) struct Bells {
    folder: PathBuf,
    listeners: Listeners,
    /// Begins with the first listener; `None` when there is no inotify.
    ear: Mutex<Option<Option<JoinHandle<()>>>>,
}

type Listeners = Arc<Mutex<HashMap<TopicNumber, watch::Sender<()>>>>;

/// A follower's ear for one topic.
pub(super) struct Bell {
    rings: watch::Receiver<()>,
    patience: Duration,
}

impl Bell {
    /// Rings from here on are news.
    pub fn forget(&mut self) {
        self.rings.mark_unchanged();
    }

    /// Until the next ring, or until it is time to look anyway.
    pub async fn wait(&mut self) {
        // Either way the follower looks; which it was does not matter.
        match tokio::time::timeout(self.patience, self.rings.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            // The ear is gone: only the clock is left.
            Ok(Err(_)) => tokio::time::sleep(OFTEN).await,
        }
    }
}

impl Bells {
    pub fn new(data: &Path) -> io::Result<Self> {
        let folder = data.join("log.bells");
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            listeners: Listeners::default(),
            ear: Mutex::new(None),
        })
    }

    /// Costs an open and a close. A bell that cannot ring is no error: followers look by themselves.
    pub fn ring(&self, topic: TopicNumber) {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path(topic));
        if let Err(e) = file {
            tracing::debug!("the bell of topic {} is silent: {e}", topic.0);
        }
    }

    pub fn remove(&self, topic: TopicNumber) {
        // A last ring, so that followers notice even if the file was never made.
        self.ring(topic);
        if let Err(e) = std::fs::remove_file(self.path(topic)) {
            tracing::debug!("the bell of topic {} stays: {e}", topic.0);
        }
    }

    pub fn listen(&self, topic: TopicNumber) -> Bell {
        let hears = self.hears();
        let mut listeners = lock(&self.listeners);
        listeners.retain(|_, rings| rings.receiver_count() > 0);
        let rings = listeners
            .entry(topic)
            .or_insert_with(|| watch::channel(()).0)
            .subscribe();
        Bell {
            rings,
            patience: if hears { SELDOM } else { OFTEN },
        }
    }

    fn path(&self, topic: TopicNumber) -> PathBuf {
        self.folder.join(topic.0.to_string())
    }

    /// Whether there is an ear; makes it the first time.
    fn hears(&self) -> bool {
        let mut ear = lock(&self.ear);
        let ear = ear.get_or_insert_with(|| match self.open_ear() {
            Ok(task) => Some(task),
            Err(e) => {
                tracing::warn!(
                    "no inotify ({e}); news of the log is looked for {} times a second",
                    1000 / OFTEN.as_millis()
                );
                None
            }
        });
        ear.is_some()
    }

    fn open_ear(&self) -> io::Result<JoinHandle<()>> {
        let inotify = Inotify::init()?;
        inotify
            .watches()
            .add(&self.folder, WatchMask::CLOSE_WRITE | WatchMask::DELETE)?;
        let mut events = inotify.into_event_stream(vec![0; 4096])?;
        let listeners = self.listeners.clone();
        Ok(tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let heard = event
                    .ok()
                    .filter(|event| !event.mask.contains(EventMask::Q_OVERFLOW));
                let topic = heard
                    .and_then(|event| event.name?.to_str()?.parse().ok())
                    .map(TopicNumber);
                let listeners = lock(&listeners);
                match topic {
                    Some(topic) => listeners.get(&topic).into_iter().for_each(ring),
                    // Something was missed: everybody looks.
                    None => listeners.values().for_each(ring),
                }
            }
        }))
    }
}

fn ring(rings: &watch::Sender<()>) {
    rings.send_modify(|()| {});
}

/// Nothing panics while a lock is held here, so a poisoned one is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Bells {
    fn drop(&mut self) {
        if let Some(Some(task)) = lock(&self.ear).take() {
            task.abort();
        }
    }
}
