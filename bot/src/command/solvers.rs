//! /solvers [NAME]: what can be run, with types, units, ranges and defaults.

use kymo_runlog::catalogue::SolverCard;

use crate::ask::Answer;
use crate::card;
use crate::facts::Facts;
use crate::follow::State;
use crate::words::foreign;

/// Said when no initiator has published anything.
pub(super) const NOTHING: &str = "No solver is known: no initiator has published its catalogue yet. Start one with <code>kymo initiator</code>.";

pub(super) fn answer(facts: &Facts, rest: &str) -> Answer {
    text(&facts.known.read(), rest)
}

fn text(state: &State, rest: &str) -> Answer {
    let names = state.solvers.names();
    if names.is_empty() {
        return Answer::say(NOTHING);
    }
    if !rest.is_empty() {
        return match state.solvers.find(rest) {
            Some(card) => Answer::say(whole(card, &state.solvers.hosts_of(rest))),
            None => Answer::refuse(unknown(state, rest)),
        };
    }
    let mut lines = vec!["What can be run (<code>/solvers NAME</code> tells more):".to_owned()];
    for card in names.iter().filter_map(|name| state.solvers.find(name)) {
        let parameters: Vec<&str> = card
            .parameters
            .iter()
            .map(|parameter| parameter.name.as_str())
            .collect();
        let parameters = foreign(&parameters.join(", "), 200);
        lines.push(format!(
            "<b>{}</b>: {}\n   {parameters}",
            foreign(&card.name, 60),
            foreign(&card.help, 200)
        ));
    }
    Answer::say(lines.join("\n"))
}

fn whole(card: &SolverCard, hosts: &[&str]) -> String {
    let mut lines = vec![
        format!(
            "<b>{}</b> {}: {}",
            foreign(&card.name, 60),
            foreign(&card.version, 30),
            foreign(&card.help, 500)
        ),
        format!("On {}", foreign(&hosts.join(", "), 120)),
    ];
    for parameter in &card.parameters {
        let default = match &parameter.default {
            Some(default) => format!(", default {}", foreign(&default.to_string(), 40)),
            None if parameter.optional => ", may be left out".to_owned(),
            None => ", must be given".to_owned(),
        };
        lines.push(format!(
            "• <b>{}</b>: {} ({}{default})",
            foreign(&parameter.name, 40),
            foreign(&parameter.help, 200),
            foreign(&card::kind(parameter), 250),
        ));
    }
    lines.push(format!(
        "Start it with <code>/run {}</code>",
        foreign(&card.name, 60)
    ));
    lines.join("\n")
}

/// There is no such solver; the nearest one is named.
pub(super) fn unknown(state: &State, name: &str) -> String {
    let names = state.solvers.names();
    if names.is_empty() {
        return NOTHING.to_owned();
    }
    let remedy = match kymo_runlog::nearest(name, &names) {
        Some(near) => format!("Did you mean <code>{}</code>?", foreign(near, 60)),
        None => format!("There are: {}.", foreign(&names.join(", "), 300)),
    };
    format!("There is no solver {}. {remedy}", crate::words::code(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::solvers::tests::solvers;
    use crate::words::plain;

    fn told(rest: &str) -> String {
        let state = State {
            solvers: solvers(),
            ..State::default()
        };
        match &text(&state, rest).acts[0] {
            crate::ask::Act::Say { html, .. } => html.clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn words() {
        insta::assert_snapshot!(told(""), @"
        What can be run (<code>/solvers NAME</code> tells more):
        <b>airy</b>: an Airy pulse enters a layer
           eps, h, window, orientation, t_s, note
        ");
        insta::assert_snapshot!(told("airy"), @"
        <b>airy</b> 1: an Airy pulse enters a layer
        On lab
        • <b>eps</b>: what eps means (a number, 1 … 25, default 4)
        • <b>h</b>: what h means (a number, 0.00001 … 0.5, in L, default 0.01)
        • <b>window</b>: what window means (a whole number, at least 1, default 100)
        • <b>orientation</b>: what orientation means (one of front_first, tail_first, default front_first)
        • <b>t_s</b>: what t_s means (a number, at least 0, may be left out)
        • <b>note</b>: what note means (a text of at most 300 characters, default )
        Start it with <code>/run airy</code>
        ");
        insta::assert_snapshot!(told("airi"), @"There is no solver <code>airi</code>. Did you mean <code>airy</code>?");
        insta::assert_snapshot!(told("<b>🙂</b>"), @"There is no solver <code>&lt;b&gt;🙂&lt;/b&gt;</code>. There are: airy.");
        assert!(told(&"x".repeat(300)).len() < 300);
        assert_eq!(text(&State::default(), "").acts.len(), 1);
        let _ = plain("");
    }
}
