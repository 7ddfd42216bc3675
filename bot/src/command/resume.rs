//! /resume [RUN] and every Start button: go on with a run from its log.

use kymo_runlog::order::Order;

use super::shown;
use crate::ask::{Act, Answer, Ask};
use crate::callback::{Press, RunButton};
use crate::facts::Facts;
use crate::follow::{Run, State};
use crate::target::{self, Named};
use kymo_runlog::Phase;

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let named = target::named(facts, ask, rest).await?;
    let state = facts.known.read();
    Ok(match named {
        Named::Run(run) => resume(facts.bot, ask, &state, &run),
        Named::Refused(refusal) => Answer::refuse(refusal),
        Named::Nothing => target::which(
            &state,
            "Which run shall go on?",
            |phase| !phase.is_busy() && *phase != Phase::Finished,
            Press::Start,
            "No run is waiting to go on. /run starts a new one.",
        ),
    })
}

fn resume(bot: u64, ask: &Ask, state: &State, run: &Run) -> Answer {
    let name = shown::name(state, run);
    if run.phase.is_busy() {
        return Answer::refuse(format!("{name} is {} already.", shown::how(state, run, ask.at)));
    }
    if run.phase == Phase::Finished {
        return Answer::refuse(format!("{name} is finished. /run offers to start it afresh."));
    }
    let after = match run.iteration {
        0 => "from the beginning".to_owned(),
        iteration => format!("after iteration {iteration}"),
    };
    Answer {
        acts: vec![
            Act::Show {
                topic: run.topic.clone(),
                said: true,
            },
            Act::Order(order(bot, ask, run)),
            Act::Say {
                html: format!("▶ {name} goes on {after}."),
                keyboard: None,
            },
        ],
        outcome: format!("ordered the start of {}", run.topic),
    }
}

pub(super) async fn pressed(facts: &Facts, ask: &Ask, button: &RunButton) -> anyhow::Result<Answer> {
    let state = facts.known.read();
    let Some(run) = target::of_button(&state, button) else {
        return Ok(Answer::toast(shown::GONE));
    };
    let name = shown::plain_name(&state, &run, 80);
    if run.phase.is_busy() {
        let phase = crate::words::plain(&shown::how(&state, &run, ask.at));
        return Ok(Answer::toast(format!("{name} is {phase} already")));
    }
    if run.phase == Phase::Finished {
        return Ok(Answer::toast(format!(
            "{name} is finished. /run offers to start it afresh."
        )));
    }
    Ok(Answer::toast(format!("▶ starting {name}"))
        .and(Act::Show {
            topic: run.topic.clone(),
            said: false,
        })
        .and(Act::Order(order(facts.bot, ask, &run)))
        .outcome(format!("ordered the start of {}", run.topic)))
}

fn order(bot: u64, ask: &Ask, run: &Run) -> kymo_runlog::order::OrderRecord {
    ask.order(
        bot,
        Order::Start {
            run: run.id.clone(),
            topic: run.topic.clone(),
            fresh: false,
            pace: run.pace,
            on: run.on.clone(),
        },
    )
}
