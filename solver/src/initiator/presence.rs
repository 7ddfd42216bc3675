//! Saying that this host is there, what it has and how much of it is taken, every few seconds; and noticing from what
//! comes back whether its clock agrees with the log's.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kymo_door::{Alert, AlertState, Severity};
use kymo_runlog::host::{self, Capacity, HostRecord, Taken};
use kymo_runlog::{Log, Message};
use tokio::sync::watch;
use uuid::Uuid;

use super::crew::Crew;

/// Old presence is worth nothing; this often it is removed, in own words (every few hours).
const REMOVE_AFTER: u32 = 5000;
/// Clocks that differ by less are nobody's business.
const SKEW: TimeDelta = TimeDelta::seconds(5);

/// What changes from word to word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    taken: Taken,
    capacity: Capacity,
}

impl Room {
    pub fn of(crew: &dyn Crew) -> Self {
        Self {
            taken: crew.taken(),
            capacity: crew.capacity(),
        }
    }
}

/// Speaks until it is dropped: at once, when something changes, and regularly.
pub async fn speak(log: Arc<dyn Log>, record: HostRecord, mut room: watch::Receiver<Room>) {
    let topic = host::topic();
    let (mut said, mut refused) = (0, false);
    loop {
        if said % REMOVE_AFTER == 0 {
            // If it cannot be removed now, it stays a while.
            let _ = tokio::time::timeout(host::EVERY, log.clear(&topic)).await;
        }
        said += 1;
        let now = now_saying(&record, *room.borrow_and_update());
        let message = Message::json(&record.host, &now);
        // A log that hangs is no reason to say the same twice as often.
        match tokio::time::timeout(host::EVERY, log.append(&topic, vec![message])).await {
            Ok(Ok(_)) => refused = false,
            Ok(Err(error)) if error.is_passing() => {
                tracing::debug!(%error, "this host cannot say that it is there");
            }
            Ok(Err(error)) => {
                if !std::mem::replace(&mut refused, true) {
                    tracing::error!(%error, "this host cannot say that it is there, so that it takes over no runs");
                }
            }
            Err(_) => continue,
        }
        tokio::select! {
            () = tokio::time::sleep(host::EVERY) => {}
            Ok(()) = room.changed() => {}
        }
    }
}

/// The last word of an initiator that ends in good order.
pub async fn leave(log: &dyn Log, record: &HostRecord, room: Room) {
    let last = HostRecord {
        left: true,
        ..now_saying(record, room)
    };
    let message = Message::json(&record.host, &last);
    // Who does not hear it notices soon enough.
    let _ = tokio::time::timeout(Duration::from_secs(1), log.append(&host::topic(), vec![message])).await;
}

fn now_saying(record: &HostRecord, room: Room) -> HostRecord {
    HostRecord {
        at: Utc::now(),
        taken: room.taken,
        capacity: room.capacity,
        ..record.clone()
    }
}

/// Whether this host's clock and the log's agree.
#[derive(Default)]
pub struct Clock {
    told: bool,
    episode: u32,
}

impl Clock {
    /// Judges by our own words: sent at `sent` and back at `now` by our clock, taken at `logged` by the log's.
    pub fn compare(
        &mut self,
        host: &str,
        sent: DateTime<Utc>,
        logged: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<Alert> {
        let skew = skew(sent, logged, now);
        let wrong = skew.abs() > SKEW;
        if wrong == self.told {
            return None;
        }
        self.told = wrong;
        if wrong {
            self.episode += 1;
            tracing::warn!(host, "{}", words(host, skew));
        }
        Some(Alert {
            id: Uuid::now_v7(),
            key: format!("host/{host}/clock/{}", self.episode),
            topic: None,
            state: if wrong {
                AlertState::Open
            } else {
                AlertState::Resolved
            },
            severity: if wrong { Severity::Warning } else { Severity::Info },
            title: if wrong {
                words(host, skew)
            } else {
                format!("the clock of {host} agrees with the log's again")
            },
            text: if wrong { REMEDY.to_owned() } else { String::new() },
            last_lines: Vec::new(),
            at: now,
            host: host.to_owned(),
        })
    }
}

const REMEDY: &str = "No run is lost and none runs twice because of it, but times that people see are wrong. Let the clocks be set by NTP, on \
     this host and on the log's servers: `timedatectl set-ntp true`, then look at `timedatectl`.";

/// How far our clock is ahead of the log's, at least.
fn skew(sent: DateTime<Utc>, logged: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    if logged < sent {
        sent - logged
    } else if logged > now {
        now - logged
    } else {
        TimeDelta::zero()
    }
}

fn words(host: &str, skew: TimeDelta) -> String {
    let seconds = skew.abs().as_seconds_f64();
    let way = if skew > TimeDelta::zero() {
        "ahead of"
    } else {
        "behind"
    };
    format!("the clock of {host} is {seconds:.0} s {way} the log's")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    #[test]
    fn a_clock_that_is_wrong_is_told_once_and_so_is_its_cure() {
        let mut clock = Clock::default();
        let mut told = Vec::new();
        for (sent, logged, now) in [
            (0, 0, 0),
            (0, 4, 5),
            (0, 30, 60), // the log was slow, nobody's clock is wrong
            (100, 94, 100),
            (103, 97, 103),
            (106, 106, 106),
            (200, 3800, 201),
            (203, 204, 204),
        ] {
            if let Some(alert) = clock.compare("lab", at(sent), at(logged), at(now)) {
                told.push(format!("{} {:?}: {}", alert.key, alert.state, alert.title));
            }
        }
        assert_eq!(
            told,
            [
                "host/lab/clock/1 Open: the clock of lab is 6 s ahead of the log's",
                "host/lab/clock/1 Resolved: the clock of lab agrees with the log's again",
                "host/lab/clock/2 Open: the clock of lab is 3599 s behind the log's",
                "host/lab/clock/2 Resolved: the clock of lab agrees with the log's again",
            ]
        );
    }
}
