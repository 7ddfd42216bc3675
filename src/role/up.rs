//! The bot and an initiator on this machine, as children that are started again when they die.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use kymo_bot::telegram::TelegramError;
use kymo_runlog::{Log, LogConfig, LogError, Position, Topic};
use kymo_solver::watchdog;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::{Common, Up};
use crate::config::Config;
use crate::house::{Child, Environment, Lock, supervise};
use crate::say::say;

/// How long to wait before Telegram is asked again for the bot's name.
const ASK_AGAIN: Duration = Duration::from_secs(5);
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long a solver may take to end when the house closes.
const SOLVER_GRACE: Duration = Duration::from_secs(10);

pub async fn run(common: Common, args: Up, stop: CancellationToken) -> anyhow::Result<()> {
    let mut config = Config::load(&common)?;
    if let Some(brokers) = args.kafka {
        config.log = format!("kafka:{brokers}")
            .parse::<LogConfig>()
            .context("--kafka")?;
    }
    if args.telegram_api.is_some() {
        config.telegram_api = args.telegram_api;
    }
    config.make_data_folder()?;
    let token = config.telegram_token()?;
    let _lock = Lock::take(&config.data)?;
    // Opened once here, so that a log that cannot be used is told before anything runs.
    let log = config.open_log().await?;
    say!("log        {}", log.describe());
    config.door_token()?;
    if config.door_listen.port() == 0 {
        bail!(
            "the bot's door needs a port that others can be told; choose one with listen under [door] in kymo.toml"
        );
    }
    if let Err(error) = std::net::TcpListener::bind(config.door_listen) {
        bail!(
            "the bot's door cannot listen on {}: {error}; is another kymo running? Otherwise choose another \
             address with listen under [door] in kymo.toml",
            config.door_listen
        );
    }
    let environment = Environment::new(&config.data)
        .config(config.path.as_ref())
        .log(&config.log)
        .telegram(config.telegram_api.as_ref(), &token);
    let mut house = House::open(&config, log, environment, &stop).await?;
    say!("data       {}", config.data.display());
    say!("door       {}", config.door()?.url());
    house.wait_until_ready(&config).await?;
    if stop.is_cancelled() {
        return house.until_stopped(&config).await;
    }
    say!("ready; Ctrl-C ends the bot, the initiator and the runs (they go on at the next `kymo up`)");
    let greeted = tokio::select! {
        greeted = greet(&config) => greeted,
        () = stop.cancelled() => Ok(()),
    };
    if greeted.is_err() {
        stop.cancel();
    }
    house.until_stopped(&config).await.and(greeted)
}

/// The two roles that make a house.
pub(crate) struct House {
    roles: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
    log: Arc<dyn Log>,
    catalogues_before: Position,
}

impl House {
    pub(crate) async fn open(
        config: &Config,
        log: Arc<dyn Log>,
        environment: Environment,
        stop: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let catalogues_before = catalogues(&*log).await?;
        let program = std::env::current_exe().context("find this program's own file")?;
        let child = |name| Child {
            name,
            program: program.clone(),
            arguments: vec![name.into()],
            environment: environment.clone(),
            output: Some(config.data.join(format!("{name}.log"))),
        };
        let mut roles = JoinSet::new();
        roles.spawn(supervise(child("bot"), stop.clone()));
        roles.spawn(supervise(child("initiator"), stop.clone()));
        Ok(Self {
            roles,
            stop: stop.clone(),
            log,
            catalogues_before,
        })
    }

    /// Waits until the bot's door answers and the initiator has published what can be run.
    pub(crate) async fn wait_until_ready(&mut self, config: &Config) -> anyhow::Result<()> {
        let door = config.door()?;
        let ready = async {
            while !door.is_open().await || catalogues(&*self.log).await? <= self.catalogues_before {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            anyhow::Ok(())
        };
        tokio::select! {
            ready = ready => ready,
            () = self.stop.cancelled() => Ok(()),
            () = tokio::time::sleep(READY_WITHIN) => bail!(
                "the bot's door at {} and the initiator were not both ready within {READY_WITHIN:?}; their \
                 messages are in bot.log and initiator.log under {}",
                door.url(),
                config.data.display()
            ),
        }
    }

    /// Serves until stopped, then ends everything that the house started, watchdogs and solvers last.
    pub(crate) async fn until_stopped(mut self, config: &Config) -> anyhow::Result<()> {
        let mut first_error = Ok(());
        while let Some(ended) = self.roles.join_next().await {
            self.stop.cancel();
            let result = ended
                .context("a role's keeper panicked")
                .and_then(|result| result);
            if first_error.is_ok() {
                first_error = result;
            }
        }
        watchdog::stop_all(&config.data, SOLVER_GRACE).await;
        first_error
    }
}

/// Where the next catalogue will stand.
async fn catalogues(log: &dyn Log) -> anyhow::Result<Position> {
    let topic = Topic::parse(kymo_runlog::catalogue::TOPIC)?;
    match log.end(&topic).await {
        Ok(end) => Ok(end),
        Err(LogError::UnknownTopic(..)) => Ok(Position::START),
        Err(error) => Err(error.into()),
    }
}

/// Says who the bot is and, while nobody is admin, shows the one-time link that makes one. Telegram is waited for; a
/// wrong token is not.
async fn greet(config: &Config) -> anyhow::Result<()> {
    let bot = super::bot::bot_config(config)?;
    let mut told = false;
    let greeting = loop {
        match kymo_bot::greet(&bot).await {
            Ok(greeting) => break greeting,
            Err(error) if is_wrong_token(&error) => {
                return Err(error).context(
                    "Telegram does not know the token; ask @BotFather for it (/mybots) and put it into \
                     KYMO_TELEGRAM_TOKEN or its file",
                );
            }
            Err(error) if told => tracing::debug!("Telegram still does not answer: {error:#}"),
            Err(error) => {
                told = true;
                tracing::warn!("people are served when Telegram answers: {error:#}");
            }
        }
        tokio::time::sleep(ASK_AGAIN).await;
    };
    say!("telegram   @{}", greeting.username);
    if let Some(link) = greeting.claim_link {
        say!(
            "\nNobody is admin yet. Open this link on your phone; the first to do so becomes admin:\n{link}\n"
        );
        say!("{}", qr(&link)?);
    }
    Ok(())
}

fn is_wrong_token(error: &anyhow::Error) -> bool {
    matches!(
        error.downcast_ref::<TelegramError>(),
        Some(TelegramError::Unauthorized)
    )
}

fn qr(link: &str) -> anyhow::Result<String> {
    let code = qrcode::QrCode::new(link).context("draw the link as a QR code")?;
    Ok(code
        .render::<qrcode::render::unicode::Dense1x2>()
        .quiet_zone(true)
        .build())
}
