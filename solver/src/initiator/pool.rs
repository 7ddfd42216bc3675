//! The other hosts, as this one hears of them: who is there, by our own clock.

use std::collections::BTreeMap;

use kymo_runlog::claim;
use kymo_runlog::host::HostRecord;
use tokio::time::Instant;

/// Every host that was heard of since we began, ourselves included.
#[derive(Default)]
pub struct Pool {
    hosts: BTreeMap<String, (HostRecord, Instant)>,
}

impl Pool {
    pub fn hear(&mut self, record: HostRecord, now: Instant) {
        self.hosts.insert(record.host.clone(), (record, now));
    }

    /// Whether `us` speaks for a run that nobody watches any more: the host that had it last, as long as it is there,
    /// otherwise the first by name. Should two hosts see it differently, it is said twice.
    pub fn speaks(&self, us: &str, last: Option<&str>, now: Instant) -> bool {
        match last {
            Some(last) if last == us => true,
            Some(last) if self.living(now).any(|other| other.host == last) => false,
            Some(_) | None => self.living(now).all(|other| us <= other.host.as_str()),
        }
    }

    fn living(&self, now: Instant) -> impl Iterator<Item = &HostRecord> {
        let lives = move |(host, heard): &&(HostRecord, Instant)| {
            !host.left && now.saturating_duration_since(*heard) < claim::LENGTH
        };
        self.hosts.values().filter(lives).map(|(host, _)| host)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kymo_runlog::host::{Capacity, Memory, Taken};
    use uuid::Uuid;

    use super::*;

    fn record(host: &str, left: bool) -> HostRecord {
        HostRecord {
            host: host.to_owned(),
            life: Uuid::nil(),
            at: chrono::DateTime::UNIX_EPOCH,
            labels: Vec::new(),
            capacity: Capacity {
                runs: None,
                cores: 1,
                memory: Memory(0),
            },
            taken: Taken::default(),
            left,
        }
    }

    #[test]
    fn one_host_speaks_for_a_run_that_nobody_watches() {
        let (mut pool, now) = (Pool::default(), Instant::now());
        let later = now + claim::LENGTH;
        pool.hear(record("a", false), now);
        for host in ["b", "c"] {
            pool.hear(record(host, false), later - Duration::from_secs(1));
        }
        let speakers = |last, now| {
            ["a", "b", "c"]
                .into_iter()
                .filter(|us| pool.speaks(us, last, now))
                .collect::<Vec<_>>()
        };
        assert_eq!(speakers(Some("c"), now), ["c"]);
        assert_eq!(speakers(None, now), ["a"]);
        assert_eq!(speakers(Some("z"), now), ["a"], "z was never heard of");
        let alive = |us: &&str| *us != "a";
        let speak = |last| {
            speakers(last, later)
                .into_iter()
                .filter(alive)
                .collect::<Vec<_>>()
        };
        assert_eq!(speak(Some("a")), ["b"], "a is gone");
    }

    #[test]
    fn a_host_that_left_in_good_order_is_gone_at_once() {
        let (mut pool, now) = (Pool::default(), Instant::now());
        pool.hear(record("a", false), now);
        assert!(!pool.speaks("b", None, now));
        pool.hear(record("a", true), now);
        assert!(pool.speaks("b", None, now));
    }
}
