//! What is killed, and when: drawn from the seed before anything runs.

use std::time::Duration;

use kymo_runlog::Window;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Solver,
    Watchdog,
    Initiator,
    GraphWorker,
    Bot,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    Kill(Role),
    /// Whoever comes through the window next dies there.
    In(Window),
    /// Watchdog and solver are frozen until another attempt is in effect; then they wake up and write.
    Zombie,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// Counted from the blow before.
    pub after: Duration,
    pub blow: Blow,
}

/// One blow in this many falls inside a window.
const WINDOW_EVERY: u32 = 7;
/// A zombie takes a lease's length, so there are few.
const ZOMBIE_EVERY: u32 = 100;
const LONGEST_PAUSE: f64 = 1.0;

const ROLES: [Role; 5] = [
    Role::Solver,
    Role::Watchdog,
    Role::Initiator,
    Role::GraphWorker,
    Role::Bot,
];

pub fn plan(seed: u64, kills: u32) -> Vec<Planned> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut windows = Window::ALL.iter().cycle();
    let mut plan = Vec::new();
    for number in 1..=kills {
        let blow = if number % WINDOW_EVERY == 0 {
            Blow::In(*windows.next().expect("a cycle has no end"))
        } else {
            Blow::Kill(*ROLES.choose(&mut random).expect("there are roles"))
        };
        plan.push(blow);
        if number % ZOMBIE_EVERY == ZOMBIE_EVERY / 2 {
            plan.push(Blow::Zombie);
        }
    }
    plan.into_iter()
        .map(|blow| Planned {
            after: Duration::from_secs_f64(random.random_range(0.0..LONGEST_PAUSE)),
            blow,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan_with_enough_deaths_in_windows() {
        let plan_of_7 = plan(7, 200);
        assert_eq!(plan_of_7, plan(7, 200));
        assert_ne!(plan_of_7, plan(8, 200));
        let count =
            |which: fn(&Blow) -> bool| plan_of_7.iter().filter(|planned| which(&planned.blow)).count();
        assert_eq!(count(|blow| !matches!(blow, Blow::Zombie)), 200);
        assert!(count(|blow| matches!(blow, Blow::In(_))) >= 20);
        assert_eq!(count(|blow| matches!(blow, Blow::Zombie)), 2);
        for window in Window::ALL {
            assert!(plan_of_7.iter().any(|planned| planned.blow == Blow::In(window)));
        }
        for role in ROLES {
            assert!(plan_of_7.iter().any(|planned| planned.blow == Blow::Kill(role)));
        }
    }
}
