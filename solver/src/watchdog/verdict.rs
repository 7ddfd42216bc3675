//! How an attempt ended, worked out from what the kernel says and from what we did ourselves.

use nix::sys::signal::Signal;

/// How the solver's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

/// Why we ended it, if we did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A person's order.
    Order { by: String },
    /// An order to start afresh: this attempt makes room for the next.
    Afresh,
    /// This watchdog was told to end; the run stays wanted.
    Shutdown,
    /// Another host holds the run now.
    LeaseLost,
    /// The log will never take this attempt's records.
    LogRefused { reason: String },
    /// Somebody deleted the run's topic: what it held is gone.
    TopicDeleted { log: String },
}

/// What the attempt's end means for the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Finished,
    Stopped {
        by: String,
    },
    Failed {
        reason: String,
    },
    /// Nothing happened to the run itself: it goes on in its next attempt.
    LeftWanted,
    /// Not ours any more: write nothing.
    Lost,
}

/// Decides. `cause` is there only if we signalled the solver before it ended; `out_of_memory` says that the kernel
/// killed somebody of our memory group meanwhile.
pub fn verdict(exit: Exit, cause: Option<&Cause>, out_of_memory: bool) -> Verdict {
    match cause {
        Some(Cause::Order { by }) => Verdict::Stopped { by: by.clone() },
        Some(Cause::Afresh | Cause::Shutdown) => Verdict::LeftWanted,
        Some(Cause::LeaseLost) => Verdict::Lost,
        Some(Cause::LogRefused { reason }) => Verdict::Failed {
            reason: reason.clone(),
        },
        Some(Cause::TopicDeleted { log }) => Verdict::Failed {
            reason: format!("its topic was deleted from the {log}, and its results with it"),
        },
        None => match exit {
            Exit::Code(0) => Verdict::Finished,
            Exit::Code(_) | Exit::Signal(_) => Verdict::Failed {
                reason: in_words(exit, out_of_memory),
            },
        },
    }
}

/// For people: `exit code 3`, `killed by signal 11 (SIGSEGV)`, `out of memory ...`.
pub fn in_words(exit: Exit, out_of_memory: bool) -> String {
    match exit {
        // A shell reports a child killed by SIGKILL as 137.
        Exit::Signal(9) | Exit::Code(137) if out_of_memory => {
            "out of memory: the kernel killed the solver (SIGKILL)".to_owned()
        }
        Exit::Code(code) => match meaning(code) {
            Some(meaning) => format!("exit code {code} ({meaning})"),
            None => format!("exit code {code}"),
        },
        Exit::Signal(number) => match Signal::try_from(number) {
            Ok(signal) => format!("killed by signal {number} ({signal})"),
            Err(_) => format!("killed by signal {number}"),
        },
    }
}

/// What shells mean by their exit codes.
fn meaning(code: i32) -> Option<String> {
    match code {
        126 => Some("the command cannot be executed".to_owned()),
        127 => Some("a command was not found".to_owned()),
        129..=192 => Signal::try_from(code - 128)
            .ok()
            .map(|signal| format!("a child was killed by {signal}")),
        _ => None,
    }
}

/// What a shell would answer for this end: signals become 128 + n.
pub fn exit_code(exit: Exit) -> u8 {
    match exit {
        Exit::Code(code) => u8::try_from(code & 0xff).unwrap_or(u8::MAX),
        Exit::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_judged_by_what_we_did_and_what_the_kernel_says() {
        let ada = Cause::Order { by: "Ada".to_owned() };
        let failed = |reason: &str| Verdict::Failed {
            reason: reason.to_owned(),
        };
        let stopped = Verdict::Stopped { by: "Ada".to_owned() };
        let cases: Vec<(Exit, Option<Cause>, bool, Verdict)> = vec![
            (Exit::Code(0), None, false, Verdict::Finished),
            (Exit::Code(0), None, true, Verdict::Finished),
            (Exit::Code(3), None, false, failed("exit code 3")),
            (
                Exit::Code(127),
                None,
                false,
                failed("exit code 127 (a command was not found)"),
            ),
            (
                Exit::Code(139),
                None,
                false,
                failed("exit code 139 (a child was killed by SIGSEGV)"),
            ),
            (
                Exit::Signal(11),
                None,
                false,
                failed("killed by signal 11 (SIGSEGV)"),
            ),
            (Exit::Signal(35), None, false, failed("killed by signal 35")),
            (
                Exit::Signal(9),
                None,
                false,
                failed("killed by signal 9 (SIGKILL)"),
            ),
            (
                Exit::Signal(9),
                None,
                true,
                failed("out of memory: the kernel killed the solver (SIGKILL)"),
            ),
            (
                Exit::Signal(11),
                None,
                true,
                failed("killed by signal 11 (SIGSEGV)"),
            ),
            (Exit::Signal(15), Some(ada.clone()), false, stopped.clone()),
            (Exit::Code(0), Some(ada), false, stopped),
            (Exit::Signal(9), Some(Cause::Shutdown), true, Verdict::LeftWanted),
            (Exit::Signal(15), Some(Cause::Afresh), false, Verdict::LeftWanted),
            (Exit::Signal(9), Some(Cause::LeaseLost), false, Verdict::Lost),
            (
                Exit::Signal(15),
                Some(Cause::LogRefused {
                    reason: "too large".into(),
                }),
                false,
                failed("too large"),
            ),
        ];
        for (exit, cause, oom, expected) in cases {
            assert_eq!(
                verdict(exit, cause.as_ref(), oom),
                expected,
                "{exit:?} {cause:?} {oom}"
            );
        }
    }

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        assert_eq!(exit_code(Exit::Code(0)), 0);
        assert_eq!(exit_code(Exit::Code(3)), 3);
        assert_eq!(exit_code(Exit::Signal(9)), 137);
        assert_eq!(exit_code(Exit::Signal(11)), 139);
    }
}
