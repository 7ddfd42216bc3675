//! The words of a watchdog's alerts. One incident has one key, so that its end edits the message of its beginning.

use chrono::Utc;
use kymo_door::{Alert, AlertState, Severity};
use kymo_runlog::{RunId, ShortId, Topic};
use uuid::Uuid;

use super::publisher::Trouble;
use crate::folder::Job;

/// Who speaks: one attempt of a run on one host.
#[derive(Clone, Copy, Debug)]
pub struct Speaker<'a> {
    pub run: &'a RunId,
    pub topic: &'a Topic,
    pub attempt: u32,
    pub host: &'a str,
}

impl<'a> Speaker<'a> {
    pub fn of(job: &'a Job) -> Self {
        Self {
            run: &job.run,
            topic: &job.topic,
            attempt: job.attempt,
            host: &job.host,
        }
    }

    /// The solver ended badly. Later failures in the same row belong to the same incident.
    pub fn failed(
        &self,
        key: String,
        reason: &str,
        iteration: u64,
        again_in: Option<std::time::Duration>,
        last_lines: Vec<String>,
    ) -> Alert {
        let saved = match iteration {
            0 => "No iteration was completed.".to_owned(),
            1 => "Iteration 1 is saved.".to_owned(),
            last => format!("Iterations 1 to {last} are saved."),
        };
        let next = match again_in {
            Some(pause) if iteration == 0 => format!("It starts again in {}.", seconds(pause.as_secs_f64())),
            Some(pause) => format!("It goes on from there in {}.", seconds(pause.as_secs_f64())),
            None => "It is not started again by itself; press Start to go on.".to_owned(),
        };
        let title = format!("{} failed: {reason}", self.name());
        Alert {
            last_lines,
            ..self.alert(key, Severity::Critical, title, format!("{saved} {next}"))
        }
    }

    /// The incident of the attempts before this one is over.
    pub fn recovered(&self, key: &str, from: u64) -> Alert {
        let title = format!("{} recovered", self.name());
        let text = match from {
            0 => format!("Attempt {} begins anew.", self.attempt),
            from => format!("Attempt {} goes on after iteration {from}.", self.attempt),
        };
        self.resolved(key.to_owned(), title, text)
    }

    /// A person has ended what went wrong.
    pub fn stopped(&self, key: &str, by: &str) -> Alert {
        let title = format!("{} was stopped by {by}", self.name());
        self.resolved(key.to_owned(), title, String::new())
    }

    pub fn silent(&self, number: u32, silent: f64, iteration: u64, last_lines: Vec<String>) -> Alert {
        let title = format!("{} is silent: nothing heard for {}", self.name(), seconds(silent));
        let text = format!("Its last iteration is {iteration}. It still runs; stop it if it hangs.");
        Alert {
            last_lines,
            ..self.alert(self.key("silent", number), Severity::Warning, title, text)
        }
    }

    pub fn heard(&self, number: u32) -> Alert {
        let title = format!("{} is heard again", self.name());
        self.resolved(self.key("silent", number), title, String::new())
    }

    pub fn ended_after_silence(&self, number: u32) -> Alert {
        let title = format!("{} has ended after its silence", self.name());
        self.resolved(self.key("silent", number), title, String::new())
    }

    /// Somebody deleted the topic of a run that was being computed.
    pub fn topic_deleted(&self, key: String, reason: &str) -> Alert {
        let title = format!("{} failed: {reason}", self.name());
        let text = "It is not started again by itself. Press Start to compute it anew; to have its results back, bring an \
                    export of them into the log first (kymo import).";
        self.alert(key, Severity::Critical, title, text.to_owned())
    }

    /// Retention, or somebody, has taken away what the topic began with.
    pub fn beginning_lost(&self, reason: &str) -> Alert {
        let title = format!("{} has lost its results", self.name());
        let text = format!(
            "Topic {}: {reason}. What is left cannot be used without it, so it starts again from iteration 1. To have the \
             results back, stop it and bring an export of them into the log (kymo import --replace).",
            self.topic
        );
        self.alert(self.key("beginning", 1), Severity::Warning, title, text)
    }

    /// The topic's settings may cost results. One incident, however often the run is started.
    pub fn topic_at_risk(&self, risks: &[String]) -> Alert {
        let title = format!("{} may lose results", self.name());
        let key = format!("{}/settings", self.topic);
        self.alert(key, Severity::Warning, title, risks.join("\n"))
    }

    /// The log does not take records.
    pub fn log_trouble(&self, number: u32, trouble: &Trouble, log: &str) -> Alert {
        let title = match trouble {
            Trouble::Full(_) => format!("{} waits: no space left for the {log}", self.name()),
            Trouble::Away(_) => format!("{} waits: the {log} cannot be reached", self.name()),
        };
        let text = match trouble {
            Trouble::Full(reason) => {
                format!("{reason}. Free some space; the run goes on by itself, nothing is lost.")
            }
            Trouble::Away(reason) => {
                format!("{reason}. The run goes on by itself when the log is back, nothing is lost.")
            }
        };
        self.alert(self.key("log", number), Severity::Warning, title, text)
    }

    pub fn log_is_back(&self, number: u32) -> Alert {
        let title = format!("{} goes on: the log takes records again", self.name());
        self.resolved(self.key("log", number), title, String::new())
    }

    /// The watchdog itself ended without a word; told by whoever notices.
    pub fn watchdog_died(&self, key: String, reason: &str) -> Alert {
        let title = format!("the watchdog of {} died", self.name());
        let text = format!("{reason} Its solver ended with it; both start again from the log.");
        self.alert(key, Severity::Warning, title, text)
    }

    /// Another host goes on with the run.
    pub fn taken_over(&self, key: String, last: &str) -> Alert {
        let title = format!("{} is taken over: nothing is heard of {last}", self.name());
        let text = format!(
            "It goes on from the log on {}. If {last} still runs, its solver was stopped because it could not renew its claim.",
            self.host
        );
        self.alert(key, Severity::Warning, title, text)
    }

    fn name(&self) -> String {
        format!("{} ({})", self.run.solver, ShortId::of(self.topic))
    }

    fn key(&self, what: &str, number: u32) -> String {
        format!("{}/{}/{what}/{number}", self.topic, self.attempt)
    }

    fn resolved(&self, key: String, title: String, text: String) -> Alert {
        Alert {
            state: AlertState::Resolved,
            ..self.alert(key, Severity::Info, title, text)
        }
    }

    fn alert(&self, key: String, severity: Severity, title: String, text: String) -> Alert {
        Alert {
            id: Uuid::now_v7(),
            key,
            topic: Some(self.topic.clone()),
            state: AlertState::Open,
            severity,
            title,
            text,
            last_lines: Vec::new(),
            at: Utc::now(),
            host: self.host.to_owned(),
        }
    }
}

/// The key of a row of failures that begins with this attempt.
pub fn new_incident(topic: &Topic, attempt: u32) -> String {
    format!("{topic}/{attempt}/failed")
}

/// The key of a watchdog's death, whoever notices it.
pub fn watchdog_incident(topic: &Topic, attempt: u32) -> String {
    format!("{topic}/{attempt}/watchdog")
}

fn seconds(value: f64) -> String {
    if value >= 120.0 {
        format!("{:.0} min", value / 60.0)
    } else if value >= 10.0 || value.fract() == 0.0 {
        format!("{value:.0} s")
    } else {
        format!("{value:.1} s")
    }
}
