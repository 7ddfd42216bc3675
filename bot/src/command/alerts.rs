//! /alerts here|off: whether this chat hears of starts, ends and failures.

use crate::ask::{Act, Answer};

pub(super) fn answer(rest: &str) -> Answer {
    match rest.to_ascii_lowercase().as_str() {
        "here" | "on" => {
            Answer::say("Alerts come here from now on: runs that start, finish, fail or fall silent.\n/alerts off ends it.")
                .and(Act::Alerts { on: true })
                .outcome("alerts on")
        }
        "off" => Answer::say("Alerts do not come here any more.").and(Act::Alerts { on: false }).outcome("alerts off"),
        _ => Answer::say("Write <code>/alerts here</code> to hear of starts, ends and failures in this chat, or <code>/alerts off</code>."),
    }
}
