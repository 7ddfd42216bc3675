//! Which run a person means: a short id, its beginning, a topic, or a solver with parameters.

use kymo_runlog::{Phase, Topic};
use teloxide::types::InlineKeyboardMarkup;

use crate::ask::{Answer, Ask};
use crate::callback::{Press, RunButton};
use crate::facts::Facts;
use crate::follow::{Run, State};
use crate::words::{cut, foreign};

/// Short ids are named by at least this many of their first characters.
const SHORTEST: usize = 3;

/// A list of runs to choose from is no longer than this.
const LISTED: usize = 12;

/// What a command's argument says of the run that is meant.
pub enum Named {
    Run(Box<Run>),
    /// Why there is none, in HTML.
    Refused(String),
    /// Nothing was said.
    Nothing,
}

/// The run that an argument names, or the one whose panel the command replies to.
pub async fn named(facts: &Facts, ask: &Ask, text: &str) -> anyhow::Result<Named> {
    if !text.trim().is_empty() {
        let state = facts.known.read();
        return Ok(match find(&state, text) {
            Ok(run) => Named::Run(Box::new(run.clone())),
            Err(refusal) => Named::Refused(refusal),
        });
    }
    let Some(replied_to) = &ask.replied_to else {
        return Ok(Named::Nothing);
    };
    let panel = facts
        .store
        .find_panel_by_message(ask.place.chat, replied_to.message)
        .await?;
    let state = facts.known.read();
    let run = panel.and_then(|panel| state.runs.find(&panel.topic).cloned());
    Ok(run.map_or(Named::Nothing, |run| Named::Run(Box::new(run))))
}

/// The run of a button; `None` when the log knows it no more.
pub fn of_button(state: &State, button: &RunButton) -> Option<Run> {
    state.runs.find_short(&button.run).cloned()
}

/// Asks which run is meant, with a button for each that fits.
pub fn which(
    state: &State,
    question: &str,
    fits: fn(&Phase) -> bool,
    press: fn(RunButton) -> Press,
    none: &str,
) -> Answer {
    let runs = state
        .runs
        .listed()
        .into_iter()
        .filter(|run| fits(&run.phase))
        .take(LISTED);
    let rows: Vec<_> = runs
        .map(|run| {
            let label = format!("{} · {}", cut(&state.solvers.name_run(&run.id), 40), run.short);
            vec![press(RunButton::new(&run.short, run.attempt)).button(label)]
        })
        .collect();
    match rows.is_empty() {
        true => Answer::say(none),
        false => Answer::ask(question, InlineKeyboardMarkup::new(rows)),
    }
}

/// Finds the run that `text` names, or says in HTML why there is none.
pub fn find<'a>(state: &'a State, text: &str) -> Result<&'a Run, String> {
    let text = text.trim();
    if let Some(run) = Topic::parse(text).ok().and_then(|topic| state.runs.find(&topic)) {
        return Ok(run);
    }
    let wanted = text.to_ascii_lowercase();
    let fits = |run: &&Run| wanted.len() >= SHORTEST && run.short.as_str().starts_with(&wanted);
    let found: Vec<&Run> = state.runs.listed().into_iter().filter(fits).collect();
    match found.as_slice() {
        [run] => return Ok(run),
        [] => {}
        several => {
            let ids: Vec<String> = several
                .iter()
                .map(|run| format!("<code>{}</code>", run.short))
                .collect();
            return Err(format!(
                "{} begins several short ids: {}. Write one more character.",
                foreign(text, 40),
                ids.join(", ")
            ));
        }
    }
    if let Some(topic) = described(state, text) {
        return state
            .runs
            .find(&topic)
            .ok_or_else(|| format!("There is no run {} yet. /run starts it.", foreign(text, 80)));
    }
    Err(format!(
        "There is no run {}. Name it by its short id or its topic; /runs lists them.",
        if text.is_empty() {
            "without a name".to_owned()
        } else {
            foreign(text, 80)
        }
    ))
}

/// The topic of `airy eps=4`.
fn described(state: &State, text: &str) -> Option<Topic> {
    let words = crate::command::arguments(text);
    let (solver, assignments) = words.split_first()?;
    let run = state.solvers.find(solver)?.read(assignments).ok()?;
    Some(run.topic())
}

#[cfg(test)]
mod tests {
    use kymo_runlog::event::RunEvent;

    use super::*;
    use crate::follow::runs::tests::{event, second};
    use crate::follow::solvers::tests::{airy, solvers};

    #[test]
    fn runs_are_found_by_every_name_that_people_see() {
        let full = airy().read(&["eps=9"]).expect("a good run");
        let mut state = State {
            solvers: solvers(),
            ..State::default()
        };
        state
            .runs
            .event(&event(&full, 1, 0, RunEvent::Started { pid: 1 }), second(1));
        let short = state.runs.listed()[0].short.to_string();
        let found = |text: &str| find(&state, text).map(|run| run.id.clone());
        for text in [
            short.as_str(),
            &short[..4],
            &short.to_uppercase(),
            full.topic().as_str(),
            "airy eps=9",
        ] {
            assert_eq!(found(text), Ok(full.clone()), "{text}");
        }
        insta::assert_snapshot!(found("<b>").unwrap_err(), @"There is no run &lt;b&gt;. Name it by its short id or its topic; /runs lists them.");
        insta::assert_snapshot!(found("").unwrap_err(), @"There is no run without a name. Name it by its short id or its topic; /runs lists them.");
        insta::assert_snapshot!(found("airy eps=5").unwrap_err(), @"There is no run airy eps=5 yet. /run starts it.");
    }
}
