//! Orders that end an attempt, and how its end goes on: terminate, then kill after a grace time.

use std::time::Duration;

use kymo_runlog::Topic;
use kymo_runlog::order::{Order, OrderRecord, When};
use nix::sys::signal::Signal;
use tokio::time::Instant;

use super::verdict::Cause;

/// What an order means for a running attempt of `topic`.
pub fn cause_of(order: &OrderRecord, topic: &Topic) -> Option<(Cause, When)> {
    match &order.order {
        Order::Stop { topic: of, when } if of == topic => {
            Some((Cause::Order { by: order.by.clone() }, *when))
        }
        Order::Start {
            topic: of,
            fresh: true,
            ..
        } if of == topic => Some((Cause::Afresh, When::Now)),
        Order::Stop { .. } | Order::Start { .. } => None,
    }
}

/// Where an attempt's end is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nobody wants it to end.
    No,
    /// After the iteration that is being computed; it must come until `latest`.
    AfterIteration {
        cause: Cause,
        beyond: u64,
        latest: Instant,
    },
    /// SIGTERM was sent; SIGKILL follows at `kill_at`.
    Terminated {
        cause: Cause,
        kill_at: Instant,
    },
    Killed {
        cause: Cause,
    },
}

/// What to do to the solver now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Nothing,
    Send(Signal),
}

impl Ending {
    /// Why the attempt was ended, once a signal was sent.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::No | Self::AfterIteration { .. } => None,
            Self::Terminated { cause, .. } | Self::Killed { cause } => Some(cause),
        }
    }

    /// Somebody wants the end. A more urgent wish replaces a patient one; a stop once begun keeps its cause,
    /// except that a lost lease silences everything.
    pub fn ask(&mut self, cause: Cause, when: When, now: Instant, limits: Limits, iteration: u64) -> Deed {
        let lost = cause == Cause::LeaseLost;
        match self {
            Self::Killed { cause: known } => {
                if lost {
                    *known = cause;
                }
                Deed::Nothing
            }
            Self::Terminated { .. } if lost => {
                *self = Self::Killed { cause };
                Deed::Send(Signal::SIGKILL)
            }
            Self::Terminated { .. } => Deed::Nothing,
            Self::AfterIteration { .. } if when == When::AfterIteration => Deed::Nothing,
            Self::No | Self::AfterIteration { .. } => match when {
                When::AfterIteration => {
                    *self = Self::AfterIteration {
                        cause,
                        beyond: iteration,
                        latest: now + limits.patience,
                    };
                    Deed::Nothing
                }
                When::Now if lost => {
                    *self = Self::Killed { cause };
                    Deed::Send(Signal::SIGKILL)
                }
                When::Now => {
                    *self = Self::Terminated {
                        cause,
                        kill_at: now + limits.grace,
                    };
                    Deed::Send(Signal::SIGTERM)
                }
            },
        }
    }

    /// Time has passed, or the log has acknowledged `iteration`.
    pub fn go_on(&mut self, now: Instant, limits: Limits, iteration: u64) -> Deed {
        match self {
            Self::AfterIteration {
                cause,
                beyond,
                latest,
            } if iteration > *beyond || now >= *latest => {
                *self = Self::Terminated {
                    cause: cause.clone(),
                    kill_at: now + limits.grace,
                };
                Deed::Send(Signal::SIGTERM)
            }
            Self::Terminated { cause, kill_at } if now >= *kill_at => {
                *self = Self::Killed { cause: cause.clone() };
                Deed::Send(Signal::SIGKILL)
            }
            Self::No | Self::AfterIteration { .. } | Self::Terminated { .. } | Self::Killed { .. } => {
                Deed::Nothing
            }
        }
    }

    /// When [`Self::go_on`] has something to do at the latest.
    pub fn next_check(&self) -> Option<Instant> {
        match self {
            Self::AfterIteration { latest, .. } => Some(*latest),
            Self::Terminated { kill_at, .. } => Some(*kill_at),
            Self::No | Self::Killed { .. } => None,
        }
    }
}

/// How long each step of an end may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For the current iteration to complete.
    pub patience: Duration,
    /// Between SIGTERM and SIGKILL.
    pub grace: Duration,
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use kymo_runlog::{Parameters, RunId};

    use super::*;

    const LIMITS: Limits = Limits {
        patience: Duration::from_secs(60),
        grace: Duration::from_secs(5),
    };

    fn ada() -> Cause {
        Cause::Order { by: "Ada".to_owned() }
    }

    #[test]
    fn a_stop_terminates_then_kills() {
        let start = Instant::now();
        let mut ending = Ending::No;
        assert_eq!(
            ending.ask(ada(), When::Now, start, LIMITS, 7),
            Deed::Send(Signal::SIGTERM)
        );
        assert_eq!(
            ending.ask(ada(), When::Now, start, LIMITS, 7),
            Deed::Nothing,
            "asking twice changes nothing"
        );
        assert_eq!(
            ending.go_on(start + Duration::from_secs(4), LIMITS, 9),
            Deed::Nothing
        );
        assert_eq!(
            ending.go_on(start + Duration::from_secs(5), LIMITS, 9),
            Deed::Send(Signal::SIGKILL)
        );
        assert_eq!(
            ending.go_on(start + Duration::from_secs(50), LIMITS, 9),
            Deed::Nothing
        );
        assert_eq!(ending.cause(), Some(&ada()));
    }

    #[test]
    fn after_the_iteration_means_the_next_acknowledged_one_or_the_end_of_patience() {
        let start = Instant::now();
        let mut ending = Ending::No;
        assert_eq!(
            ending.ask(ada(), When::AfterIteration, start, LIMITS, 7),
            Deed::Nothing
        );
        assert_eq!(ending.cause(), None, "a solver that ends now ends by itself");
        assert_eq!(ending.go_on(start, LIMITS, 7), Deed::Nothing);
        assert_eq!(ending.go_on(start, LIMITS, 8), Deed::Send(Signal::SIGTERM));

        let mut ending = Ending::No;
        ending.ask(ada(), When::AfterIteration, start, LIMITS, 7);
        assert_eq!(
            ending.go_on(start + LIMITS.patience, LIMITS, 7),
            Deed::Send(Signal::SIGTERM)
        );
    }

    #[test]
    fn urgent_replaces_patient_and_a_lost_lease_kills() {
        let start = Instant::now();
        let mut ending = Ending::No;
        ending.ask(ada(), When::AfterIteration, start, LIMITS, 7);
        assert_eq!(
            ending.ask(Cause::Shutdown, When::Now, start, LIMITS, 7),
            Deed::Send(Signal::SIGTERM)
        );
        assert_eq!(
            ending.ask(Cause::LeaseLost, When::Now, start, LIMITS, 7),
            Deed::Send(Signal::SIGKILL)
        );
        assert_eq!(ending.cause(), Some(&Cause::LeaseLost));
    }

    #[test]
    fn only_orders_for_this_run_that_end_it_count() {
        let run = RunId {
            solver: "airy".to_owned(),
            parameters: Parameters::default(),
        };
        let topic = Topic::parse("airy").expect("a name");
        let other = Topic::parse("lorenz").expect("a name");
        let order = |order| OrderRecord {
            id: uuid::Uuid::nil(),
            at: Utc::now(),
            by: "Ada".to_owned(),
            order,
        };
        let start = |topic: &Topic, fresh| {
            order(Order::Start {
                run: run.clone(),
                topic: topic.clone(),
                fresh,
                pace: None,
                on: Vec::new(),
            })
        };
        let stop = |topic: &Topic, when| {
            order(Order::Stop {
                topic: topic.clone(),
                when,
            })
        };
        assert_eq!(
            cause_of(&stop(&topic, When::Now), &topic),
            Some((ada(), When::Now))
        );
        assert_eq!(
            cause_of(&stop(&topic, When::AfterIteration), &topic),
            Some((ada(), When::AfterIteration))
        );
        assert_eq!(cause_of(&stop(&other, When::Now), &topic), None);
        assert_eq!(cause_of(&start(&topic, false), &topic), None, "it runs already");
        assert_eq!(
            cause_of(&start(&topic, true), &topic),
            Some((Cause::Afresh, When::Now))
        );
        assert_eq!(cause_of(&start(&other, true), &topic), None);
    }
}
