//! One attempt from its marker to its end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use kymo_runlog::event::RunEvent;
use kymo_runlog::order::When;
use kymo_runlog::{Log, Outcome, RunWriter, Window, clear_run};
use tokio::io::AsyncWriteExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::WatchdogConfig;
use super::child::{CannotStart, Launch, Pipes, Solver};
use super::copy::{self, Copier, Copy};
use super::guard::guard;
use super::herald::Herald;
use super::keep::{self, Hold, Rhythm, Right};
use super::listen::{self, Audience, Ear, Talk};
use super::memory::OutOfMemory;
use super::orders::follow_orders;
use super::output::{Bounds, Output};
use super::past::{self, Past};
use super::publisher::{Entrance, Published, Publisher};
use super::steps::{self, Adopted, StepKeeper};
use super::tell::{self, Speaker};
use super::verdict::{Cause, Exit, Verdict, in_words, verdict};
use super::watch::Watch;
use crate::catalogue::Feed;
use crate::events::patiently;
use crate::folder::{self, Job, Lives, RunFolder};
use crate::protocol::{JobLine, LineParser};
use crate::restart::{self, Row};
use crate::spool::Courier;

/// How long a crash's alert waits for the solver's last words.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// No run has more attempts. A marker that names a higher one is a stranger's, and there is no number behind it.
const MOST_ATTEMPTS: u32 = 1_000_000_000;
/// How long what a solver left behind may go on talking.
const AFTERLIFE: Duration = Duration::from_secs(2);

/// One attempt and all it needs.
pub struct Attempt<'a> {
    pub job: &'a Job,
    pub config: &'a WatchdogConfig,
    pub log: Arc<dyn Log>,
    pub folder: &'a RunFolder,
    pub courier: &'a Courier,
    pub audience: Audience,
    pub stop: CancellationToken,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub verdict: Verdict,
    /// `None`: it was over before the solver's start.
    pub exit: Option<Exit>,
    /// The last iteration that the log acknowledged.
    pub iteration: u64,
    /// The row of failures that a next attempt would go on with.
    pub row: Row,
    /// When the restart policy wants the next attempt.
    pub again_in: Option<Duration>,
    /// What the solver said last, if it failed.
    pub last_lines: Vec<String>,
    /// Its results are gone: somebody deleted them, and must say whether they are wanted again.
    pub topic_deleted: bool,
}

impl Ended {
    fn given(self, cause: Option<&Cause>) -> Self {
        match cause {
            Some(Cause::TopicDeleted { .. }) => Self {
                iteration: 0,
                again_in: None,
                topic_deleted: true,
                ..self
            },
            Some(
                Cause::Order { .. }
                | Cause::Afresh
                | Cause::Shutdown
                | Cause::LeaseLost
                | Cause::LogRefused { .. },
            )
            | None => self,
        }
    }
}

/// Whether and where an attempt may begin.
enum Begin {
    After(Box<(Past, Adopted)>),
    /// Somebody else has the run.
    Lost,
    /// The topic holds this attempt already.
    Spent(u32),
}

/// What goes on beside the solver; all of it ends with the attempt.
pub struct Company {
    pub ear: Ear,
    pub publisher: Publisher,
    pub causes: mpsc::Receiver<(Cause, When)>,
    pub hold: watch::Receiver<Hold>,
    steps: Option<StepKeeper>,
    copier: Option<Copier>,
    entrance: Entrance,
    listeners: Vec<JoinHandle<()>>,
    /// They talk to the solver or for it.
    speakers: Vec<JoinHandle<()>>,
    /// They listen to the log.
    watchers: Vec<JoinHandle<()>>,
}

impl Attempt<'_> {
    pub async fn run(self, lives: &mut Lives) -> anyhow::Result<Ended> {
        // From before the past is read: that may take longer than a lease lasts.
        let keeper = Keeper::start(self.log.clone(), self.job.clone());
        let mut hold = keeper.right.hold.clone();
        let begin = async {
            // Before anything is written or cleared, and once more before the solver starts.
            if !may_begin(&mut hold).await {
                return Ok(Begin::Lost);
            }
            let past = self.look().await?;
            if past.attempt >= self.job.attempt {
                return Ok(Begin::Spent(past.attempt));
            }
            self.warn(&past).await;
            let begin = self.take_over(past).await?;
            anyhow::Ok(match may_begin(&mut hold).await {
                true => Begin::After(Box::new(begin)),
                false => Begin::Lost,
            })
        };
        let Some(past) = self.stop.run_until_cancelled(begin).await else {
            self.release().await;
            return Ok(self.ended(Verdict::LeftWanted, None, 0, Vec::new()));
        };
        let (past, adopted) = match past? {
            Begin::After(begin) => *begin,
            Begin::Lost => return Ok(self.ended(Verdict::Lost, None, 0, Vec::new())),
            Begin::Spent(attempt) => return self.go_behind(attempt).await,
        };
        let from = past.iterations;
        let herald = Herald::start(self.log.clone(), self.job.clone());
        let ended = match self.live((past, adopted), lives, &herald, &keeper).await {
            Ok(ended) => ended,
            Err(error) => {
                // As a shell tells it.
                let code = error.downcast_ref().map_or(126, |error: &CannotStart| error.code);
                let reason = format!("cannot start: {error:#}");
                let exit = Some(Exit::Code(code.into()));
                let ended = self.ended(Verdict::Failed { reason }, exit, from, Vec::new());
                self.send_failure(&ended);
                ended
            }
        };
        self.announce_end(&herald, &ended);
        herald.finish(&self.stop).await;
        drop(keeper);
        if ended.verdict != Verdict::Lost {
            self.release().await;
        }
        Ok(ended)
    }

    async fn release(&self) {
        let release = tokio::time::timeout(Duration::from_secs(2), keep::release(&*self.log, self.job));
        if !matches!(release.await, Ok(Ok(_))) {
            tracing::warn!(topic = %self.job.topic, "the claim cannot be released; it ends by itself");
        }
    }

    /// Reads what the topic holds.
    async fn look(&self) -> anyhow::Result<Past> {
        let (log, topic) = (&*self.log, &self.job.topic);
        patiently(|| log.create(topic)).await?;
        if self.job.fresh {
            patiently(|| clear_run(log, topic))
                .await
                .with_context(|| format!("clear {topic}"))?;
        }
        Ok(patiently(|| past::read(log, topic, self.job.entry.replay)).await?)
    }

    /// Another attempt must go on behind this number.
    async fn go_behind(&self, attempt: u32) -> anyhow::Result<Ended> {
        let topic = &self.job.topic;
        if attempt > MOST_ATTEMPTS {
            bail!(
                "a marker in {topic} names attempt {attempt}, which no run can reach; start the run afresh, or remove that record"
            );
        }
        tracing::warn!(%topic, attempt, "the topic holds attempts that nobody claimed here; going on behind them");
        patiently(|| keep::spend(&*self.log, self.job, attempt)).await?;
        Ok(Ended {
            again_in: Some(Duration::ZERO),
            ..self.ended(Verdict::LeftWanted, None, 0, Vec::new())
        })
    }

    /// What a person must know before the solver starts: results that are gone, and settings that would cost more.
    async fn warn(&self, past: &Past) {
        let topic = &self.job.topic;
        if let Some(reason) = past.lost.as_ref().filter(|_| !self.job.fresh) {
            tracing::warn!(%topic, reason, "it starts from iteration 1");
            self.courier.send(self.speaker().beginning_lost(reason));
        }
        // Not being able to look is no reason not to run.
        let risks = self.log.warnings(topic).await.unwrap_or_default();
        for risk in &risks {
            tracing::warn!("{risk}");
        }
        if !risks.is_empty() {
            self.courier.send(self.speaker().topic_at_risk(&risks));
        }
    }

    /// Begins the attempt where the topic's usable part ends.
    async fn take_over(&self, mut past: Past) -> anyhow::Result<(Past, Adopted)> {
        let (log, topic) = (&*self.log, &self.job.topic);
        let mut adopted = Adopted::default();
        if self.job.entry.resumes {
            // Before the marker: from then on only this attempt's steps count.
            adopted = steps::adopt(log, &self.writer(), past.in_effect, past.iterations + 1).await;
            past.step = adopted.state.take();
        } else {
            past = Past {
                attempt: past.attempt,
                ..Past::default()
            };
        }
        let marker = self.writer().marker(past.iterations + 1, &self.job.host);
        patiently(|| log.append(topic, vec![marker.clone()]))
            .await
            .with_context(|| format!("write to {topic}"))?;
        Window::Marked.pass();
        Ok((past, adopted))
    }

    /// Starts the solver and stays until it has ended and its records are in the log. An error means that it never ran.
    async fn live(
        &self,
        (past, adopted): (Past, Adopted),
        lives: &mut Lives,
        herald: &Herald,
        keeper: &Keeper,
    ) -> anyhow::Result<Ended> {
        let from = past.iterations;
        let entry = &self.job.entry;
        let parser = LineParser::new(from, &entry.patterns).context("a pattern of the catalogue")?;
        let parser = parser.with_total(entry.total(&self.job.run.parameters));
        let copy = entry.log_bytes.map(|_| Copy::default());
        let mut output = Output::new(&self.folder.output(), Bounds::default()).copied_to(copy.clone());
        output.remark(&beginning(self.job.attempt, &past));
        for report in &adopted.reports {
            output.remark(report);
        }
        let launch = Launch::of(entry, &self.job.run.parameters, &self.config.solver_command)?;
        // From before the start, so that no death goes unnoticed.
        let mut deaths = signal(SignalKind::child()).context("listen for SIGCHLD")?;
        let memory = OutOfMemory::read();
        let mut solver = Solver::start(&launch, self.job)?;
        lives.solver = Some(solver.process);
        if let Err(error) = folder::save(&self.folder.lives(), lives) {
            // A full disk must not end a run. Should we be killed now, what the solver leaves behind is not found.
            tracing::warn!("{error:#}");
        }
        let pid = u32::try_from(solver.process.pid).unwrap_or_default();
        herald.announce(
            from,
            if from == 0 {
                RunEvent::Started { pid }
            } else {
                RunEvent::Resumed { pid }
            },
        );
        let pipes = solver.take_pipes()?;
        let mut company = self.gather(
            (output, copy),
            parser,
            (past, adopted),
            pipes,
            keeper.right.clone(),
        );
        let mut watch = Watch::new(self, from);
        let exit = watch
            .until_exit(&solver, &mut deaths, &mut company, herald)
            .await?;
        let cause = watch.ending.cause().cloned();
        let out_of_memory = OutOfMemory::read().happened_since(&memory);
        let judged = verdict(exit, cause.as_ref(), out_of_memory);
        wait_for_listeners(&mut company, LAST_WORDS).await;
        let known = wait_for_last_record(&company, LAST_WORDS).await;
        company
            .ear
            .output()
            .remark(&format!("the solver ended: {}", in_words(exit, out_of_memory)));
        let last_lines = company.ear.output().last_lines();
        let mut early = self
            .ended(judged, Some(exit), known, last_lines)
            .given(cause.as_ref());
        self.send_failure(&early);
        let news = company.publisher.published.clone();
        let published = tokio::select! {
            published = self.wind_up(&early.verdict, &mut solver, company) => published,
            () = watch.tell_trouble_meanwhile(news) => unreachable!("it goes on until it is dropped"),
        };
        watch.follow_troubles(published.trouble.clone());
        let mut cause = cause;
        if early.verdict == Verdict::Finished && published.refused.is_some() {
            // It has computed everything, and the log did not take all of it.
            cause.clone_from(&published.refused);
            let judged = verdict(exit, cause.as_ref(), false);
            early = self
                .ended(judged, Some(exit), published.iteration, early.last_lines)
                .given(cause.as_ref());
            self.send_failure(&early);
        }
        watch.close_incidents(&early.verdict);
        let ended = self.ended(early.verdict, early.exit, published.iteration, early.last_lines);
        Ok(ended.given(cause.as_ref()))
    }

    fn gather(
        &self,
        (output, copy): (Output, Option<Copy>),
        parser: LineParser,
        (past, adopted): (Past, Adopted),
        pipes: Pipes,
        right: Right,
    ) -> Company {
        let mut hold = right.hold.clone();
        // How it is now counts, too, not only what changes.
        hold.mark_changed();
        let from = past.iterations;
        let ear = Ear::new(output, from);
        let (entrance, publisher) = Publisher::start(self.log.clone(), self.job.topic.clone(), from);
        let steps = self.job.entry.resumes.then(|| {
            let rest = steps::Rest {
                right: right.clone(),
                published: publisher.published.clone(),
                ear: ear.clone(),
            };
            let interval = self.job.entry.step_interval;
            StepKeeper::start(self.log.clone(), self.writer(), interval, adopted, rest)
        });
        let (desk, steps) = steps.unzip();
        let copier = copy.zip(self.job.entry.log_bytes).map(|(copy, bytes)| {
            Copier::start(
                self.log.clone(),
                self.writer(),
                copy,
                bytes,
                copy::Rest {
                    right,
                    ear: ear.clone(),
                },
            )
        });
        let talk = Talk {
            ear: ear.clone(),
            parser,
            writer: self.writer(),
            entrance: entrance.clone(),
            audience: self.audience.clone(),
            steps: desk,
            pace: self.job.pace,
        };
        let (tell_cause, causes) = mpsc::channel(8);
        let guard = guard(self.log.clone(), self.job.topic.clone(), tell_cause.clone());
        let orders = follow_orders(
            self.log.clone(),
            self.job.topic.clone(),
            self.job.orders_from,
            tell_cause,
        );
        let complain = listen::complain(ear.clone(), self.writer(), entrance.clone());
        let mut speakers = vec![tokio::spawn(complain)];
        if let Some(input) = pipes.input {
            speakers.push(tokio::spawn(feed(input, self.job_line(past))));
        }
        let watchers = vec![tokio::spawn(orders), tokio::spawn(guard)];
        let listeners = vec![
            tokio::spawn(listen::listen_to_output(talk, pipes.output)),
            tokio::spawn(listen::listen_to_errors(
                ear.clone(),
                pipes.errors,
                self.audience.clone(),
            )),
        ];
        Company {
            ear,
            publisher,
            causes,
            hold,
            steps,
            copier,
            entrance,
            listeners,
            speakers,
            watchers,
        }
    }

    fn job_line(&self, past: Past) -> JobLine {
        let (state, records) = match self.job.entry.replay {
            Feed::None => (None, None),
            Feed::State => (past.state, None),
            Feed::Records | Feed::Last(_) => (past.state, Some(past.records)),
        };
        JobLine {
            run: self.job.topic.clone(),
            parameters: self.job.run.parameters.clone(),
            resume_after: past.iterations,
            pace: self.job.pace,
            records,
            state,
            step: past.step,
        }
    }

    /// Everything that was said goes into the log; nothing that the solver started stays.
    async fn wind_up(&self, verdict: &Verdict, solver: &mut Solver, mut company: Company) -> Published {
        let patience = match verdict {
            Verdict::Finished | Verdict::Failed { .. } => AFTERLIFE,
            Verdict::Stopped { .. } | Verdict::LeftWanted | Verdict::Lost => LAST_WORDS,
        };
        wait_for_listeners(&mut company, patience).await;
        solver.reap();
        wait_for_listeners(&mut company, LAST_WORDS * 5).await;
        let Company {
            ear,
            publisher,
            mut hold,
            steps,
            copier,
            entrance,
            listeners,
            speakers,
            watchers,
            ..
        } = company;
        for task in listeners.into_iter().chain(speakers) {
            task.abort();
        }
        if let Some(complaint) = ear.take_unpublished_complaint() {
            let iteration = ear.last();
            entrance
                .put(iteration, vec![self.writer().complaint(iteration, &complaint)])
                .await;
        }
        if *verdict == Verdict::Finished {
            let iterations = ear.last();
            entrance
                .put(
                    iterations,
                    vec![self.writer().end(&Outcome {
                        iterations,
                        finished: true,
                    })],
                )
                .await;
        }
        drop(entrance);
        let lost = async {
            if hold.wait_for(|hold| *hold == Hold::Lost).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let hurry = async {
            tokio::select! {
                () = self.stop.cancelled() => tokio::time::sleep(AFTERLIFE).await,
                () = lost => {}
            }
        };
        let published = publisher.finish_unless(hurry).await;
        // Both are given a moment only: they are a convenience, and a log that is away has made us wait already.
        let finish_steps = async {
            if let Some(steps) = steps {
                steps.finish(AFTERLIFE).await;
            }
        };
        let finish_copy = async {
            if let Some(copier) = copier {
                copier.finish(AFTERLIFE).await;
            }
        };
        tokio::join!(finish_steps, finish_copy);
        for task in watchers {
            task.abort();
        }
        published
    }

    fn announce_end(&self, herald: &Herald, ended: &Ended) {
        let event = match &ended.verdict {
            Verdict::Finished => RunEvent::Finished,
            Verdict::Stopped { by } => RunEvent::Stopped { by: by.clone() },
            Verdict::Failed { reason } => RunEvent::Failed {
                reason: reason.clone(),
                last_lines: ended.last_lines.clone(),
                again_at: ended.again_in.map(|pause| Utc::now() + pause),
            },
            Verdict::LeftWanted | Verdict::Lost => return,
        };
        herald.announce(ended.iteration, event);
    }

    fn ended(&self, verdict: Verdict, exit: Option<Exit>, iteration: u64, last_lines: Vec<String>) -> Ended {
        let mut row = self.job.row();
        let mut again_in = None;
        if matches!(verdict, Verdict::Failed { .. }) {
            row.fail(iteration, || {
                tell::new_incident(&self.job.topic, self.job.attempt)
            });
            again_in = restart::pause_before_next(&self.job.entry.restart, row.failures);
        }
        Ended {
            verdict,
            exit,
            iteration,
            row,
            again_in,
            last_lines,
            topic_deleted: false,
        }
    }

    /// As soon as it is known: people wait for this one.
    fn send_failure(&self, ended: &Ended) {
        if let (Verdict::Failed { reason }, Some(key)) = (&ended.verdict, &ended.row.incident) {
            if ended.topic_deleted {
                self.courier
                    .send(self.speaker().topic_deleted(key.clone(), reason));
                return;
            }
            let lines = ended.last_lines.clone();
            self.courier.send(self.speaker().failed(
                key.clone(),
                reason,
                ended.iteration,
                ended.again_in,
                lines,
            ));
        }
    }

    pub fn speaker(&self) -> Speaker<'_> {
        Speaker::of(self.job)
    }

    fn writer(&self) -> RunWriter {
        RunWriter::new(
            self.job.run.clone(),
            self.job.attempt,
            self.job.entry.card.version.clone(),
        )
    }
}

/// Keeps the claim for as long as it lives.
struct Keeper {
    right: Right,
    task: JoinHandle<()>,
}

impl Keeper {
    fn start(log: Arc<dyn Log>, job: Job) -> Self {
        let (tell_hold, hold) = watch::channel(Hold::Unsure);
        let (tell_until, until) = watch::channel(Instant::now());
        let task = tokio::spawn(keep::keep_claim(
            log,
            job,
            Rhythm::default(),
            tell_hold,
            tell_until,
        ));
        let right = Right { hold, until };
        Self { right, task }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits until it is known whether the run is ours.
async fn may_begin(hold: &mut watch::Receiver<Hold>) -> bool {
    let known = hold.wait_for(|hold| *hold != Hold::Unsure).await;
    known.is_ok_and(|hold| *hold == Hold::Held)
}

/// The first remark in the output of an attempt.
fn beginning(attempt: u32, past: &Past) -> String {
    let inside = match past.step {
        Some(_) => format!(", inside iteration {} from its last step", past.iterations + 1),
        None => String::new(),
    };
    match (past.iterations, &past.step) {
        (0, None) => format!("attempt {attempt}"),
        (last, _) => format!("attempt {attempt} goes on after iteration {last}{inside}"),
    }
}

/// Gives the solver its job. It may never read it, and it may end before: neither is our trouble.
async fn feed(mut input: tokio::process::ChildStdin, job: JobLine) {
    let line = job.to_line() + "\n";
    if let Err(error) = input.write_all(line.as_bytes()).await {
        tracing::debug!(%error, "the solver did not read its job line");
    }
}

/// Waits until the solver's output has ended. Waiting for the log does not count: the solver's words are in the pipe.
async fn wait_for_listeners(company: &mut Company, patience: Duration) {
    let deadline = Instant::now() + patience;
    while company.listeners.iter().any(|task| !task.is_finished()) {
        let now = Instant::now();
        if now >= deadline && !(patience > LAST_WORDS && company.ear.is_waiting()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The last record is on its way when the solver ends; nobody waits for a log that is away.
async fn wait_for_last_record(company: &Company, patience: Duration) -> u64 {
    let mut published = company.publisher.published.clone();
    let last = company.ear.last();
    let settled =
        published.wait_for(|now| now.iteration >= last || now.trouble.is_some() || now.refused.is_some());
    // Late or not, what is acknowledged by now counts.
    let _ = tokio::time::timeout(patience, settled).await;
    published.borrow().iteration
}
