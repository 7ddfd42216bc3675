//! /watch RUN [view]: this chat shows the run's panel.

use kymo_runlog::Topic;

use super::{shown, view};
use crate::ask::{Act, Answer, Ask};
use crate::callback::{Press, RunButton};
use crate::facts::Facts;
use crate::target;
use crate::words::{code, cut, foreign};

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let words = super::arguments(rest);
    let Some((run, view)) = words.split_first() else {
        let state = facts.known.read();
        let question =
            "Which run shall be shown here? Write <code>/watch RUN</code> or <code>/watch RUN view</code>:";
        return Ok(target::which(
            &state,
            question,
            |_| true,
            Press::Watch,
            "No runs yet. /run starts one.",
        ));
    };
    let view = (!view.is_empty()).then(|| view.join(" "));
    let (topic, name) = match topic(facts, run).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Answer::refuse(refusal)),
    };
    let view = match view {
        Some(view) => match view::read(facts, &topic, &view).await? {
            Ok(view) => Some(view),
            Err(refusal) => return Ok(Answer::refuse(refusal)),
        },
        None => None,
    };
    let drawn = view
        .as_deref()
        .map(|view| format!(", drawn as {}", code(view)))
        .unwrap_or_default();
    Ok(Answer::say(format!("{name} is shown here{drawn}."))
        .and(Act::Watch {
            topic: topic.clone(),
            view,
        })
        .outcome(format!("{} watches {topic}", ask.place.chat)))
}

pub(super) fn pressed(facts: &Facts, ask: &Ask, button: &RunButton) -> Answer {
    let state = facts.known.read();
    let Some(run) = target::of_button(&state, button) else {
        return Answer::toast(shown::GONE);
    };
    let outcome = format!("{} watches {}", ask.place.chat, run.topic);
    let name = shown::plain_name(&state, &run, 80);
    let watch = Act::Watch {
        topic: run.topic,
        view: None,
    };
    Answer::toast(format!("{name} is shown here"))
        .and(watch)
        .outcome(outcome)
}

/// The topic that `text` names, be it a run's that the log tells of or just a topic; or why there is none.
pub(super) async fn topic(facts: &Facts, text: &str) -> anyhow::Result<Result<(Topic, String), String>> {
    let refusal = {
        let state = facts.known.read();
        match target::find(&state, text) {
            Ok(run) => return Ok(Ok((run.topic.clone(), shown::name(&state, run)))),
            Err(refusal) => refusal,
        }
    };
    // A topic that no event tells of may have been written by another program.
    match Topic::parse(text) {
        Ok(topic) if facts.log.exists(&topic).await? => {
            let name = format!("<b>{}</b>", foreign(&cut(topic.as_str(), 120), 120));
            Ok(Ok((topic, name)))
        }
        Ok(topic) if text.len() > 8 => Ok(Err(format!(
            "There is no topic {}. Start its run first, or check the name: /runs lists them.",
            code(topic.as_str())
        ))),
        Ok(_) | Err(_) => Ok(Err(refusal)),
    }
}
