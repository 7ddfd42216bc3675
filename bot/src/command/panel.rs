//! /panel [RUN]: posts the panel anew, always. A message that a person deleted on their side only
//! looks to Telegram like one that is there.

use kymo_runlog::Topic;
use kymo_store::Role;
use teloxide::types::InlineKeyboardMarkup;

use super::{shown, watch};
use crate::ask::{Act, Answer, Ask};
use crate::callback::{Press, RunButton};
use crate::facts::Facts;
use crate::follow::{Run, State};
use crate::target::{self, Named};
use crate::words::cut;

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let topic = match target::named(facts, ask, rest).await? {
        Named::Run(run) => run.topic,
        Named::Refused(_) => match watch::topic(facts, rest).await? {
            Ok((topic, _)) => topic,
            Err(refusal) => return Ok(Answer::refuse(refusal)),
        },
        Named::Nothing => return choose(facts, ask).await,
    };
    Ok(match may_show(facts, ask, &topic).await? {
        true => anew(topic),
        false => Answer::refuse(
            "That run is not shown here. Somebody with the role operator can change that: /watch",
        ),
    })
}

pub(super) async fn pressed(facts: &Facts, ask: &Ask, button: &RunButton) -> anyhow::Result<Answer> {
    let run = target::of_button(&facts.known.read(), button);
    let Some(run) = run else {
        return Ok(Answer::toast(shown::GONE));
    };
    Ok(match may_show(facts, ask, &run.topic).await? {
        true => anew(run.topic),
        false => Answer::toast("That run is not shown here any more"),
    })
}

/// Whoever may only look may ask for what the chat shows, not for more.
async fn may_show(facts: &Facts, ask: &Ask, topic: &Topic) -> anyhow::Result<bool> {
    Ok(ask.role >= Role::Operator || facts.store.find_panel(topic, ask.place.chat).await?.is_some())
}

fn anew(topic: Topic) -> Answer {
    let outcome = format!("posted the panel of {topic} anew");
    Answer {
        acts: vec![Act::Repost { topic }],
        outcome,
    }
}

/// Nothing was named: the run that is shown here, a busy one before others, or a choice.
async fn choose(facts: &Facts, ask: &Ask) -> anyhow::Result<Answer> {
    let panels = facts.store.panels_in(ask.place.chat).await?;
    let shown: Vec<&Topic> = panels.iter().map(|panel| &panel.topic).collect();
    let state = facts.known.read();
    let busy: Vec<&Topic> = shown
        .iter()
        .copied()
        .filter(|topic| is_busy(&state, topic))
        .collect();
    Ok(match (busy.as_slice(), shown.as_slice()) {
        ([only], _) | (_, [only]) => anew((*only).clone()),
        (_, []) => Answer::say(
            "No run is shown here. <code>/watch RUN</code> or <code>/panel RUN</code> shows one; /runs lists them.",
        ),
        (_, several) => {
            let runs = several.iter().filter_map(|topic| state.runs.find(topic)).take(12);
            let rows: Vec<_> = runs.map(|run| vec![button(&state, run)]).collect();
            Answer::ask(
                "Which panel? Or write <code>/panel RUN</code>.",
                InlineKeyboardMarkup::new(rows),
            )
        }
    })
}

fn is_busy(state: &State, topic: &Topic) -> bool {
    state.runs.find(topic).is_some_and(|run| run.phase.is_busy())
}

fn button(state: &State, run: &Run) -> teloxide::types::InlineKeyboardButton {
    let label = format!("{} · {}", cut(&state.solvers.name_run(&run.id), 40), run.short);
    Press::Panel(RunButton::new(&run.short, run.attempt)).button(label)
}
