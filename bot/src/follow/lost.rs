//! A lost run: its watchdog renews its lease no more and never said how it ended. Nobody else can tell people.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use kymo_door::{Alert, AlertState, Severity};
use kymo_runlog::{Phase, ShortId, Topic};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Run;

/// The runs that people were told to be lost, with the alert that told it.
#[derive(Default)]
pub struct Lost(Mutex<HashMap<Topic, Alert>>);

impl Lost {
    /// What is to be told, now that the run stands like this.
    pub fn news(&self, run: &Run, name: &str, now: DateTime<Utc>) -> Option<Alert> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &run.phase {
            Phase::Lost { since } => {
                let alert = lost(run, name, *since, now);
                told.insert(run.topic.clone(), alert.clone());
                Some(alert)
            }
            Phase::Queued
            | Phase::Running
            | Phase::Silent { .. }
            | Phase::Restarting { .. }
            | Phase::Stopping { .. }
            | Phase::Stopped { .. }
            | Phase::Finished
            | Phase::Failed { .. }
            | Phase::Refused { .. } => {
                let open = told.remove(&run.topic)?;
                Some(Alert {
                    id: id(&open.key, "over"),
                    state: AlertState::Resolved,
                    title: format!("{name} is heard of again"),
                    text: String::new(),
                    at: now,
                    ..open
                })
            }
        }
    }
}

fn lost(run: &Run, name: &str, since: DateTime<Utc>, now: DateTime<Utc>) -> Alert {
    let host = run.host.as_deref().unwrap_or("its machine");
    // The same loss is the same alert, also when the bot starts again.
    let key = format!("{}/{}/lost/{}", run.topic, run.attempt, since.timestamp());
    let next = match run.wanted {
        true => "It goes on by itself as soon as another host has room for it; /runs tells its place.",
        false => "Press Start to go on on a machine that knows the solver, or start it again where it ran.",
    };
    Alert {
        id: id(&key, "open"),
        key,
        topic: Some(run.topic.clone()),
        state: AlertState::Open,
        severity: Severity::Critical,
        title: format!(
            "{name} ({}) is lost: nothing is heard of it",
            ShortId::of(&run.topic)
        ),
        text: format!(
            "{host} had it, was last heard at {} UTC and did not say how it ended: that machine, or what watched the \
             run there, is gone. What the log took is kept. {next}",
            since.format("%H:%M:%S")
        ),
        last_lines: Vec::new(),
        at: now,
        host: host.to_owned(),
    }
}

fn id(key: &str, what: &str) -> Uuid {
    let hash = Sha256::digest(format!("{key}/{what}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use kymo_runlog::event::RunEvent;
    use kymo_runlog::{Position, claim};

    use super::*;
    use crate::follow::Runs;
    use crate::follow::runs::tests::{event, run_id, second};

    #[test]
    fn a_loss_is_one_incident_that_ends_when_the_run_is_heard_of() {
        let (mut runs, lost, id) = (Runs::default(), Lost::default(), run_id(4.0));
        let ours = claim::claim(&id.topic(), 1, "lab", Uuid::nil(), second(0), false);
        runs.claim(&ours, second(0), Position(0), second(0));
        runs.event(&event(&id, 1, 7, RunEvent::Started { pid: 1 }), second(1));
        let news =
            |runs: &Runs, s| lost.news(runs.find(&id.topic()).expect("known"), "airy eps=4", second(s));
        assert_eq!(news(&runs, 2), None);
        runs.look(second(75));
        let open = news(&runs, 75).expect("it is told");
        insta::assert_snapshot!(format!("{}\n{}", open.title, open.text), @"
        airy eps=4 (qsry0w21) is lost: nothing is heard of it
        lab had it, was last heard at 08:00:00 UTC and did not say how it ended: that machine, or what watched the run there, is gone. What the log took is kept. Press Start to go on on a machine that knows the solver, or start it again where it ran.
        ");
        let again = Lost::default().news(runs.find(&id.topic()).expect("known"), "airy eps=4", second(90));
        assert_eq!(again.map(|alert| alert.id), Some(open.id), "by the next bot, too");
        runs.claim(&ours, second(91), Position(1), second(91));
        let over = news(&runs, 91).expect("it is told");
        assert_eq!((over.key, over.state), (open.key, AlertState::Resolved));
        assert_eq!(news(&runs, 92), None);
    }
}
