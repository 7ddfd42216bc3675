//! /stop [RUN] and every Stop button. Stopping is asked for twice: the question names the run, and
//! is void once the run was started again.

use kymo_runlog::order::{Order, When};
use teloxide::types::InlineKeyboardMarkup;

use super::shown;
use crate::ask::{Act, Answer, Ask};
use crate::callback::{Press, RunButton};
use crate::facts::Facts;
use crate::follow::{Run, State};
use crate::target::{self, Named};
use crate::words::foreign;
use kymo_runlog::Phase;

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let named = target::named(facts, ask, rest).await?;
    let state = facts.known.read();
    Ok(match named {
        Named::Run(run) => question(&state, &run),
        Named::Refused(refusal) => Answer::refuse(refusal),
        Named::Nothing => target::which(
            &state,
            "Which run shall stop?",
            Phase::is_busy,
            Press::Stop,
            "Nothing is running.",
        ),
    })
}

fn question(state: &State, run: &Run) -> Answer {
    let name = shown::name(state, run);
    if !run.can_stop() {
        return Answer::refuse(format!("{name} is not running."));
    }
    let button = RunButton::new(&run.short, run.attempt);
    if waits(run) {
        let keyboard = InlineKeyboardMarkup::new([[
            Press::StopNow(button.clone()).button("Take it out"),
            Press::Keep(button).button("Keep it"),
        ]]);
        return Answer::ask(
            format!("Take {name} out of the queue? What it has computed is kept."),
            keyboard,
        )
        .outcome(format!("asked whether to stop {}", run.topic));
    }
    let keyboard = InlineKeyboardMarkup::new([
        vec![
            Press::StopAfter(button.clone()).button("After this iteration"),
            Press::StopNow(button.clone()).button("Now"),
        ],
        vec![Press::Keep(button).button("Keep it running")],
    ]);
    Answer::ask(
        format!("Stop {name}? What it has computed is kept; Start goes on from there."),
        keyboard,
    )
    .outcome(format!("asked whether to stop {}", run.topic))
}

/// Nobody computes it now.
fn waits(run: &Run) -> bool {
    matches!(run.phase, Phase::Queued | Phase::Lost { .. })
}

pub(super) fn pressed(facts: &Facts, button: &RunButton) -> Answer {
    let state = facts.known.read();
    match target::of_button(&state, button) {
        None => Answer::toast(shown::GONE),
        Some(run) if !run.can_stop() => {
            Answer::toast(format!("{} is not running", shown::plain_name(&state, &run, 80)))
        }
        Some(run) => question(&state, &run),
    }
}

pub(super) fn confirmed(facts: &Facts, ask: &Ask, button: &RunButton, when: When) -> Answer {
    let state = facts.known.read();
    let Some(run) = target::of_button(&state, button) else {
        return Answer::toast(shown::GONE);
    };
    let name = shown::name(&state, &run);
    if run.attempt != button.generation {
        return closing(
            ask,
            "It was started again since; ask anew",
            format!("{name} was started again since. /stop asks anew."),
        );
    }
    if !run.can_stop() {
        return closing(
            ask,
            "It is not running any more",
            format!("{name} is not running any more."),
        );
    }
    let waits = waits(&run);
    let (toast, words) = match when {
        When::AfterIteration | When::Now if waits => ("It leaves the queue", "leaves the queue"),
        When::AfterIteration => ("It stops after this iteration", "stops after this iteration"),
        When::Now => ("It stops now", "stops now"),
    };
    let order = ask.order(
        facts.bot,
        Order::Stop {
            topic: run.topic.clone(),
            when,
        },
    );
    let said = format!("⏹ {name} {words}, ordered by {}.", foreign(&ask.person.name, 64));
    let mut answer = closing(ask, toast, said).outcome(format!("ordered the stop of {}", run.topic));
    answer.acts.insert(1, Act::Order(order));
    answer
}

pub(super) fn kept(facts: &Facts, ask: &Ask, button: &RunButton) -> Answer {
    let state = facts.known.read();
    match target::of_button(&state, button) {
        None => Answer::toast(shown::GONE),
        Some(run) => closing(
            ask,
            "It goes on",
            format!("{} goes on.", shown::name(&state, &run)),
        ),
    }
}

/// The question gets its answer and loses its buttons.
fn closing(ask: &Ask, toast: &str, html: String) -> Answer {
    let answer = Answer::toast(toast);
    match ask.place.message {
        Some(message) => answer.and(Act::Edit {
            message,
            html,
            keyboard: None,
        }),
        None => answer,
    }
}
