//! What a button carries: at most 64 bytes, `<version>:<action>:<arguments>`.
//!
//! A button lives as long as its message, so every press is parsed as if it came from a stranger
//! or from last year's version.

use kymo_runlog::ShortId;
use kymo_store::Role;
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};

use crate::panel::RunState;

/// Raised whenever a button's meaning changes; buttons of other versions are answered, not obeyed.
const VERSION: &str = "1";

/// A run as a button names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunButton {
    /// The run's short id.
    pub run: String,
    /// The attempt that was in effect when the button was drawn: a confirmation for an earlier one is void.
    pub generation: u32,
}

impl RunButton {
    /// A button for `run` while `generation` is its attempt.
    pub fn new(run: &ShortId, generation: u32) -> Self {
        Self {
            run: run.as_str().to_owned(),
            generation,
        }
    }
}

/// What a button asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Press {
    /// Start or resume the run.
    Start(RunButton),
    /// Say how the run is.
    Status(RunButton),
    /// Ask whether to stop the run.
    Stop(RunButton),
    /// Stop it at once: the answer to [`Press::Stop`].
    StopNow(RunButton),
    /// Stop it after the current iteration: the answer to [`Press::Stop`].
    StopAfter(RunButton),
    /// Leave it running: the answer to [`Press::Stop`].
    Keep(RunButton),
    /// Send the run's last output lines.
    LogTail(RunButton),
    /// Send the run's whole output.
    LogFile(RunButton),
    /// Open a card for a solver, known by [`solver_tag`].
    Pick { solver: String },
    /// Change or use a confirmation card.
    Card {
        card: i64,
        revision: u32,
        step: CardStep,
    },
    /// Show the run's panel in this chat.
    Watch(RunButton),
    /// Post the run's panel anew.
    Panel(RunButton),
    /// Another page of the list of runs.
    Runs { page: u32 },
    /// Do something with a run's graph worker.
    Worker { run: String, step: WorkerStep },
}

/// What a confirmation card's button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardStep {
    /// Start; go on from the log when there are records.
    Start,
    /// Forget the records, then start.
    Afresh,
    /// Close the card.
    Cancel,
    /// Show the buttons of the parameter with this index.
    Open(u8),
    /// Back to all parameters.
    Back,
    /// Give the open parameter the proposed value with this index.
    Take(u8),
    /// Ask for a typed value of the open parameter.
    Type,
}

/// What a button under /workers does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerStep {
    Add,
    Start,
    Stop,
    Remove,
}

/// Why a press cannot be understood: the button is not of this version.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this button is from an older version; /runs and /panel give fresh ones")]
pub struct OldButton;

impl Press {
    /// The button's data.
    pub fn encode(&self) -> String {
        let run = |action: &str, b: &RunButton| format!("{VERSION}:{action}:{}:{}", b.run, b.generation);
        match self {
            Self::Start(b) => run("s", b),
            Self::Status(b) => run("i", b),
            Self::Stop(b) => run("x", b),
            Self::StopNow(b) => run("xn", b),
            Self::StopAfter(b) => run("xa", b),
            Self::Keep(b) => run("xk", b),
            Self::LogTail(b) => run("l", b),
            Self::LogFile(b) => run("lf", b),
            Self::Watch(b) => run("v", b),
            Self::Panel(b) => run("n", b),
            Self::Pick { solver } => format!("{VERSION}:p:{solver}"),
            Self::Card { card, revision, step } => format!("{VERSION}:c:{card}:{revision}:{}", step.encode()),
            Self::Runs { page } => format!("{VERSION}:r:{page}"),
            Self::Worker { run, step } => format!("{VERSION}:w:{run}:{}", step.encode()),
        }
    }

    /// The press with this data.
    pub fn decode(data: &str) -> Result<Self, OldButton> {
        let fields: Vec<&str> = data.split(':').collect();
        let button = |run: &str, generation: &str| -> Result<RunButton, OldButton> {
            Ok(RunButton {
                run: token(run)?,
                generation: number(generation)?,
            })
        };
        match fields.as_slice() {
            [VERSION, "s", run, g] => Ok(Self::Start(button(run, g)?)),
            [VERSION, "i", run, g] => Ok(Self::Status(button(run, g)?)),
            [VERSION, "x", run, g] => Ok(Self::Stop(button(run, g)?)),
            [VERSION, "xn", run, g] => Ok(Self::StopNow(button(run, g)?)),
            [VERSION, "xa", run, g] => Ok(Self::StopAfter(button(run, g)?)),
            [VERSION, "xk", run, g] => Ok(Self::Keep(button(run, g)?)),
            [VERSION, "l", run, g] => Ok(Self::LogTail(button(run, g)?)),
            [VERSION, "lf", run, g] => Ok(Self::LogFile(button(run, g)?)),
            [VERSION, "v", run, g] => Ok(Self::Watch(button(run, g)?)),
            [VERSION, "n", run, g] => Ok(Self::Panel(button(run, g)?)),
            [VERSION, "p", solver] => Ok(Self::Pick {
                solver: token(solver)?,
            }),
            [VERSION, "c", card, revision, step] => Ok(Self::Card {
                card: number(card)?,
                revision: number(revision)?,
                step: CardStep::decode(step).ok_or(OldButton)?,
            }),
            [VERSION, "r", page] => Ok(Self::Runs { page: number(page)? }),
            [VERSION, "w", run, step] => Ok(Self::Worker {
                run: token(run)?,
                step: WorkerStep::decode(step).ok_or(OldButton)?,
            }),
            _ => Err(OldButton),
        }
    }

    /// The least role that may press it. What else must hold, the command behind it checks.
    pub fn need(&self) -> Role {
        match self {
            Self::Status(_) | Self::LogTail(_) | Self::LogFile(_) | Self::Panel(_) | Self::Runs { .. } => {
                Role::Viewer
            }
            Self::Start(_)
            | Self::Stop(_)
            | Self::StopNow(_)
            | Self::StopAfter(_)
            | Self::Keep(_)
            | Self::Watch(_)
            | Self::Pick { .. }
            | Self::Card { .. }
            | Self::Worker { .. } => Role::Operator,
        }
    }

    /// What the audit and refusals call it.
    pub fn name(&self) -> String {
        let of = |what: &str, button: &RunButton| format!("{what} {}", button.run);
        match self {
            Self::Start(b) => of("start", b),
            Self::Status(b) => of("status", b),
            Self::Stop(b) => of("stop?", b),
            Self::StopNow(b) => of("stop now", b),
            Self::StopAfter(b) => of("stop after this iteration", b),
            Self::Keep(b) => of("keep running", b),
            Self::LogTail(b) => of("log", b),
            Self::LogFile(b) => of("log file", b),
            Self::Watch(b) => of("watch", b),
            Self::Panel(b) => of("panel", b),
            Self::Pick { .. } => "choose a solver".to_owned(),
            Self::Card { card, step, .. } => format!("card {card}: {}", step.name()),
            Self::Runs { page } => format!("runs, page {}", page.saturating_add(1)),
            Self::Worker { run, step } => format!("worker {run}: {}", step.name()),
        }
    }

    /// A button with this label.
    pub fn button(&self, label: impl Into<String>) -> InlineKeyboardButton {
        InlineKeyboardButton::callback(label, self.encode())
    }
}

impl CardStep {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Afresh => "start afresh",
            Self::Cancel => "cancel",
            Self::Open(_) => "open a parameter",
            Self::Back => "back",
            Self::Take(_) => "take a value",
            Self::Type => "type a value",
        }
    }

    fn encode(self) -> String {
        match self {
            Self::Start => "s".to_owned(),
            Self::Afresh => "f".to_owned(),
            Self::Cancel => "x".to_owned(),
            Self::Open(index) => format!("o{index}"),
            Self::Back => "b".to_owned(),
            Self::Take(index) => format!("t{index}"),
            Self::Type => "y".to_owned(),
        }
    }

    fn decode(text: &str) -> Option<Self> {
        match text {
            "s" => Some(Self::Start),
            "f" => Some(Self::Afresh),
            "x" => Some(Self::Cancel),
            "b" => Some(Self::Back),
            "y" => Some(Self::Type),
            _ => {
                let index = |rest: &str| number(rest).ok();
                let open = text.strip_prefix('o').and_then(index).map(Self::Open);
                open.or_else(|| text.strip_prefix('t').and_then(index).map(Self::Take))
            }
        }
    }
}

impl WorkerStep {
    /// The word in the chat.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Remove => "remove",
        }
    }

    fn encode(self) -> &'static str {
        match self {
            Self::Add => "a",
            Self::Start => "s",
            Self::Stop => "x",
            Self::Remove => "r",
        }
    }

    fn decode(text: &str) -> Option<Self> {
        [Self::Add, Self::Start, Self::Stop, Self::Remove]
            .into_iter()
            .find(|step| step.encode() == text)
    }
}

/// A solver's name may be longer than a button's data; its tag is not.
pub fn solver_tag(name: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::digest(name.as_bytes())[..6])
}

/// The buttons under a panel. Start and Stop act on the run.
///
/// They are the same in every state: a button that comes and goes is pressed by mistake. Stop asks
/// before it acts, so the panel's own generation needs no check.
pub fn panel_keyboard(run: &ShortId, generation: i64, _state: &RunState) -> InlineKeyboardMarkup {
    let button = RunButton::new(run, u32::try_from(generation).unwrap_or_default());
    InlineKeyboardMarkup::new([[
        Press::Start(button.clone()).button("▶ Start"),
        Press::Status(button.clone()).button("ℹ Status"),
        Press::Stop(button).button("⏹ Stop"),
    ]])
}

fn token(text: &str) -> Result<String, OldButton> {
    let fits =
        !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    fits.then(|| text.to_owned()).ok_or(OldButton)
}

/// Only the spelling that [`Press::encode`] writes: no sign, no leading zeros.
fn number<N: std::str::FromStr + ToString>(text: &str) -> Result<N, OldButton> {
    text.parse::<N>()
        .ok()
        .filter(|n| n.to_string() == text)
        .ok_or(OldButton)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run_button() -> impl Strategy<Value = RunButton> {
        ("[a-z0-9]{8}", any::<u32>()).prop_map(|(run, generation)| RunButton { run, generation })
    }

    fn card_step() -> impl Strategy<Value = CardStep> {
        prop_oneof![
            Just(CardStep::Start),
            Just(CardStep::Afresh),
            Just(CardStep::Cancel),
            Just(CardStep::Back),
            Just(CardStep::Type),
            any::<u8>().prop_map(CardStep::Open),
            any::<u8>().prop_map(CardStep::Take),
        ]
    }

    fn worker_step() -> impl Strategy<Value = WorkerStep> {
        prop_oneof![
            Just(WorkerStep::Add),
            Just(WorkerStep::Start),
            Just(WorkerStep::Stop),
            Just(WorkerStep::Remove)
        ]
    }

    pub(crate) fn press() -> impl Strategy<Value = Press> {
        prop_oneof![
            run_button().prop_map(Press::Start),
            run_button().prop_map(Press::Status),
            run_button().prop_map(Press::Stop),
            run_button().prop_map(Press::StopNow),
            run_button().prop_map(Press::StopAfter),
            run_button().prop_map(Press::Keep),
            run_button().prop_map(Press::LogTail),
            run_button().prop_map(Press::LogFile),
            run_button().prop_map(Press::Watch),
            run_button().prop_map(Press::Panel),
            ".{0,300}".prop_map(|name| Press::Pick {
                solver: solver_tag(&name)
            }),
            (0i64.., any::<u32>(), card_step()).prop_map(|(card, revision, step)| Press::Card {
                card,
                revision,
                step
            }),
            any::<u32>().prop_map(|page| Press::Runs { page }),
            ("[a-z0-9]{8}", worker_step()).prop_map(|(run, step)| Press::Worker { run, step }),
        ]
    }

    proptest! {
        #[test]
        fn every_press_fits_a_button_and_comes_back(press in press()) {
            let data = press.encode();
            prop_assert!((1..=64).contains(&data.len()), "{data}");
            prop_assert_eq!(Press::decode(&data), Ok(press));
        }

        #[test]
        fn whatever_decodes_is_spelled_in_one_way(data in "\\PC{0,70}|[01]:[a-z]{1,2}:[a-z0-9:+-]{0,40}") {
            if let Ok(press) = Press::decode(&data) {
                prop_assert_eq!(press.encode(), data);
            }
        }
    }

    #[test]
    fn buttons_of_other_versions_and_nonsense_are_old() {
        for data in [
            "",
            "1",
            "0:s:ab12cd34:1",
            "2:s:ab12cd34:1",
            "1:s:ab12cd34",
            "1:s:ab12cd34:01",
            "1:s:ab12cd34:-1",
            "1:s:<b>:1",
            "1:c:1:1:o256",
            "1:c:1:1:q",
            "1:w:ab12cd34:z",
            "start:ab12cd34",
            "1:s:ab12cd34:1:1",
        ] {
            assert_eq!(Press::decode(data), Err(OldButton), "{data}");
        }
    }
}
