//! `kymo.claims`: which host may run which attempt, read in the log's order.
//!
//! The first claim for an attempt wins. It is a lease: its holder renews it, and while it lasts no other attempt of
//! the run can be claimed. Time is the log's own (when it took a claim, plus the length that the claim asks for), so
//! hosts whose clocks differ still agree.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::Topic;

pub const TOPIC: &str = "kymo.claims";

/// [`TOPIC`], ready to use.
pub fn topic() -> crate::Topic {
    crate::Topic::trusted(TOPIC.to_owned())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub topic: Topic,
    pub attempt: u32,
    pub host: String,
    /// One life of one initiator on that host.
    pub holder: Uuid,
    pub at: DateTime<Utc>,
    pub until: DateTime<Utc>,
    #[serde(default)]
    pub released: bool,
}

/// How long a claim holds without being renewed.
pub const LENGTH: Duration = Duration::from_secs(60);
/// How often a watchdog renews it.
pub const RENEWAL: Duration = Duration::from_secs(15);

/// The newest attempt of a run, and who holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    pub attempt: u32,
    pub host: String,
    pub holder: Uuid,
    /// When the log took the claim that won.
    pub since: DateTime<Utc>,
    pub ends: DateTime<Utc>,
    pub released: bool,
}

impl Lease {
    /// Whether its holder may still run the attempt, so that nobody else may claim the next.
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        !self.released && now < self.ends
    }
}

/// The leases of all runs.
#[derive(Clone, Debug, Default)]
pub struct Leases(BTreeMap<Topic, Lease>);

impl Leases {
    /// Takes the next claim; `at` is when the log took it.
    pub fn apply(&mut self, claim: &Claim, at: DateTime<Utc>) {
        let wins = match self.0.get(&claim.topic) {
            None => !claim.released,
            Some(lease) if claim.attempt == lease.attempt => claim.holder == lease.holder && !lease.released,
            Some(lease) => claim.attempt > lease.attempt && !claim.released && !lease.holds_at(at),
        };
        if wins {
            let renewed = self
                .0
                .get(&claim.topic)
                .filter(|lease| lease.attempt == claim.attempt);
            let lease = Lease {
                attempt: claim.attempt,
                host: claim.host.clone(),
                holder: claim.holder,
                since: renewed.map_or(at, |lease| lease.since),
                ends: at + length(claim),
                released: claim.released,
            };
            self.0.insert(claim.topic.clone(), lease);
        }
    }

    pub fn find(&self, topic: &Topic) -> Option<&Lease> {
        self.0.get(topic)
    }
}

/// A claim cannot be longer than it should be, nor end before it began.
fn length(claim: &Claim) -> chrono::Duration {
    (claim.until - claim.at).clamp(
        chrono::Duration::zero(),
        chrono::Duration::from_std(LENGTH).unwrap_or_default(),
    )
}

/// A claim as its holder writes it: to win an attempt, to renew or to release it.
pub fn claim(
    topic: &Topic,
    attempt: u32,
    host: &str,
    holder: Uuid,
    now: DateTime<Utc>,
    released: bool,
) -> Claim {
    Claim {
        topic: topic.clone(),
        attempt,
        host: host.to_owned(),
        holder,
        at: now,
        until: now + LENGTH,
        released,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("a time")
    }

    fn topic() -> Topic {
        Topic::parse("airy").expect("a name")
    }

    fn holder(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// (log's time, attempt, holder, released)
    fn winner(claims: &[(i64, u32, u128, bool)]) -> Option<(u32, u128, bool)> {
        let mut leases = Leases::default();
        for (seconds, attempt, who, released) in claims {
            // The claimant's own clock is an hour off: only the length may count.
            let own_clock = at(*seconds + 3600);
            leases.apply(
                &claim(&topic(), *attempt, "lab", holder(*who), own_clock, *released),
                at(*seconds),
            );
        }
        leases
            .find(&topic())
            .map(|lease| (lease.attempt, lease.holder.as_u128(), lease.released))
    }

    #[test]
    fn the_first_claim_wins_and_only_its_holder_keeps_it() {
        type Case = (
            &'static str,
            &'static [(i64, u32, u128, bool)],
            Option<(u32, u128, bool)>,
        );
        let cases: &[Case] = &[
            ("nothing", &[], None),
            (
                "two at once",
                &[(0, 1, 1, false), (0, 1, 2, false)],
                Some((1, 1, false)),
            ),
            (
                "the next attempt while the lease lasts",
                &[(0, 1, 1, false), (59, 2, 2, false)],
                Some((1, 1, false)),
            ),
            (
                "the next attempt after it",
                &[(0, 1, 1, false), (60, 2, 2, false)],
                Some((2, 2, false)),
            ),
            (
                "renewed",
                &[(0, 1, 1, false), (50, 1, 1, false), (100, 2, 2, false)],
                Some((1, 1, false)),
            ),
            (
                "released",
                &[(0, 1, 1, false), (5, 1, 1, true), (6, 2, 2, false)],
                Some((2, 2, false)),
            ),
            (
                "released by somebody else",
                &[(0, 1, 1, false), (5, 1, 2, true)],
                Some((1, 1, false)),
            ),
            (
                "renewed after release",
                &[(0, 1, 1, false), (5, 1, 1, true), (6, 1, 1, false)],
                Some((1, 1, true)),
            ),
            (
                "late but before anybody",
                &[(0, 1, 1, false), (90, 1, 1, false)],
                Some((1, 1, false)),
            ),
            (
                "too late",
                &[(0, 1, 1, false), (90, 2, 2, false), (91, 1, 1, false)],
                Some((2, 2, false)),
            ),
            ("released before it was claimed", &[(0, 1, 1, true)], None),
        ];
        for (name, claims, expected) in cases {
            assert_eq!(&winner(claims), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn attempts_only_grow_and_never_overlap(
            claims in proptest::collection::vec((0i64..40, 1u32..6, 1u128..4, any::<bool>()), 0..60),
        ) {
            let mut leases = Leases::default();
            let mut now = 0;
            let mut before: Option<Lease> = None;
            for (pause, attempt, who, released) in claims {
                now += pause;
                leases.apply(&claim(&topic(), attempt, "lab", holder(who), at(now), released), at(now));
                let after = leases.find(&topic()).cloned();
                if let (Some(before), Some(after)) = (&before, &after) {
                    prop_assert!(after.attempt >= before.attempt);
                    if after.attempt > before.attempt {
                        prop_assert!(!before.holds_at(at(now)), "two attempts at once");
                    } else {
                        prop_assert_eq!(after.holder, before.holder);
                    }
                }
                before = after;
            }
        }
    }
}
