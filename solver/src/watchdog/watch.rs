//! Watching a running solver: stop orders, the lease, silence, a log in trouble, until it ends.

use std::time::Duration;

use kymo_runlog::event::RunEvent;
use kymo_runlog::order::When;
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::attempt::{Attempt, Company};
use super::child::Solver;
use super::herald::Herald;
use super::keep::Hold;
use super::listen::Audience;
use super::publisher::{Published, Trouble};
use super::silence::{News, Silence};
use super::stop::{Deed, Ending, Limits};
use super::verdict::{Cause, Exit, Verdict};

/// Patience with the current iteration of a solver that may be silent for ever.
const LONGEST_ITERATION: Duration = Duration::from_secs(3600);
/// A hiccup of the log that is shorter is nobody's business.
const TELL_TROUBLE_AFTER: Duration = Duration::from_secs(1);
/// Longer than it takes until records that wait as well have a reason to tell.
const CLAIM_PATIENCE: Duration = Duration::from_secs(20);

/// What is known about the running solver.
pub struct Watch<'a> {
    attempt: &'a Attempt<'a>,
    pub ending: Ending,
    limits: Limits,
    silence: Silence,
    silences: u32,
    silent: bool,
    trouble: LogTrouble,
    troubles: u32,
    frozen: bool,
    /// The iteration after which this attempt goes on.
    from: u64,
    /// The furthest iteration that was ever reached.
    beyond: u64,
    /// The incidents that end when the run gets further.
    incidents: Vec<String>,
}

/// What people know of the log's trouble.
#[derive(Clone, Debug, PartialEq)]
enum LogTrouble {
    None,
    Since(Instant, Trouble),
    Told,
}

impl<'a> Watch<'a> {
    pub fn new(attempt: &'a Attempt<'a>, from: u64) -> Self {
        let entry = &attempt.job.entry;
        let patience = entry
            .patience
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let limits = Limits {
            patience: patience.unwrap_or(LONGEST_ITERATION),
            grace: Duration::try_from_secs_f64(entry.grace).unwrap_or(Duration::from_secs(10)),
        };
        Self {
            attempt,
            ending: Ending::No,
            limits,
            silence: Silence::new(patience, Instant::now()),
            silences: 0,
            silent: false,
            trouble: LogTrouble::None,
            troubles: 0,
            frozen: false,
            from,
            beyond: from.max(attempt.job.furthest),
            incidents: attempt
                .job
                .incident
                .iter()
                .chain(&attempt.job.death)
                .cloned()
                .collect(),
        }
    }

    /// Returns when the solver has ended; it is not reaped yet.
    pub async fn until_exit(
        &mut self,
        solver: &Solver,
        deaths: &mut tokio::signal::unix::Signal,
        company: &mut Company,
        herald: &Herald,
    ) -> anyhow::Result<Exit> {
        let mut heard = company.ear.heard();
        let mut published = company.publisher.published.clone();
        let mut shutdown = false;
        loop {
            if let Some(exit) = solver.find_exit()? {
                return Ok(exit);
            }
            let now = Instant::now();
            tokio::select! {
                _ = deaths.recv() => {}
                () = self.attempt.stop.cancelled(), if !shutdown => {
                    shutdown = true;
                    self.ask(self.cause_of_shutdown(), When::Now, solver, &published);
                }
                Some((cause, when)) = company.causes.recv() => self.ask(cause, when, solver, &published),
                Ok(()) = company.hold.changed() => {
                    let hold = *company.hold.borrow_and_update();
                    self.follow_hold(hold, solver, &published);
                }
                Ok(()) = published.changed() => self.follow_log(&published.borrow_and_update().clone(), solver),
                Ok(()) = heard.changed(), if self.silent => {}
                () = tokio::time::sleep_until(self.next_check(now)) => {}
            }
            let now = Instant::now();
            let iteration = published.borrow().iteration;
            self.tell_trouble(now);
            self.follow_voice(*heard.borrow_and_update(), now, company, herald, iteration);
            let deed = self.ending.go_on(now, self.limits, iteration);
            self.act(deed, solver);
        }
    }

    fn ask(
        &mut self,
        cause: Cause,
        when: When,
        solver: &Solver,
        published: &tokio::sync::watch::Receiver<Published>,
    ) {
        tracing::info!(?cause, ?when, "the attempt shall end");
        let iteration = published.borrow().iteration;
        let deed = self
            .ending
            .ask(cause, when, Instant::now(), self.limits, iteration);
        self.act(deed, solver);
    }

    /// In a terminal Ctrl-C is a person's order, otherwise the run stays wanted.
    fn cause_of_shutdown(&self) -> Cause {
        match self.attempt.audience {
            Audience::Nobody => Cause::Shutdown,
            Audience::Passing | Audience::Progress(_) => Cause::Order {
                by: self.attempt.job.by.clone(),
            },
        }
    }

    fn act(&mut self, deed: Deed, solver: &Solver) {
        match deed {
            Deed::Nothing => {}
            Deed::Send(Signal::SIGTERM) => {
                solver.signal(self.attempt.config.farewell.signal());
                if self.frozen {
                    solver.signal(Signal::SIGCONT);
                }
            }
            Deed::Send(signal) => solver.signal(signal),
        }
    }

    /// A host that cannot renew its claim stops its solver: frozen it does no harm, and goes on if the claim is still ours.
    fn follow_hold(
        &mut self,
        hold: Hold,
        solver: &Solver,
        published: &tokio::sync::watch::Receiver<Published>,
    ) {
        match hold {
            Hold::Held if self.frozen => {
                tracing::info!("the claim is renewed, the solver goes on");
                self.frozen = false;
                solver.signal(Signal::SIGCONT);
            }
            Hold::Unsure if !self.frozen => {
                tracing::warn!(
                    "the claim cannot be renewed; the solver is paused until it is known who has the run"
                );
                self.frozen = true;
                solver.signal(Signal::SIGSTOP);
            }
            Hold::Held | Hold::Unsure => {}
            Hold::Lost => self.ask(Cause::LeaseLost, When::Now, solver, published),
        }
        self.follow_troubles(published.borrow().trouble.clone());
    }

    fn follow_log(&mut self, published: &Published, solver: &Solver) {
        if let Some(cause) = &published.refused {
            let deed = self.ending.ask(
                cause.clone(),
                When::Now,
                Instant::now(),
                self.limits,
                published.iteration,
            );
            self.act(deed, solver);
        }
        if published.iteration > self.beyond {
            for key in std::mem::take(&mut self.incidents) {
                self.attempt
                    .courier
                    .send(self.attempt.speaker().recovered(&key, self.from));
            }
        }
        self.follow_troubles(published.trouble.clone());
    }

    /// The log does not take records, or not the claim.
    pub fn follow_troubles(&mut self, publishing: Option<Trouble>) {
        let now = Instant::now();
        match publishing {
            Some(trouble) => self.follow_trouble(Some(&trouble), now),
            None if self.frozen => {
                let reason = "The claim on the run cannot be renewed, so its solver is paused";
                // Records that wait as well will soon tell more.
                self.follow_trouble(Some(&Trouble::Away(reason.into())), now + CLAIM_PATIENCE);
            }
            None => self.follow_trouble(None, now),
        }
    }

    /// Until it is dropped: the log may be in trouble while the last records of a solver that has ended wait for it.
    pub async fn tell_trouble_meanwhile(&mut self, mut published: tokio::sync::watch::Receiver<Published>) {
        loop {
            let trouble = published.borrow_and_update().trouble.clone();
            self.follow_troubles(trouble);
            self.tell_trouble(Instant::now());
            tokio::select! {
                Ok(()) = published.changed() => {}
                () = tokio::time::sleep(TELL_TROUBLE_AFTER) => {}
            }
        }
    }

    fn follow_trouble(&mut self, trouble: Option<&Trouble>, since: Instant) {
        match (trouble, &self.trouble) {
            (Some(trouble), LogTrouble::None) => self.trouble = LogTrouble::Since(since, trouble.clone()),
            (Some(trouble), LogTrouble::Since(at, _)) => {
                self.trouble = LogTrouble::Since(since.min(*at), trouble.clone());
            }
            (None, LogTrouble::Since(..)) => self.trouble = LogTrouble::None,
            (None, LogTrouble::Told) => {
                self.trouble = LogTrouble::None;
                self.attempt
                    .courier
                    .send(self.attempt.speaker().log_is_back(self.troubles));
            }
            (Some(_), LogTrouble::Told) | (None, LogTrouble::None) => {}
        }
    }

    fn tell_trouble(&mut self, now: Instant) {
        if let LogTrouble::Since(since, trouble) = &self.trouble
            && now.saturating_duration_since(*since) >= TELL_TROUBLE_AFTER
        {
            self.troubles += 1;
            let log = self.attempt.log.describe();
            self.attempt
                .courier
                .send(self.attempt.speaker().log_trouble(self.troubles, trouble, &log));
            self.trouble = LogTrouble::Told;
        }
    }

    fn follow_voice(
        &mut self,
        heard: Instant,
        now: Instant,
        company: &Company,
        herald: &Herald,
        iteration: u64,
    ) {
        let speaker = self.attempt.speaker();
        match self
            .silence
            .hear(heard)
            .or_else(|| self.silence.check(now, company.ear.is_waiting() || self.frozen))
        {
            Some(News::Silent { seconds }) => {
                self.silent = true;
                self.silences += 1;
                herald.announce(iteration, RunEvent::Silent { seconds });
                let last_lines = company.ear.output().last_lines();
                self.attempt
                    .courier
                    .send(speaker.silent(self.silences, seconds, iteration, last_lines));
            }
            Some(News::Heard) => {
                self.silent = false;
                herald.announce(iteration, RunEvent::Heard);
                self.attempt.courier.send(speaker.heard(self.silences));
            }
            None => {}
        }
    }

    fn next_check(&self, now: Instant) -> Instant {
        let mut next = self.silence.next_check(now);
        if let Some(at) = self.ending.next_check() {
            next = next.min(at);
        }
        if let LogTrouble::Since(since, _) = &self.trouble {
            next = next.min(*since + TELL_TROUBLE_AFTER);
        }
        next
    }

    /// What was open while the solver ran is over with it; a failure is an incident of its own.
    pub fn close_incidents(&mut self, verdict: &Verdict) {
        let speaker = self.attempt.speaker();
        if self.silent {
            self.attempt
                .courier
                .send(speaker.ended_after_silence(self.silences));
        }
        if self.trouble == LogTrouble::Told {
            self.attempt.courier.send(speaker.log_is_back(self.troubles));
        }
        for key in std::mem::take(&mut self.incidents) {
            match verdict {
                Verdict::Stopped { by } => self.attempt.courier.send(speaker.stopped(&key, by)),
                Verdict::Finished => self.attempt.courier.send(speaker.recovered(&key, self.from)),
                Verdict::Failed { .. } | Verdict::LeftWanted | Verdict::Lost => {}
            }
        }
    }
}
