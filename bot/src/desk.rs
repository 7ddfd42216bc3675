//! Everything that serves people, put together: the facts for commands, the ways out for their
//! answers, and the task that follows the log.

use std::sync::Arc;

use kymo_runlog::Log;
use kymo_store::{PersonId, Store};
use teloxide::types::Me;
use tokio_util::sync::CancellationToken;

use crate::alert::Alerts;
use crate::config::{BotConfig, WorkerHost};
use crate::facts::Facts;
use crate::follow::{Follower, Known, Showroom};
use crate::outbox::Outbox;
use crate::panel::Panels;
use crate::telegram::Telegram;
use crate::waiting::Waiting;
use crate::workers::{ChildWorkers, SystemdWorkers, Wishes, Workers};

/// What the desk is made of.
pub struct Context {
    pub store: Store,
    pub outbox: Outbox,
    pub panels: Panels,
    pub alerts: Alerts,
    pub telegram: Telegram,
    pub log: Arc<dyn Log>,
    pub me: Me,
    pub config: BotConfig,
}

/// Where people are served.
pub struct Desk {
    pub(crate) facts: Facts,
    pub(crate) outbox: Outbox,
    pub(crate) panels: Panels,
    pub(crate) telegram: Telegram,
    pub(crate) wishes: Arc<Wishes>,
    pub(crate) waiting: Waiting,
    showroom: Showroom,
}

impl Desk {
    /// Puts the desk together. Graph workers that are its children end when `stop` is cancelled.
    pub fn open(context: Context, stop: CancellationToken) -> anyhow::Result<Arc<Self>> {
        let Context {
            store,
            outbox,
            panels,
            alerts,
            telegram,
            log,
            me,
            config,
        } = context;
        let host: Arc<dyn Workers> = match config.workers {
            WorkerHost::Child { command } => Arc::new(ChildWorkers::new(command, stop)?),
            WorkerHost::Systemd { bus } => Arc::new(SystemdWorkers::new(bus, &config.data)),
        };
        let wishes = Arc::new(Wishes {
            store: store.clone(),
            log: log.clone(),
            host: host.clone(),
        });
        let showroom = Showroom {
            store: store.clone(),
            panels: panels.clone(),
            alerts,
            wishes: wishes.clone(),
            lost: Arc::default(),
        };
        let facts = Facts {
            store,
            log,
            known: Known::default(),
            workers: host,
            data: config.data,
            host: host_name(),
            bot: me.id.0,
            username: me.username().to_owned(),
            admins: config.admins.into_iter().map(PersonId).collect(),
        };
        Ok(Arc::new(Self {
            facts,
            outbox,
            panels,
            telegram,
            wishes,
            waiting: Waiting::default(),
            showroom,
        }))
    }

    /// Follows the log, brings back graph workers and sets the menus, until `stop` is cancelled;
    /// then waits for the workers to end.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let follower = Follower::new(
            self.facts.log.clone(),
            self.facts.known.clone(),
            self.showroom.clone(),
        );
        let restoring = async {
            crate::workers::restore(&self.wishes).await;
            crate::menu::set_all(&self.facts, &self.telegram).await;
            crate::workers::tidy(&self.wishes, &self.facts.known).await;
        };
        tokio::select! {
            () = follower.run(stop.clone()) => {}
            () = async { stop.run_until_cancelled(restoring).await; stop.cancelled().await } => {}
        }
        self.facts.workers.ended().await;
        Ok(())
    }
}

/// This machine, as watchdogs here call it.
fn host_name() -> String {
    nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
