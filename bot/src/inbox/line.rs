//! Updates stand in line, one line per chat, and are handled.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use kymo_store::{ChatId, InboxUpdate, Store, StoreError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Excuse, Handler, poll};
use crate::said::Said;
use crate::written::written;

const CHATS_AT_ONCE: usize = 16;
/// A handler that panics, or a process that dies, this often over one update never gets it again.
const PANICS: i64 = 3;
/// What fails is tried again for some two minutes; then the person must say it again.
const PATIENCE: [u64; 8] = [500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000];
/// A database that is locked or full is waited for as long as it takes.
const LOOK_AGAIN: u64 = 1000;

/// How long handlers under way may take when the bot stops.
const LAST_HANDLERS: Duration = Duration::from_secs(5);

/// An update and its place in the waiting room.
pub(super) struct Waiting {
    pub update: InboxUpdate,
    pub _place: OwnedSemaphorePermit,
}

/// Handles what comes until `stop`, then lets those under way finish.
pub(super) async fn work(
    store: Store,
    handler: Handler,
    excuse: Excuse,
    mut incoming: mpsc::Receiver<Waiting>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut lines = Lines::default();
    let mut busy: JoinSet<Option<ChatId>> = JoinSet::new();
    loop {
        while busy.len() < CHATS_AT_ONCE
            && let Some((chat, waiting)) = lines.next()
        {
            let (store, handler, excuse) = (store.clone(), handler.clone(), excuse.clone());
            let stop = stop.clone();
            busy.spawn(async move {
                handle(&store, &handler, &excuse, waiting.update, &stop).await;
                chat
            });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            waiting = incoming.recv() => match waiting {
                Some(waiting) => lines.push(waiting),
                None => break,
            },
            Some(done) = busy.join_next() => lines.free(done.expect("the handler's panics are caught inside")),
        }
    }
    // Who takes longer is begun again by the next start.
    let rest = async { while busy.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_HANDLERS, rest).await.is_err() {
        tracing::warn!("some updates are handled again after the next start");
    }
    Ok(())
}

/// Who waits for whom.
#[derive(Default)]
struct Lines {
    waiting: HashMap<Option<ChatId>, VecDeque<Waiting>>,
    /// Chats with somebody waiting and nobody being served.
    ready: VecDeque<Option<ChatId>>,
    served: HashSet<Option<ChatId>>,
}

impl Lines {
    fn push(&mut self, waiting: Waiting) {
        let chat = waiting.update.chat;
        let line = self.waiting.entry(chat).or_default();
        line.push_back(waiting);
        if line.len() == 1 && !self.served.contains(&chat) {
            self.ready.push_back(chat);
        }
    }

    fn next(&mut self) -> Option<(Option<ChatId>, Waiting)> {
        let chat = self.ready.pop_front()?;
        let line = self.waiting.get_mut(&chat)?;
        let waiting = line.pop_front()?;
        if line.is_empty() {
            self.waiting.remove(&chat);
        }
        self.served.insert(chat);
        Some((chat, waiting))
    }

    fn free(&mut self, chat: Option<ChatId>) {
        self.served.remove(&chat);
        if self.waiting.contains_key(&chat) {
            self.ready.push_back(chat);
        }
    }
}

/// Handles one update to its end: handled, poisoned, or left for the next start of the bot.
async fn handle(
    store: &Store,
    handler: &Handler,
    excuse: &Excuse,
    update: InboxUpdate,
    stop: &CancellationToken,
) {
    let id = update.update_id;
    let mut panics = update.tries;
    let mut pauses = PATIENCE.into_iter();
    let said = Said::default();
    let verdict = loop {
        if panics >= PANICS {
            tracing::error!("update {id} brought its handler down {panics} times and is left alone");
            break Verdict::Poisoned;
        }
        // What is not known is nothing that we asked for.
        let Some(read) = poll::parse(&update) else {
            break Verdict::Handled;
        };
        match tokio::spawn(handler(read.clone())).await {
            Ok(Ok(())) => break Verdict::Handled,
            Ok(Err(error)) => {
                let trouble = error.downcast_ref::<StoreError>().filter(|e| e.is_passing());
                let pause = match trouble {
                    Some(trouble) => {
                        excuse(read, trouble.clone()).await;
                        Some(LOOK_AGAIN)
                    }
                    None => pauses.next(),
                };
                let Some(pause) = pause else {
                    tracing::error!("update {id} cannot be handled and is left alone: {error:#}");
                    break Verdict::Poisoned;
                };
                let text = format!("update {id} is tried again: {error:#}");
                if said.is_news(&text) {
                    tracing::warn!("{text}");
                }
                let pause = tokio::time::sleep(Duration::from_millis(pause));
                if stop.run_until_cancelled(pause).await.is_none() {
                    return;
                }
            }
            Err(panic) if panic.is_panic() => {
                tracing::error!("the handler of update {id} panicked: {panic}");
                panics += 1;
            }
            // The runtime is going down.
            Err(_) => return,
        }
    };
    let closed = match verdict {
        Verdict::Handled => {
            let write = || store.update_handled(id);
            written("an update that was handled", stop, write).await
        }
        Verdict::Poisoned => store.update_poisoned(id).await,
    };
    if let Err(error) = closed {
        tracing::warn!("update {id} may be handled again after a restart: {error}");
    }
}

enum Verdict {
    Handled,
    Poisoned,
}
