//! The worker's loop: messages in, pictures out, at the pace that the bot sets.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, Local, Utc};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use kymo_door::{Door, DoorError, PanelAnswer, PanelFacts};
use kymo_runlog::{Log, Position, Stored, Topic};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::card::{self, Names};
use crate::feed::Feed;
use crate::graph::Graph;
use crate::pace::Pace;
use crate::paint::theme::Theme;
use crate::studio::Studio;
use kymo_runlog::view::View;

/// The name under which workers note how far they have read.
const CONSUMER: &str = "graph-worker";
/// The note is for people who ask who is behind, so it needs not be fresh; a worker itself always reads from the beginning.
const NOTE_EVERY: Duration = Duration::from_secs(60);
const FIRST_NOTE: Duration = Duration::from_secs(2);
/// How long the door has to say how pictures are wanted; without its word they are light.
const PATIENCE: Duration = Duration::from_secs(2);

/// What to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicView {
    pub topic: Topic,
    /// As people write it, see [`View`]; none lets the solver's card or the first record choose.
    pub view: Option<String>,
    /// What to draw if nobody chose a view and no catalogue in the log knows the solver.
    pub usual: Option<String>,
}

/// What one process serves.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerConfig {
    pub topics: Vec<TopicView>,
}

/// Serves topics until `stop`. A topic that is gone or a view that does not fit ends with an error; the
/// other topics are served on, and the first error is returned when all have ended.
pub async fn run(
    config: WorkerConfig,
    log: Arc<dyn Log>,
    door: Door,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    anyhow::ensure!(
        !config.topics.is_empty(),
        "a graph worker needs a topic; name one with --topic"
    );
    let studio = Arc::new(Mutex::new(Studio::default()));
    let mut topics: FuturesUnordered<_> = config
        .topics
        .iter()
        .map(|it| serve(it, log.as_ref(), &door, studio.clone(), stop.clone()))
        .collect();
    let mut first_error = None;
    while let Some(end) = topics.next().await {
        if let Err(error) = end {
            tracing::error!("{error:#}");
            first_error.get_or_insert(error);
        }
    }
    first_error.map_or(Ok(()), Err)
}

type Note<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
type Handover<'a> = Pin<Box<dyn Future<Output = Result<PanelAnswer, DoorError>> + Send + 'a>>;

async fn serve(
    it: &TopicView,
    log: &dyn Log,
    door: &Door,
    studio: Arc<Mutex<Studio>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut sitter = Sitter::new(it)?;
    let mut feed = Feed::new(log, it.topic.clone());
    let mut pace = Pace::new(Instant::now());
    // Whoever prefers dark pictures shall not see a light one first.
    let wanted = tokio::time::timeout(PATIENCE, door.panel(&it.topic)).await;
    let mut theme = match wanted {
        Ok(Ok(wanted)) => Theme::named(&wanted.theme),
        Ok(Err(_)) | Err(_) => Theme::default(),
    };
    let mut handover: Option<Handover<'_>> = None;
    let mut noting: Option<Note<'_>> = None;
    let (mut noted, mut next_note) = (Position::START, Instant::now() + FIRST_NOTE);
    loop {
        let has_read_on = feed.position() != noted;
        // Half a past is no picture: the first one waits until the topic is read.
        let due = pace.due().filter(|_| handover.is_none() && feed.caught_up());
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            batch = feed.next() => {
                if sitter.take(log, &mut feed, &batch?).await? {
                    pace.news();
                }
            }
            answer = async { handover.as_mut().expect("only polled while there is one").await }, if handover.is_some() => {
                handover = None;
                match answer {
                    Ok(answer) => {
                        pace.shown(Instant::now(), Duration::from_millis(answer.next_in_ms));
                        if Theme::named(&answer.theme) != theme {
                            theme = Theme::named(&answer.theme);
                            pace.news();
                        }
                    }
                    Err(trouble) => {
                        tracing::warn!(topic = %it.topic, %trouble, "the picture waits");
                        pace.failed(Instant::now());
                    }
                }
            }
            () = async { noting.as_mut().expect("only polled while there is one").await }, if noting.is_some() => {
                noting = None;
            }
            () = sleep_until(next_note.into()), if noting.is_none() && has_read_on => {
                noted = feed.position();
                next_note = Instant::now() + NOTE_EVERY;
                noting = Some(Box::pin(async move {
                    if let Err(trouble) = log.commit(&it.topic, CONSUMER, noted).await {
                        tracing::debug!(topic = %it.topic, %trouble, "how far it was read is not noted");
                    }
                }));
            }
            () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {
                let now = Local::now().fixed_offset();
                let png = {
                    let mut studio = studio.lock().unwrap_or_else(PoisonError::into_inner);
                    studio.draw(&sitter.graph, &sitter.names, now, theme)
                };
                let facts = facts(&sitter.graph);
                pace.sent(Instant::now(), now.to_utc(), &sitter.graph.progress);
                handover = Some(Box::pin(async move { door.show_panel(&it.topic, &facts, png).await }));
            }
        }
    }
}

/// A graph and what the catalogue says of its solver.
pub struct Sitter {
    pub graph: Graph,
    pub names: Names,
    attempt: u32,
}

impl Sitter {
    pub fn new(it: &TopicView) -> anyhow::Result<Self> {
        let view = it.view.as_deref().map(str::parse::<View>).transpose();
        let view = view.with_context(|| format!("the graph of {} cannot be drawn", it.topic))?;
        let mut graph = Graph::new(it.topic.clone(), view);
        if let Some(usual) = it.usual.as_deref().and_then(|text| text.parse().ok()) {
            graph.suggest(usual);
        }
        Ok(Self {
            names: Names::of_topic(&it.topic),
            graph,
            attempt: 0,
        })
    }

    /// Takes messages in; `true` when a picture would look different.
    pub async fn take(
        &mut self,
        log: &dyn Log,
        feed: &mut Feed<'_>,
        batch: &[Stored],
    ) -> anyhow::Result<bool> {
        let mut changed = false;
        for stored in batch {
            let took = self.graph.push(stored);
            changed |=
                took.with_context(|| format!("the graph of {} cannot be drawn", self.graph.topic()))?;
            if self.attempt != self.graph.progress.attempt {
                self.attempt = self.graph.progress.attempt;
                feed.pause();
                self.look_up(log).await;
            }
        }
        Ok(changed)
    }

    /// The catalogue helps; without it the picture is drawn all the same.
    async fn look_up(&mut self, log: &dyn Log) {
        let progress = &self.graph.progress;
        let card = match card::find_card(log, &progress.solver).await {
            Ok(card) => card,
            Err(trouble) => {
                tracing::warn!(%trouble, "no catalogue");
                None
            }
        };
        self.names = Names::of_run(
            &progress.solver,
            &progress.parameters,
            card.as_ref(),
            self.graph.topic(),
        );
        if let Some(view) = card.as_ref().and_then(card::recommended) {
            self.graph.suggest(view);
        }
    }
}

/// What the bot writes the caption from.
pub fn facts(graph: &Graph) -> PanelFacts {
    let progress = &graph.progress;
    let (rejected, reason) = progress.kept_aside();
    PanelFacts {
        solver: progress.solver.clone(),
        parameters: progress.parameters.clone(),
        attempt: progress.attempt,
        iteration: progress.iteration,
        total: progress.total,
        view: graph.view().map(View::to_string).unwrap_or_default(),
        value: graph
            .plot()
            .and_then(|plot| plot.last())
            .filter(|value| value.is_finite()),
        points: graph.plot().map_or(0, |plot| plot.points()),
        newest_at: progress.newest_at,
        eta: progress.eta(Utc::now()).filter(sensible),
        rejected,
        rejected_reason: reason.map(str::to_owned),
        not_finite: graph.plot().map_or(0, |plot| plot.not_finite()),
        ended: progress.ended.is_some(),
        pace: progress.pace,
    }
}

/// A date that every reader of JSON can take.
fn sensible(at: &DateTime<Utc>) -> bool {
    chrono::Datelike::year(at) < 10_000
}
