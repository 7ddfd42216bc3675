//! Steps on their way into `<topic>.steps`. The newest wins, one in a while is kept, and nobody waits for them: to
//! lose a step costs time, never results.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kymo_runlog::{FoundStep, Log, LogError, Position, RunWriter, Step, find_step};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::keep::{Hold, Right};
use super::listen::Ear;
use super::publisher::Published;
use crate::events::patiently;

/// Between two steps that are kept, and from an iteration's begin to its first.
const INTERVAL: Duration = Duration::from_secs(2);
/// Large steps are kept less often: so many bytes per second.
const BYTES_PER_SECOND: f64 = 1e6;
/// Steps that may stand in the topic before the older ones are forgotten.
const MOST_KEPT: usize = 8;
/// The newest, and one to fall back on if it should turn out broken.
const ALWAYS_KEPT: usize = 2;
/// A step that this many attempts were given, and none got further, is given to no other: it may be what kills them.
const MOST_HANDED: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// What an attempt takes over from the steps of the one before.
#[derive(Debug, Default)]
pub struct Adopted {
    /// For the solver.
    pub state: Option<String>,
    /// For people.
    pub reports: Vec<String>,
    /// What stands before it in the steps topic is of no use any more.
    stale: Option<Position>,
    /// Behind the newest step.
    end: Option<Position>,
    /// The iteration whose step was written under the new attempt.
    iteration: u64,
}

/// Finds the last step of the attempt in effect and writes it again under the new attempt's number, so that it counts
/// whatever becomes of either. Must be called before the marker is written. Without the steps the iteration begins anew.
pub async fn adopt(log: &dyn Log, writer: &RunWriter, in_effect: u32, iteration: u64) -> Adopted {
    let found = patiently(|| find_step(log, writer.topic(), in_effect, iteration)).await;
    let FoundStep { step, reports, end } = match found {
        Ok(found) => found,
        Err(error) => return Adopted::without(format!("the steps cannot be read: {error}")),
    };
    let mut adopted = Adopted {
        reports: reports
            .into_iter()
            .map(|report| {
                format!(
                    "in {}, position {}: {}",
                    report.topic, report.position.0, report.reason
                )
            })
            .collect(),
        stale: end,
        end,
        ..Adopted::default()
    };
    let Some(step) = step else { return adopted };
    if step.handed >= MOST_HANDED {
        adopted.reports.push(format!(
            "iteration {iteration} begins anew: {MOST_HANDED} attempts began at its last step and none got further"
        ));
        return adopted;
    }
    match hand_over(log, writer, &step).await {
        Ok(positions) => Adopted {
            state: Some(step.state),
            stale: positions.first().copied(),
            end: positions.last().map(|last| last.next()),
            iteration,
            ..adopted
        },
        Err(error) => Adopted::without(format!("the last step cannot be taken over: {error}")),
    }
}

async fn hand_over(log: &dyn Log, writer: &RunWriter, step: &Step) -> Result<Vec<Position>, LogError> {
    let topic = writer.topic().steps();
    let messages = writer.step(step.iteration, 0, step.handed + 1, &step.state);
    patiently(|| log.append(&topic, messages.clone())).await
}

impl Adopted {
    fn without(report: String) -> Self {
        tracing::warn!(report, "the iteration begins anew");
        Self {
            reports: vec![format!("{report}; the iteration begins anew")],
            ..Self::default()
        }
    }
}

/// Where the newest step is laid down.
pub struct StepDesk {
    newest: watch::Sender<Option<Offered>>,
    begun: Instant,
}

#[derive(Clone)]
struct Offered {
    iteration: u64,
    state: Arc<str>,
    /// When the iteration began.
    begun: Instant,
}

impl StepDesk {
    pub fn offer(&self, iteration: u64, state: String) {
        self.newest.send_replace(Some(Offered {
            iteration,
            state: state.into(),
            begun: self.begun,
        }));
    }

    pub fn begin_iteration(&mut self) {
        self.begun = Instant::now();
    }
}

/// What the keeper looks at.
pub struct Rest {
    pub right: Right,
    pub published: watch::Receiver<Published>,
    pub ear: Ear,
}

/// The task that writes them.
pub struct StepKeeper(JoinHandle<()>);

impl StepKeeper {
    pub fn start(
        log: Arc<dyn Log>,
        writer: RunWriter,
        interval: Option<f64>,
        adopted: Adopted,
        rest: Rest,
    ) -> (StepDesk, Self) {
        let (newest, inbox) = watch::channel(None);
        let now = Instant::now();
        let keeper = Keeper {
            log,
            writer,
            interval: interval
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .unwrap_or(INTERVAL),
            rest,
            next: now,
            number: 0,
            is_made: adopted.stale.is_some(),
            kept: adopted
                .stale
                .filter(|_| adopted.iteration > 0)
                .into_iter()
                .collect(),
            iteration: adopted.iteration,
            trim: adopted.stale,
            end: adopted.end,
            trouble: None,
        };
        let desk = StepDesk { newest, begun: now };
        (desk, Self(tokio::spawn(keeper.keep(inbox))))
    }

    /// Waits until the last step is kept or cleared away. Its desk must be dropped, and the publisher have ended.
    pub async fn finish(mut self, patience: Duration) {
        if tokio::time::timeout(patience, &mut self.0).await.is_err() {
            self.0.abort();
        }
    }
}

struct Keeper {
    log: Arc<dyn Log>,
    writer: RunWriter,
    interval: Duration,
    rest: Rest,
    /// When the next step may be written.
    next: Instant,
    number: u64,
    is_made: bool,
    /// Where the steps that were written begin.
    kept: VecDeque<Position>,
    /// The iteration of the newest of them; 0: none is left.
    iteration: u64,
    /// What stands before it shall be forgotten.
    trim: Option<Position>,
    /// Behind the newest step.
    end: Option<Position>,
    /// Why steps cannot be kept, told once.
    trouble: Option<String>,
}

impl Keeper {
    async fn keep(mut self, mut inbox: watch::Receiver<Option<Offered>>) {
        let mut waiting: Option<Offered> = None;
        loop {
            let may = waiting
                .as_ref()
                .map(|step| self.next.max(step.begun + self.interval));
            let mut until = self.rest.right.until.clone();
            until.mark_unchanged();
            let sure = self.rest.right.is_sure();
            tokio::select! {
                news = inbox.changed() => match news {
                    Ok(()) => waiting = inbox.borrow_and_update().clone(),
                    Err(_) => break,
                },
                Ok(()) = self.rest.published.changed() => {}
                // A new promise that the run is ours.
                Ok(()) = until.changed(), if self.trim.is_some() && !sure => {}
                () = sleep_until(may) => {
                    if let Some(step) = waiting.take() {
                        // What is offered meanwhile is newer.
                        if let Err(step) = self.write(step).await {
                            waiting = Some(step);
                        }
                    }
                }
            }
            let done = self.rest.published.borrow_and_update().iteration;
            waiting = waiting.filter(|step| step.iteration > done);
            self.tidy_up(done).await;
        }
        // The last record may still be on its way; when nobody publishes any more, it is in the log or never will be.
        while self.rest.published.changed().await.is_ok() {}
        let done = self.rest.published.borrow().iteration;
        let lost = *self.rest.right.hold.borrow() == Hold::Lost;
        if let Some(step) = waiting.filter(|step| step.iteration > done && !lost) {
            // Nobody goes on with this attempt, so an error is nobody's business.
            let _ = self.write(step).await;
        }
        self.tidy_up(done).await;
    }

    /// The step comes back if it is worth another try.
    async fn write(&mut self, step: Offered) -> Result<(), Offered> {
        let topic = self.writer.topic().steps();
        let messages = self.writer.step(step.iteration, self.number + 1, 0, &step.state);
        let written = async {
            if !self.is_made {
                self.log.create(&topic).await?;
            }
            self.log.append(&topic, messages).await
        };
        let written = written.await;
        let pause = Duration::from_secs_f64(step.state.len() as f64 / BYTES_PER_SECOND);
        self.next = Instant::now() + self.interval.max(pause);
        match written {
            Ok(positions) => {
                self.number += 1;
                self.is_made = true;
                self.iteration = step.iteration;
                self.kept.extend(positions.first());
                self.end = positions.last().map(|last| last.next());
                self.trouble = None;
                Ok(())
            }
            Err(error) => {
                self.is_made &= !matches!(error, LogError::UnknownTopic(..));
                self.next = self.next.max(Instant::now() + PAUSE);
                let again = error.is_passing();
                self.complain(error.to_string());
                if again { Err(step) } else { Ok(()) }
            }
        }
    }

    /// Forgets what is of no use any more: all steps of a completed iteration, and of the current one the older ones.
    async fn tidy_up(&mut self, done: u64) {
        if self.iteration > 0 && self.iteration <= done {
            (self.iteration, self.trim) = (0, self.end);
            self.kept.clear();
        } else if self.kept.len() > MOST_KEPT {
            self.kept.drain(..self.kept.len() - ALWAYS_KEPT);
            self.trim = self.kept.front().copied();
        }
        // A zombie would take away the steps of the attempt after it.
        if let Some(before) = self.trim.take_if(|_| self.rest.right.is_sure())
            && let Err(error) = self.log.trim(&self.writer.topic().steps(), before).await
        {
            tracing::debug!(%error, "old steps stay; they do not count");
        }
    }

    fn complain(&mut self, reason: String) {
        if self.trouble.as_ref() != Some(&reason) {
            tracing::warn!(reason, "a step cannot be kept; the solver runs on");
            self.rest
                .ear
                .output()
                .remark(&format!("a step cannot be kept: {reason}"));
            self.trouble = Some(reason);
        }
    }
}

async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use kymo_runlog::{Message, RunWriter};

    use super::super::output::{Bounds, Output};
    use super::*;
    use crate::testing::{self, FickleLog};

    /// A keeper, and the world that it looks at.
    struct House {
        log: Arc<FickleLog>,
        writer: RunWriter,
        desk: StepDesk,
        keeper: StepKeeper,
        published: watch::Sender<Published>,
        hold: watch::Sender<Hold>,
        until: watch::Sender<Instant>,
        ear: Ear,
        _folder: tempfile::TempDir,
    }

    fn house(log: Arc<FickleLog>, attempt: u32, interval: f64, adopted: Adopted) -> House {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = RunWriter::new(testing::job("count", attempt).run, attempt, "1");
        let ear = Ear::new(
            Output::new(&folder.path().join("output.log"), Bounds::default()),
            4,
        );
        let published = watch::Sender::new(Published {
            iteration: 4,
            ..Published::default()
        });
        let hold = watch::Sender::new(Hold::Held);
        let until = watch::Sender::new(Instant::now() + Duration::from_secs(3600));
        let rest = Rest {
            right: Right {
                hold: hold.subscribe(),
                until: until.subscribe(),
            },
            published: published.subscribe(),
            ear: ear.clone(),
        };
        let (desk, keeper) = StepKeeper::start(log.clone(), writer.clone(), Some(interval), adopted, rest);
        House {
            log,
            writer,
            desk,
            keeper,
            published,
            hold,
            until,
            ear,
            _folder: folder,
        }
    }

    impl House {
        fn count(&self) -> usize {
            self.log.count(&self.writer.topic().steps())
        }

        async fn until(&self, what: &str, fact: impl Fn(&Self) -> bool) {
            let deadline = Instant::now() + Duration::from_secs(60);
            while !fact(self) {
                assert!(Instant::now() < deadline, "waited in vain: {what}");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }

        fn reaches(&self, iteration: u64) {
            self.published
                .send_modify(|published| published.iteration = iteration);
        }

        async fn finish(self) {
            drop((self.desk, self.published));
            self.keeper.finish(Duration::from_secs(60)).await;
        }
    }

    async fn find(log: &FickleLog, writer: &RunWriter, iteration: u64) -> Option<String> {
        let found = find_step(log, writer.topic(), writer.attempt(), iteration).await;
        found.expect("readable").step.map(|step| step.state)
    }

    #[tokio::test]
    async fn of_a_flood_a_few_are_written_and_the_newest_is_found() {
        let house = house(FickleLog::new(), 1, 0.2, Adopted::default());
        let begun = Instant::now();
        for i in 0..2000 {
            house.desk.offer(5, format!("{i}"));
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        let intervals = begun.elapsed().as_secs_f64() / 0.2;
        let (log, writer) = (house.log.clone(), house.writer.clone());
        house.finish().await;
        let written = log.count(&writer.topic().steps());
        assert!(
            written >= 1 && written as f64 <= intervals + 2.0,
            "{written} in {intervals} intervals"
        );
        assert_eq!(find(&log, &writer, 5).await.as_deref(), Some("1999"));
    }

    #[tokio::test]
    async fn short_iterations_write_no_steps() {
        let mut house = house(FickleLog::new(), 1, 3600.0, Adopted::default());
        for iteration in 5..100 {
            house.desk.offer(iteration, "inside".to_owned());
            tokio::task::yield_now().await;
            house.desk.begin_iteration();
            house.reaches(iteration);
        }
        let (log, writer) = (house.log.clone(), house.writer.clone());
        house.finish().await;
        assert_eq!(log.count(&writer.topic().steps()), 0);
    }

    #[tokio::test]
    async fn steps_are_cleared_when_their_iteration_is_in_the_log_and_not_before() {
        let mut house = house(FickleLog::new(), 1, 0.01, Adopted::default());
        house.desk.offer(5, "five".to_owned());
        house.until("the step of 5", |house| house.count() == 1).await;
        // The record is printed, but the log has not acknowledged it yet.
        house.desk.begin_iteration();
        house.desk.offer(6, "six".to_owned());
        house.until("the step of 6", |house| house.count() == 2).await;
        assert_eq!(find(&house.log, &house.writer, 5).await.as_deref(), Some("five"));
        house.reaches(6);
        house.until("nothing is left", |house| house.count() == 0).await;
        house.finish().await;
    }

    #[tokio::test]
    async fn a_long_iteration_keeps_its_newest_steps_only() {
        let house = house(FickleLog::new(), 1, 0.001, Adopted::default());
        for i in 0..100 {
            let end = house.log.end(&house.writer.topic().steps()).await.expect("end");
            house.desk.offer(5, format!("{i}"));
            while house.log.end(&house.writer.topic().steps()).await.expect("end") == end {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            assert!(house.count() <= MOST_KEPT + 1);
        }
        assert_eq!(find(&house.log, &house.writer, 5).await.as_deref(), Some("99"));
        house.finish().await;
    }

    #[tokio::test]
    async fn a_log_that_is_away_gets_the_newest_step_when_it_is_back() {
        let house = house(FickleLog::new(), 1, 0.01, Adopted::default());
        house.log.go_away();
        for i in 0..100_000 {
            house.desk.offer(5, format!("{i}"));
        }
        let said = |house: &House| {
            house
                .ear
                .output()
                .remarks()
                .iter()
                .any(|line| line.contains("gone fishing"))
        };
        house.until("it is said", said).await;
        house.log.come_back();
        house.until("a step", |house| house.count() == 1).await;
        assert_eq!(find(&house.log, &house.writer, 5).await.as_deref(), Some("99999"));
        house.finish().await;
    }

    #[tokio::test]
    async fn a_zombie_takes_nothing_away_from_the_attempt_after_it() {
        let zombie = house(FickleLog::new(), 1, 0.001, Adopted::default());
        let topic = zombie.writer.topic().steps();
        zombie.desk.offer(5, "the zombie's".to_owned());
        zombie.until("a step", |house| house.count() == 1).await;
        // Frozen until its lease is over: it has not heard of anything yet.
        zombie.until.send_replace(Instant::now());
        let writer = RunWriter::new(testing::job("count", 2).run, 2, "1");
        let adopted = adopt(&*zombie.log, &writer, 1, 5).await;
        assert_eq!(adopted.state.as_deref(), Some("the zombie's"));
        for i in 0..20 {
            let end = zombie.log.end(&topic).await.expect("end");
            zombie.desk.offer(5, format!("zombie {i}"));
            while zombie.log.end(&topic).await.expect("end") == end {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        zombie.reaches(5);
        zombie.hold.send_replace(Hold::Unsure);
        let log = zombie.log.clone();
        zombie.finish().await;
        assert_eq!(log.count(&topic), 22, "everything is still there");
        assert_eq!(find(&log, &writer, 5).await.as_deref(), Some("the zombie's"));
        // The attempt that has the run tidies up.
        let heir = house(log.clone(), 2, 0.01, adopted);
        let end = log.end(&topic).await.expect("end");
        heir.desk.offer(5, "the heir's".to_owned());
        while log.end(&topic).await.expect("end") == end {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        heir.until("the zombie's first step is gone", |house| house.count() == 22)
            .await;
        assert_eq!(find(&log, &writer, 5).await.as_deref(), Some("the heir's"));
        heir.reaches(5);
        heir.until("nothing is left", |house| house.count() == 0).await;
        heir.finish().await;
    }

    #[tokio::test]
    async fn a_step_that_was_taken_over_is_cleared_with_its_iteration() {
        let log = FickleLog::new();
        let writer = |attempt| RunWriter::new(testing::job("count", attempt).run, attempt, "1");
        let steps = writer(1).topic().steps();
        log.create(&steps).await.expect("create");
        log.append(&steps, writer(1).step(5, 1, 0, "x"))
            .await
            .expect("append");
        let adopted = adopt(&*log, &writer(2), 1, 5).await;
        let house = house(log, 2, 3600.0, adopted);
        house.reaches(5);
        house.until("nothing is left", |house| house.count() == 0).await;
        house.finish().await;
    }

    #[tokio::test]
    async fn a_step_is_taken_over_until_it_has_failed_three_attempts() {
        let log = FickleLog::new();
        let writer = |attempt| RunWriter::new(testing::job("count", attempt).run, attempt, "1");
        let steps = writer(1).topic().steps();
        log.create(&steps).await.expect("create");
        log.append(&steps, writer(1).step(5, 1, 0, "deadly"))
            .await
            .expect("append");
        for attempt in 2..=4 {
            let adopted = adopt(&*log, &writer(attempt), attempt - 1, 5).await;
            assert_eq!(adopted.state.as_deref(), Some("deadly"), "attempt {attempt}");
        }
        let adopted = adopt(&*log, &writer(5), 4, 5).await;
        assert_eq!(adopted.state, None);
        assert!(
            adopted.reports[0].contains("none got further"),
            "{:?}",
            adopted.reports
        );
        // One of them did get further.
        log.append(&steps, writer(4).step(5, 1, 0, "further"))
            .await
            .expect("append");
        assert_eq!(
            adopt(&*log, &writer(5), 4, 5).await.state.as_deref(),
            Some("further")
        );
    }

    #[tokio::test]
    async fn what_does_not_count_is_reported_and_costs_the_iteration_only() {
        let log = FickleLog::new();
        let writer = |attempt| RunWriter::new(testing::job("count", attempt).run, attempt, "1");
        let steps = writer(1).topic().steps();
        log.create(&steps).await.expect("create");
        let mut broken = writer(1).step(5, 1, 0, "x");
        broken[0].payload.push(b'!');
        let garbage = Message {
            payload: b"garbage".to_vec(),
            ..Message::default()
        };
        let stale = writer(1).step(4, 9, 0, "stale");
        log.append(&steps, [stale, broken, vec![garbage]].concat())
            .await
            .expect("append");
        let adopted = adopt(&*log, &writer(2), 1, 5).await;
        assert_eq!(adopted.state, None);
        let [broken, garbage] = &adopted.reports[..] else {
            panic!("{:?}", adopted.reports)
        };
        assert!(
            broken.starts_with("in count.steps, position 1: its checksum"),
            "{broken}"
        );
        assert!(
            garbage.starts_with("in count.steps, position 2: it is no record"),
            "{garbage}"
        );
    }
}
