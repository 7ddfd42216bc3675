//! Where an ordered run may be: labels that hosts have, and whether it would find room.

use chrono::{DateTime, Utc};
use kymo_runlog::host::check_label;
use kymo_runlog::order::{Order, OrderRecord};
use kymo_runlog::{Position, RunId};
use tokio::time::Instant;
use uuid::Uuid;

use crate::follow::{State, Waiting};

/// A label that some host has which was heard of; one that is away may come back.
pub(super) fn check(state: &State, label: &str) -> Result<(), String> {
    check_label(label)?;
    let hosts: Vec<_> = state
        .pool
        .hosts(Instant::now())
        .map(|(heard, _)| &heard.record)
        .collect();
    if hosts.iter().any(|host| host.has_label(label)) {
        return Ok(());
    }
    let mut labels: Vec<&str> = hosts
        .iter()
        .flat_map(|host| host.labels.iter().chain([&host.host]))
        .map(String::as_str)
        .collect();
    labels.sort_unstable();
    labels.dedup();
    let remedy = match (kymo_runlog::nearest(label, &labels), labels.is_empty()) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, false) => format!("there are {}", labels.join(", ")),
        (None, true) => "no host was heard of yet; start one with kymo initiator".to_owned(),
    };
    Err(format!(
        "no host has the label {}; {remedy}",
        kymo_runlog::shown(label)
    ))
}

/// Whether the run would wait for room if it were ordered now.
pub(super) fn would_wait(state: &State, run: &RunId, on: &[String], at: DateTime<Utc>) -> Option<Waiting> {
    let topic = run.topic();
    let order = OrderRecord {
        id: Uuid::nil(),
        at,
        by: String::new(),
        order: Order::Start {
            run: run.clone(),
            topic: topic.clone(),
            fresh: false,
            pace: None,
            on: on.to_vec(),
        },
    };
    let mut then = state.clone();
    // The log's clock may differ from ours; last in the queue it is anyway.
    let newest = then.runs.listed().iter().map(|run| run.at).max();
    let last = newest.map_or(at, |newest| newest.max(at));
    then.runs.order(&order, last, Position(i64::MAX));
    then.waiting(&topic, at).filter(|waiting| waiting.place.is_some())
}

#[cfg(test)]
mod tests {
    use kymo_runlog::host::{Capacity, HostRecord, Memory, Taken};

    use super::*;
    use crate::follow::runs::tests::{run_id, second, start};
    use crate::follow::solvers::tests::solvers;

    fn state(runs: u32) -> State {
        let mut state = State {
            solvers: solvers(),
            ..State::default()
        };
        let host = HostRecord {
            host: "lab".to_owned(),
            life: Uuid::nil(),
            at: second(0),
            labels: vec!["gpu".to_owned()],
            capacity: Capacity {
                runs: Some(runs),
                cores: 4,
                memory: Memory(8 << 30),
            },
            taken: Taken::default(),
            left: false,
        };
        state.pool.hear(host, Instant::now());
        state
    }

    #[test]
    fn a_label_that_no_host_has_is_refused_with_those_that_there_are() {
        let told = |state: &State, label| check(state, label).err().unwrap_or_default();
        assert_eq!(told(&state(1), "gpu"), "");
        assert_eq!(told(&state(1), "lab"), "", "a host's name is one");
        assert_eq!(
            told(&state(1), "gpuu"),
            "no host has the label \"gpuu\"; did you mean gpu?"
        );
        assert_eq!(
            told(&state(1), "quantum"),
            "no host has the label \"quantum\"; there are gpu, lab"
        );
        assert!(told(&State::default(), "gpu").contains("kymo initiator"));
        assert!(told(&state(1), "a b").contains("is no label"));
    }

    #[test]
    fn whoever_orders_hears_the_place_at_once() {
        let would = |state: &State| {
            let waiting = would_wait(state, &run_id(4.0), &[], second(9));
            waiting.map(|waiting| waiting.words())
        };
        assert_eq!(would(&state(1)), None);
        let mut full = state(0);
        full.runs
            .order(&start(&run_id(9.0)), second(1), kymo_runlog::Position(1));
        let words = "queued, 2nd of 2: no host can take it: lab takes no runs".to_owned();
        assert_eq!(would(&full), Some(words));
        assert_eq!(full.runs.listed().len(), 1, "it is only a thought");
    }
}
