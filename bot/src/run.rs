//! The role `bot`: opens the store, and keeps everything going until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use kymo_runlog::Log;
use kymo_store::Store;
use teloxide::types::Me;
use tokio_util::sync::CancellationToken;

use crate::alert::Alerts;
use crate::callback::panel_keyboard;
use crate::desk::{Context as DeskContext, Desk};
use crate::dispatch::Dispatcher;
use crate::door::{Connected, DoorState};
use crate::outbox::Outbox;
use crate::panel::Panels;
use crate::said::Said;
use crate::tasks::Tasks;
use crate::telegram::{Telegram, TelegramError};
use crate::{BotConfig, alert, door, housekeeping, inbox, outbox, panel, prune};

/// Runs the bot until `stop`. The door opens at once; Telegram is waited for.
pub async fn run(config: BotConfig, log: Arc<dyn Log>, stop: CancellationToken) -> anyhow::Result<()> {
    let listener = door::bind(config.listen).await?;
    let store = Store::open(&config.database).await?;
    let telegram = Telegram::new(&config.token, config.api_url.as_ref())?;
    let (outbox, jobs) = outbox::open();
    let (panels, orders) = panel::open(store.clone());
    let alerts = Alerts::new(store.clone());
    let connected = Connected::default();

    let mut tasks = Tasks::new(&stop);
    let door = DoorState {
        token: config.door_token.clone(),
        store: store.clone(),
        outbox: outbox.clone(),
        panels: panels.clone(),
        alerts: alerts.clone(),
        telegram: connected.clone(),
        said: Said::default(),
    };
    tasks.spawn("door", |stop| door::run(listener, door, stop));
    tasks.spawn("outbox", |stop| {
        outbox::run(jobs, telegram.clone(), store.clone(), stop)
    });
    tasks.spawn("alerts", |stop| alert::run(alerts.clone(), outbox.clone(), stop));
    tasks.spawn("panels", |stop| {
        panel::run(orders, store.clone(), outbox.clone(), panel_keyboard, stop)
    });
    tasks.spawn("prune", |stop| prune::run(store.clone(), stop));
    let people = People {
        config,
        log,
        store: store.clone(),
        telegram,
        outbox,
        panels,
        alerts,
        connected,
    };
    tasks.spawn("people", |stop| people.meet(stop));
    let ended = tasks.until_all_end().await;
    store.close().await;
    ended
}

/// Everything that is about people, once Telegram has said who the bot is.
struct People {
    config: BotConfig,
    log: Arc<dyn Log>,
    store: Store,
    telegram: Telegram,
    outbox: Outbox,
    panels: Panels,
    alerts: Alerts,
    connected: Connected,
}

impl People {
    async fn meet(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Some(me) = stop
            .run_until_cancelled(wait_for_telegram(&self.telegram))
            .await
            .transpose()?
        else {
            return Ok(());
        };
        tracing::info!("connected to Telegram as @{}", me.username());
        self.connected.now();
        let bot = me.id;
        let desk = Desk::open(
            DeskContext {
                store: self.store.clone(),
                outbox: self.outbox.clone(),
                panels: self.panels,
                alerts: self.alerts,
                telegram: self.telegram.clone(),
                log: self.log,
                me,
                config: self.config,
            },
            stop.clone(),
        )?;
        let dispatcher = Arc::new(Dispatcher::new(desk.clone()));
        let excuser = dispatcher.clone();
        let excuse: inbox::Excuse = Arc::new(move |update, trouble| {
            let dispatcher = excuser.clone();
            Box::pin(async move { dispatcher.excuse(&update, &trouble).await })
        });
        let (store, outbox) = (self.store.clone(), self.outbox.clone());
        let handler: inbox::Handler = Arc::new(move |update| {
            let (store, outbox, dispatcher) = (store.clone(), outbox.clone(), dispatcher.clone());
            Box::pin(async move {
                if housekeeping::take_note(&store, &outbox, bot, &update).await? {
                    return Ok(());
                }
                dispatcher.handle(&update).await
            })
        });
        let mut tasks = Tasks::new(&stop);
        tasks.spawn("desk", |stop| desk.run(stop));
        tasks.spawn("inbox", |stop| {
            inbox::run(self.telegram, self.store, handler, excuse, stop)
        });
        tasks.until_all_end().await
    }
}

/// Telegram may be away when the bot starts; only a wrong token is the end.
async fn wait_for_telegram(telegram: &Telegram) -> anyhow::Result<Me> {
    let mut pause = Duration::from_millis(250);
    let mut said = false;
    loop {
        match telegram.get_me().await {
            Ok(me) => return Ok(me),
            Err(error @ TelegramError::Unauthorized) => return Err(error).context("say hello to Telegram"),
            Err(error) => {
                if !said {
                    tracing::warn!("Telegram is away, the bot waits for it: {error}");
                    said = true;
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(8));
            }
        }
    }
}
