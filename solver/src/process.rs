//! Processes as `/proc` knows them. A pid alone names nobody: the kernel gives it to somebody else later,
//! so a process is known by pid and start time.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// One life of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub pid: i32,
    /// Clock ticks since boot, field 22 of `/proc/PID/stat`.
    pub start_time: u64,
}

/// What we read out of `/proc/PID/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stat {
    pid: i32,
    state: char,
    group: i32,
    start_time: u64,
}

impl Process {
    /// The calling process.
    pub fn current() -> std::io::Result<Self> {
        Self::find(Pid::this().as_raw()).ok_or_else(|| {
            std::io::Error::other("cannot read /proc/self/stat; mount /proc, it tells processes apart")
        })
    }

    /// Whoever has this pid now.
    pub fn find(pid: i32) -> Option<Self> {
        read_stat(pid).map(|stat| Self {
            pid,
            start_time: stat.start_time,
        })
    }

    /// Whether this very process still runs. A zombie does not.
    pub fn is_alive(&self) -> bool {
        read_stat(self.pid).is_some_and(|stat| stat.start_time == self.start_time && !is_dead(stat.state))
    }

    /// Sends a signal to this very process; one that is gone is no error.
    pub fn signal(&self, signal: Signal) -> nix::Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        gone_is_fine(kill(Pid::from_raw(self.pid), signal))
    }
}

/// Sends a signal to a whole process group; one that is gone is no error.
pub fn signal_group(group: i32, signal: Signal) -> nix::Result<()> {
    gone_is_fine(killpg(Pid::from_raw(group), signal))
}

/// Kills what is left of the group that `leader` led, and waits until it is gone.
/// Returns how many processes were killed.
pub async fn kill_left_over_group(leader: Process) -> usize {
    let mut killed = 0;
    for pause in [1, 2, 5, 10, 20, 50, 100, 200, 400, 800] {
        let left = left_over_members(&all_stats(), leader);
        if left.is_empty() {
            break;
        }
        killed = killed.max(left.len());
        for pid in left {
            // Between the listing and the signal the process may end by itself.
            let _ = gone_is_fine(kill(Pid::from_raw(pid), Signal::SIGKILL));
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    killed
}

/// Living members of the group, unless its number now belongs to strangers: a member older than the leader was
/// never ours, and a leader with another start time means that the number was given away again.
fn left_over_members(stats: &[Stat], leader: Process) -> Vec<i32> {
    let reused = stats
        .iter()
        .any(|stat| stat.pid == leader.pid && stat.start_time != leader.start_time);
    if reused {
        return Vec::new();
    }
    stats
        .iter()
        .filter(|stat| {
            stat.group == leader.pid && stat.start_time >= leader.start_time && !is_dead(stat.state)
        })
        .map(|stat| stat.pid)
        .collect()
}

fn all_stats() -> Vec<Stat> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(read_stat)
        .collect()
}

fn read_stat(pid: i32) -> Option<Stat> {
    parse_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// How a zombie ended, as `wait` would tell it: the last field.
pub fn raw_wait_status(pid: i32) -> Option<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.split_ascii_whitespace().next_back()?.parse().ok()
}

/// The second field is the program's name in brackets and may itself hold spaces and brackets.
fn parse_stat(text: &str) -> Option<Stat> {
    let (pid, rest) = text.split_once(" (")?;
    let (_, rest) = rest.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Stat {
        pid: pid.parse().ok()?,
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

fn is_dead(state: char) -> bool {
    matches!(state, 'Z' | 'X' | 'x')
}

fn gone_is_fine(sent: nix::Result<()>) -> nix::Result<()> {
    match sent {
        Err(Errno::ESRCH) => Ok(()),
        sent => sent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "4242 (a (b) c) S 1 4240 4240 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 0 0 1844";

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_confuse_the_fields() {
        assert_eq!(
            parse_stat(STAT),
            Some(Stat {
                pid: 4242,
                state: 'S',
                group: 4240,
                start_time: 987654
            })
        );
        assert_eq!(parse_stat("nonsense"), None);
        assert_eq!(parse_stat("1 (x) S"), None);
    }

    #[test]
    fn the_same_pid_with_another_start_time_is_somebody_else() {
        let me = Process::current().expect("/proc is mounted");
        assert!(me.is_alive());
        let stranger = Process {
            start_time: me.start_time + 1,
            ..me
        };
        assert!(!stranger.is_alive());
        stranger
            .signal(Signal::SIGKILL)
            .expect("a signal to somebody who is gone is no error");
    }

    #[test]
    fn left_over_members_are_only_ours() {
        let leader = Process {
            pid: 10,
            start_time: 100,
        };
        let stat = |pid, group, start_time, state| Stat {
            pid,
            state,
            group,
            start_time,
        };
        let cases: &[(&str, Vec<Stat>, Vec<i32>)] = &[
            ("nobody is left", vec![], vec![]),
            ("the leader itself", vec![stat(10, 10, 100, 'S')], vec![10]),
            ("a child of a dead leader", vec![stat(11, 10, 105, 'R')], vec![11]),
            (
                "a zombie needs no signal",
                vec![stat(10, 10, 100, 'Z'), stat(11, 10, 101, 'S')],
                vec![11],
            ),
            (
                "the pid was given to a stranger",
                vec![stat(10, 10, 900, 'S'), stat(12, 10, 901, 'S')],
                vec![],
            ),
            ("another group", vec![stat(13, 13, 105, 'S')], vec![]),
            ("older than the leader", vec![stat(9, 10, 50, 'S')], vec![]),
        ];
        for (name, stats, expected) in cases {
            assert_eq!(&left_over_members(stats, leader), expected, "{name}");
        }
    }
}
