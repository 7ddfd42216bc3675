//! When others' claims have lapsed and when failed runs are due, by this host's own monotonic clock: from when it
//! heard of them, whatever the clocks of other hosts say.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use kymo_runlog::claim::{self, Lease};
use kymo_runlog::event::{EventRecord, RunEvent};
use kymo_runlog::{Position, RunFacts, Topic};
use tokio::time::Instant;
use uuid::Uuid;

/// The log was away when our own words took longer to come back.
const GAP: Duration = claim::RENEWAL.saturating_mul(2);

/// What this host has heard, and when.
pub struct Lapses {
    leases: BTreeMap<Topic, (Position, Instant)>,
    due: BTreeMap<Topic, (Uuid, Instant)>,
    /// When our own presence last came back through the log.
    log_heard: Instant,
    /// Since when it has come without a gap.
    log_since: Instant,
}

impl Default for Lapses {
    fn default() -> Self {
        Self::new(Instant::now())
    }
}

impl Lapses {
    pub fn new(now: Instant) -> Self {
        Self {
            leases: BTreeMap::new(),
            due: BTreeMap::new(),
            log_heard: now,
            log_since: now,
        }
    }

    /// Our own words have come back.
    pub fn hear_log(&mut self, now: Instant) {
        if now.saturating_duration_since(self.log_heard) > GAP {
            // Nobody could renew meanwhile: everybody gets a whole length to do so.
            self.log_since = now;
        }
        self.log_heard = now;
    }

    pub fn hear_lease(&mut self, topic: &Topic, lease: &Lease, now: Instant) {
        let heard = self.leases.entry(topic.clone()).or_insert((lease.heard, now));
        if heard.0 != lease.heard {
            *heard = (lease.heard, now);
        }
    }

    /// A failed run is started again after the pause that its watchdog named. How much of it has passed already is a
    /// guess by the wall clocks, which can shorten it only.
    pub fn hear_event(&mut self, event: &EventRecord, at: DateTime<Utc>, now: Instant) {
        let RunEvent::Failed {
            again_at: Some(again_at),
            ..
        } = &event.event
        else {
            return;
        };
        let pause = (*again_at - event.at).to_std().unwrap_or_default();
        let passed = (Utc::now() - at).to_std().unwrap_or_default();
        let due = now + pause.saturating_sub(passed);
        let known = self.due.entry(event.topic.clone()).or_insert((event.id, due));
        if known.0 != event.id {
            *known = (event.id, due);
        }
    }

    /// When the run's lease may be taken over; `None` when it need not be waited for.
    pub fn lapses_at(&self, facts: &RunFacts, now: Instant) -> Option<Instant> {
        let lease = facts.lease.as_ref().filter(|lease| !lease.released)?;
        let heard = match self.leases.get(&facts.topic) {
            Some((position, heard)) if *position == lease.heard => *heard,
            Some(_) | None => now,
        };
        let lapses = heard.max(self.log_since) + claim::LENGTH;
        // While the log is away nobody can be heard.
        let away = now.saturating_duration_since(self.log_heard) > GAP;
        Some(if away {
            lapses.max(now + claim::RENEWAL)
        } else {
            lapses
        })
    }

    /// When the event's failed run is due.
    pub fn due_at(&self, event: &EventRecord) -> Option<Instant> {
        self.due
            .get(&event.topic)
            .filter(|(id, _)| *id == event.id)
            .map(|(_, due)| *due)
    }
}

#[cfg(test)]
mod tests {
    use kymo_runlog::order::{Order, OrderRecord};
    use kymo_runlog::{Parameters, RunBook, RunId};

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn run() -> RunId {
        RunId {
            solver: "count".to_owned(),
            parameters: Parameters::default(),
        }
    }

    /// A run that another host has claimed, and renewed at this position.
    fn claimed(renewed: i64) -> RunFacts {
        let (run, mut book, now) = (run(), RunBook::default(), DateTime::UNIX_EPOCH);
        let topic = run.topic();
        let order = Order::Start {
            run,
            topic: topic.clone(),
            fresh: false,
            pace: None,
            on: Vec::new(),
        };
        let (id, by) = (Uuid::nil(), "Ada".to_owned());
        book.order(
            &OrderRecord {
                id,
                at: now,
                by,
                order,
            },
            now,
            Position(0),
        );
        for position in [1, renewed] {
            let claim = claim::claim(&topic, 1, "other", Uuid::nil(), now, false);
            book.claim(&claim, Position(position), now);
        }
        book.find(&topic).expect("ordered").clone()
    }

    fn hear(lapses: &mut Lapses, facts: &RunFacts, now: Instant) {
        lapses.hear_lease(&facts.topic, facts.lease.as_ref().expect("claimed"), now);
    }

    #[test]
    fn a_lease_lapses_when_nothing_new_was_heard_of_it_for_its_length() {
        let start = Instant::now();
        let mut lapses = Lapses::new(start);
        for second in 0..30 {
            lapses.hear_log(start + seconds(second));
        }
        let now = start + seconds(30);
        hear(&mut lapses, &claimed(2), start + seconds(20));
        hear(&mut lapses, &claimed(2), start + seconds(29));
        assert_eq!(lapses.lapses_at(&claimed(2), now), Some(start + seconds(30)));
        hear(&mut lapses, &claimed(3), start + seconds(29));
        assert_eq!(lapses.lapses_at(&claimed(3), now), Some(start + seconds(39)));
    }

    #[test]
    fn nobody_is_overtaken_because_the_log_was_away() {
        let start = Instant::now();
        let mut lapses = Lapses::new(start);
        hear(&mut lapses, &claimed(2), start);
        let away = start + seconds(60);
        let lapse = lapses.lapses_at(&claimed(2), away).expect("held");
        assert!(lapse > away, "the log is away");
        lapses.hear_log(away);
        assert_eq!(
            lapses.lapses_at(&claimed(2), away),
            Some(away + claim::LENGTH),
            "now that the log is back the holder can renew"
        );
    }

    #[test]
    fn a_pause_is_waited_out_whatever_the_clocks_say() {
        let hour = chrono::TimeDelta::hours(1);
        for (clock, log, waits) in [
            (Utc::now(), Utc::now(), 60),
            (Utc::now() + hour, Utc::now(), 60),
            (Utc::now() - hour, Utc::now(), 60),
            (Utc::now(), Utc::now() + hour, 60),
            (Utc::now(), Utc::now() - hour, 0),
        ] {
            let event = EventRecord {
                id: Uuid::new_v4(),
                at: clock,
                topic: run().topic(),
                run: run(),
                attempt: 1,
                host: "other".to_owned(),
                iteration: 7,
                event: RunEvent::Failed {
                    reason: String::new(),
                    last_lines: Vec::new(),
                    again_at: Some(clock + chrono::TimeDelta::minutes(1)),
                },
            };
            let now = Instant::now();
            let mut lapses = Lapses::new(now);
            lapses.hear_event(&event, log, now);
            let due = lapses.due_at(&event).expect("it failed");
            let pause = due.saturating_duration_since(now).as_secs_f64();
            assert!((pause - f64::from(waits)).abs() < 1.0, "{pause}");
        }
    }
}
