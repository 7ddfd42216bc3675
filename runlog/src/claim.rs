//! `kymo.claims`: which host may run which attempt, read in the log's order.
//!
//! The first claim for an attempt wins. It is a lease: its holder renews it, and while it is renewed no other attempt
//! of the run can be claimed. No two clocks are compared: the holder counts from its own last renewal, everybody else
//! from when they last heard of it, and the log's order settles the rest, because a claim that takes over says what
//! its claimant had heard.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Position, Topic};

pub const TOPIC: &str = "kymo.claims";

/// [`TOPIC`], ready to use.
pub fn topic() -> crate::Topic {
    crate::Topic::trusted(TOPIC.to_owned())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub topic: Topic,
    #[serde(deserialize_with = "crate::envelope::attempt")]
    pub attempt: u32,
    pub host: String,
    /// One life of one initiator on that host.
    pub holder: Uuid,
    /// By the claimant's own clock, which nobody else reckons with.
    pub at: DateTime<Utc>,
    /// To take over: where the last record stands that the claimant has heard of the lease that it takes for ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Position>,
    #[serde(default)]
    pub released: bool,
}

/// How long nothing must have been heard of a claim before anybody else may take the run over.
pub const LENGTH: Duration = Duration::from_secs(10);
/// How long its holder goes on without having renewed it. Shorter than [`LENGTH`], so that a solver that is cut off
/// has stopped before another one starts.
pub const HOLD: Duration = Duration::from_secs(8);
/// How often a watchdog renews it.
pub const RENEWAL: Duration = Duration::from_secs(3);

/// The newest attempt of a run, and who holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lease {
    pub attempt: u32,
    pub host: String,
    pub holder: Uuid,
    /// When the log took the claim that won.
    pub since: DateTime<Utc>,
    /// Where its newest record stands.
    pub heard: Position,
    pub released: bool,
}

/// The leases of all runs.
#[derive(Clone, Debug, Default)]
pub struct Leases(BTreeMap<Topic, Lease>);

impl Leases {
    /// Takes the next claim, as it stands in the log.
    pub fn apply(&mut self, claim: &Claim, position: Position, at: DateTime<Utc>) {
        let wins = match self.0.get(&claim.topic) {
            None => !claim.released,
            Some(lease) if claim.attempt == lease.attempt => claim.holder == lease.holder && !lease.released,
            // Whoever takes over has heard everything that the holder has said: a renewal in between keeps the lease.
            Some(lease) => {
                claim.attempt > lease.attempt
                    && !claim.released
                    && (lease.released || claim.after == Some(lease.heard))
            }
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
                heard: position,
                released: claim.released,
            };
            self.0.insert(claim.topic.clone(), lease);
        }
    }

    pub fn find(&self, topic: &Topic) -> Option<&Lease> {
        self.0.get(topic)
    }
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
        after: None,
        released,
    }
}

/// A claim on the next attempt of a run whose last lease has ended without a word.
pub fn take_over(lease: &Lease, claim: Claim) -> Claim {
    Claim {
        after: Some(lease.heard),
        ..claim
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn topic() -> Topic {
        Topic::parse("airy").expect("a name")
    }

    /// What stands in the log: attempt, holder, and what the claim is for.
    #[derive(Clone, Copy, Debug)]
    enum Said {
        /// A claim, or a renewal.
        Claims(u32, u128),
        /// A claim by one who has heard the record at this position and nothing after it.
        TakesOver(u32, u128, i64),
        Releases(u32, u128),
    }
    use Said::{Claims, Releases, TakesOver};

    fn apply(leases: &mut Leases, position: i64, said: Said) {
        let (attempt, who, after, released) = match said {
            Claims(attempt, who) => (attempt, who, None, false),
            TakesOver(attempt, who, after) => (attempt, who, Some(Position(after)), false),
            Releases(attempt, who) => (attempt, who, None, true),
        };
        // No two clocks agree: the hosts' and the log's count for nothing.
        let clock = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        let own_clock = clock(1_700_000_000 - 86_400 * who as i64);
        let claim = Claim {
            after,
            ..claim(
                &topic(),
                attempt,
                "lab",
                Uuid::from_u128(who),
                own_clock,
                released,
            )
        };
        leases.apply(&claim, Position(position), clock(1_700_000_000 - position * 60));
    }

    fn winner(said: &[Said]) -> Option<(u32, u128, bool)> {
        let mut leases = Leases::default();
        for (position, said) in (0..).zip(said) {
            apply(&mut leases, position, *said);
        }
        let lease = leases.find(&topic())?;
        Some((lease.attempt, lease.holder.as_u128(), lease.released))
    }

    #[test]
    fn the_first_claim_wins_and_only_its_holder_keeps_it() {
        type Case = (&'static str, &'static [Said], Option<(u32, u128, bool)>);
        let cases: &[Case] = &[
            ("nothing", &[], None),
            ("two at once", &[Claims(1, 1), Claims(1, 2)], Some((1, 1, false))),
            (
                "the next attempt while the lease lasts",
                &[Claims(1, 1), Claims(2, 2)],
                Some((1, 1, false)),
            ),
            (
                "taken over",
                &[Claims(1, 1), TakesOver(2, 2, 0)],
                Some((2, 2, false)),
            ),
            (
                "taken over by two at once",
                &[Claims(1, 1), TakesOver(2, 3, 0), TakesOver(2, 2, 0)],
                Some((2, 3, false)),
            ),
            (
                "renewed just before it was taken over",
                &[Claims(1, 1), Claims(1, 1), TakesOver(2, 2, 0)],
                Some((1, 1, false)),
            ),
            (
                "taken over after the renewal",
                &[Claims(1, 1), Claims(1, 1), TakesOver(2, 2, 1)],
                Some((2, 2, false)),
            ),
            (
                "released",
                &[Claims(1, 1), Releases(1, 1), Claims(2, 2)],
                Some((2, 2, false)),
            ),
            (
                "released by somebody else",
                &[Claims(1, 1), Releases(1, 2)],
                Some((1, 1, false)),
            ),
            (
                "renewed after release",
                &[Claims(1, 1), Releases(1, 1), Claims(1, 1)],
                Some((1, 1, true)),
            ),
            (
                "renewed too late",
                &[Claims(1, 1), TakesOver(2, 2, 0), Claims(1, 1)],
                Some((2, 2, false)),
            ),
            (
                "what others said in between does not count",
                &[Claims(1, 1), Claims(1, 3), TakesOver(2, 2, 0)],
                Some((2, 2, false)),
            ),
            ("released before it was claimed", &[Releases(1, 1)], None),
        ];
        for (name, said, expected) in cases {
            assert_eq!(&winner(said), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn attempts_only_grow_and_nobody_is_overtaken_unheard(
            said in proptest::collection::vec((0u8..3, 1u32..6, 1u128..4, 0i64..8), 0..60),
        ) {
            let mut leases = Leases::default();
            for (position, (what, attempt, who, back)) in (0..).zip(said) {
                let said = match what {
                    0 => Claims(attempt, who),
                    1 => TakesOver(attempt, who, position - back),
                    _ => Releases(attempt, who),
                };
                let before = leases.find(&topic()).cloned();
                apply(&mut leases, position, said);
                if let (Some(before), Some(after)) = (before, leases.find(&topic())) {
                    prop_assert!(after.attempt >= before.attempt);
                    if after.attempt > before.attempt {
                        let heard = matches!(said, TakesOver(_, _, after) if Position(after) == before.heard);
                        prop_assert!(before.released || heard, "two attempts at once");
                    } else {
                        prop_assert_eq!(after.holder, before.holder);
                    }
                }
            }
        }
    }
}
