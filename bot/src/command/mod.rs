//! The commands: what they are called, who may use them, and one file each that answers them.

mod access;
mod alerts;
mod audit;
mod help;
mod hosts;
mod line;
mod log;
mod panel;
mod pinned;
mod resume;
mod run;
mod runs;
mod shown;
mod solvers;
mod start;
mod status;
mod stop;
mod theme;
mod unwatch;
mod view;
mod watch;
mod whoami;
mod workers;

use kymo_store::Role;

use crate::access::role_word;
use crate::ask::{Answer, Ask};
use crate::callback::Press;
use crate::facts::Facts;
use crate::words::foreign;

pub use line::{Parsed, arguments, parse};

/// A command that people may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    Start,
    Help,
    Whoami,
    Run,
    Runs,
    Stop,
    Resume,
    Solvers,
    Status,
    Log,
    Watch,
    Unwatch,
    Workers,
    Hosts,
    Panel,
    Alerts,
    Theme,
    Access,
    Audit,
}

impl Command {
    /// All commands in the order of the menu.
    pub const ALL: [Self; 19] = [
        Self::Run,
        Self::Runs,
        Self::Status,
        Self::Stop,
        Self::Resume,
        Self::Log,
        Self::Panel,
        Self::Watch,
        Self::Unwatch,
        Self::Workers,
        Self::Hosts,
        Self::Solvers,
        Self::Alerts,
        Self::Theme,
        Self::Access,
        Self::Audit,
        Self::Whoami,
        Self::Help,
        Self::Start,
    ];

    /// The word after the slash.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Help => "help",
            Self::Whoami => "whoami",
            Self::Run => "run",
            Self::Runs => "runs",
            Self::Stop => "stop",
            Self::Resume => "resume",
            Self::Solvers => "solvers",
            Self::Status => "status",
            Self::Log => "log",
            Self::Watch => "watch",
            Self::Unwatch => "unwatch",
            Self::Workers => "workers",
            Self::Hosts => "hosts",
            Self::Panel => "panel",
            Self::Alerts => "alerts",
            Self::Theme => "theme",
            Self::Access => "access",
            Self::Audit => "audit",
        }
    }

    /// The command with this word, in any case.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|command| command.name().eq_ignore_ascii_case(word))
    }

    /// The least role that may use it. What a command may change on top of that it checks itself.
    pub fn need(self) -> Role {
        match self {
            Self::Start
            | Self::Help
            | Self::Whoami
            | Self::Runs
            | Self::Solvers
            | Self::Status
            | Self::Log
            | Self::Panel
            | Self::Workers
            | Self::Hosts => Role::Viewer,
            Self::Run
            | Self::Stop
            | Self::Resume
            | Self::Watch
            | Self::Unwatch
            | Self::Alerts
            | Self::Theme => Role::Operator,
            Self::Access | Self::Audit => Role::Admin,
        }
    }

    /// What the menu and /help say.
    pub fn about(self) -> &'static str {
        match self {
            Self::Start => "Say hello",
            Self::Help => "What I can do",
            Self::Whoami => "Your name, number and role here",
            Self::Run => "Start a run: /run airy eps=4 on gpu",
            Self::Runs => "All runs",
            Self::Stop => "Stop a run",
            Self::Resume => "Go on with a run",
            Self::Solvers => "What can be run, with parameters",
            Self::Status => "How a run is",
            Self::Log => "A run's output; /log RUN file sends all of it",
            Self::Watch => "Show a run's panel here: /watch RUN [view]",
            Self::Unwatch => "Take a run's panel away from here",
            Self::Workers => "Graph workers: list, add, start, stop, remove",
            Self::Hosts => "Hosts: what runs there, what room they have",
            Self::Panel => "Post a run's panel anew",
            Self::Alerts => "Alerts in this chat: /alerts here or off",
            Self::Theme => "Pictures here: /theme light or dark",
            Self::Access => "Who may do what: list, grant, revoke",
            Self::Audit => "Who did what",
        }
    }
}

impl Command {
    /// Answers the command for somebody who is a member; whether the role suffices is checked here.
    pub async fn answer(self, facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
        if ask.role < self.need() {
            return Ok(Answer::refuse(lacking(
                &format!("/{}", self.name()),
                ask,
                self.need(),
            )));
        }
        match self {
            Self::Start => start::answer(ask, rest),
            Self::Help => Ok(help::answer(ask)),
            Self::Whoami => Ok(whoami::answer(ask)),
            Self::Run => run::answer(facts, ask, rest).await,
            Self::Runs => Ok(runs::answer(facts, ask)),
            Self::Stop => stop::answer(facts, ask, rest).await,
            Self::Resume => resume::answer(facts, ask, rest).await,
            Self::Solvers => Ok(solvers::answer(facts, rest)),
            Self::Status => status::answer(facts, ask, rest).await,
            Self::Log => log::answer(facts, ask, rest).await,
            Self::Watch => watch::answer(facts, ask, rest).await,
            Self::Unwatch => unwatch::answer(facts, ask, rest).await,
            Self::Workers => workers::answer(facts, ask, rest).await,
            Self::Hosts => Ok(hosts::answer(facts, ask)),
            Self::Panel => panel::answer(facts, ask, rest).await,
            Self::Alerts => Ok(alerts::answer(rest)),
            Self::Theme => Ok(theme::answer(rest)),
            Self::Access => access::answer(facts, ask, rest).await,
            Self::Audit => audit::answer(facts, rest).await,
        }
    }
}

/// Answers a button that a member pressed; the role counts that they have now, not when it was drawn.
pub async fn pressed(facts: &Facts, ask: &Ask, press: &Press) -> anyhow::Result<Answer> {
    if ask.role < press.need() {
        let reason = crate::words::plain(&lacking("That button", ask, press.need()));
        return Ok(Answer::toast(reason));
    }
    match press {
        Press::Start(button) => resume::pressed(facts, ask, button).await,
        Press::Status(button) => status::pressed(facts, ask, button).await,
        Press::Stop(button) => Ok(stop::pressed(facts, button)),
        Press::StopNow(button) => Ok(stop::confirmed(facts, ask, button, kymo_runlog::order::When::Now)),
        Press::StopAfter(button) => Ok(stop::confirmed(
            facts,
            ask,
            button,
            kymo_runlog::order::When::AfterIteration,
        )),
        Press::Keep(button) => Ok(stop::kept(facts, ask, button)),
        Press::LogTail(button) => log::pressed(facts, button, false).await,
        Press::LogFile(button) => log::pressed(facts, button, true).await,
        Press::Watch(button) => Ok(watch::pressed(facts, ask, button)),
        Press::Panel(button) => panel::pressed(facts, ask, button).await,
        Press::Pick { solver } => run::picked(facts, ask, solver).await,
        Press::Card { card, revision, step } => run::card_pressed(facts, ask, *card, *revision, *step).await,
        Press::Runs { page } => Ok(runs::turned(facts, ask, *page)),
        Press::Worker { run, step } => workers::pressed(facts, ask, run, *step).await,
    }
}

/// Answers a plain text: `None` unless it replies to a question of ours.
pub async fn replied(facts: &Facts, ask: &Ask, text: &str) -> anyhow::Result<Option<Answer>> {
    run::replied(facts, ask, text).await
}

fn lacking(what: &str, ask: &Ask, need: Role) -> String {
    format!(
        "{} needs the role {}; you are {}. An admin can change that: /access grant {} {}",
        foreign(what, 60),
        role_word(need),
        role_word(ask.role),
        ask.person.id,
        role_word(need),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_listed_once_and_found_by_its_name() {
        for command in Command::ALL {
            assert_eq!(Command::named(command.name()), Some(command));
            assert_eq!(Command::named(&command.name().to_uppercase()), Some(command));
            assert_eq!(Command::ALL.iter().filter(|other| **other == command).count(), 1);
            assert!(
                command.about().len() <= 60,
                "{} is too long for a menu",
                command.about()
            );
        }
    }

    /// The table that the rights are held against: a change here is a decision, not a slip.
    #[test]
    fn who_may_use_what() {
        let names = |role: Role| {
            let commands = Command::ALL.into_iter().filter(|command| command.need() == role);
            commands.map(Command::name).collect::<Vec<_>>().join(" ")
        };
        insta::assert_snapshot!(names(Role::Viewer), @"runs status log panel workers hosts solvers whoami help start");
        insta::assert_snapshot!(names(Role::Operator), @"run stop resume watch unwatch alerts theme");
        insta::assert_snapshot!(names(Role::Admin), @"access audit");
    }
}
