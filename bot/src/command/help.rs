//! /help: the commands that this person may use.

use super::Command;
use crate::ask::{Answer, Ask};

pub(super) fn answer(ask: &Ask) -> Answer {
    let mut lines = vec!["I start, show and stop long computations.".to_owned()];
    for command in Command::ALL
        .into_iter()
        .filter(|command| command.need() <= ask.role)
    {
        lines.push(format!("/{}: {}", command.name(), command.about()));
    }
    lines.push("A run is named by its short id, the first characters of it, or its topic.".to_owned());
    Answer::say(lines.join("\n"))
}
