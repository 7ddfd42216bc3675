//! /runs: all runs, busy ones first, a page at a time.

use chrono::{DateTime, Utc};
use teloxide::types::InlineKeyboardMarkup;

use super::shown;
use crate::ask::{Act, Answer, Ask};
use crate::callback::{Press, RunButton};
use crate::facts::Facts;
use crate::follow::{State, ago};

const PAGE: usize = 6;

pub(super) fn answer(facts: &Facts, ask: &Ask) -> Answer {
    let (html, keyboard) = page(&facts.known.read(), 0, ask.at);
    Answer::ask(html, keyboard)
}

pub(super) fn turned(facts: &Facts, ask: &Ask, number: u32) -> Answer {
    let (html, keyboard) = page(&facts.known.read(), number, ask.at);
    let Some(message) = ask.place.message else {
        return Answer::toast("");
    };
    Answer::toast("")
        .and(Act::Edit {
            message,
            html,
            keyboard: Some(keyboard),
        })
        .outcome("turned the page")
}

fn page(state: &State, number: u32, now: DateTime<Utc>) -> (String, InlineKeyboardMarkup) {
    let runs = state.runs.listed();
    let trouble = state.trouble.as_ref().map(|why| {
        format!(
            "⚠ The log cannot be read now: {}",
            crate::words::foreign(why, 300)
        )
    });
    if runs.is_empty() {
        let html = trouble.unwrap_or_else(|| "No runs yet. /run starts one.".to_owned());
        return (html, InlineKeyboardMarkup::default());
    }
    let pages = runs.len().div_ceil(PAGE);
    // A page that went away shows the last one.
    let number = usize::try_from(number).unwrap_or(usize::MAX).min(pages - 1);
    let mut lines: Vec<String> = trouble.into_iter().collect();
    let mut rows = Vec::new();
    for run in runs.iter().skip(number * PAGE).take(PAGE) {
        let iteration = if run.iteration > 0 {
            format!(", iteration {}", run.iteration)
        } else {
            String::new()
        };
        let (sign, phase) = (shown::sign(&run.phase), shown::how(state, run, now));
        lines.push(format!(
            "{sign} {}\n   {phase}{iteration}, {}",
            shown::name(state, run),
            ago(run.at, now)
        ));
        let button = RunButton::new(&run.short, run.attempt);
        let act = if run.phase.is_busy() {
            Press::Stop(button.clone()).button("⏹ Stop")
        } else {
            Press::Start(button.clone()).button("▶ Start")
        };
        rows.push(vec![
            Press::Status(button).button(format!("ℹ {}", run.short)),
            act,
        ]);
    }
    let mut turns = Vec::new();
    if number > 0 {
        turns.push(
            Press::Runs {
                page: number as u32 - 1,
            }
            .button("‹ Newer"),
        );
    }
    if number + 1 < pages {
        turns.push(
            Press::Runs {
                page: number as u32 + 1,
            }
            .button("Older ›"),
        );
    }
    if !turns.is_empty() {
        lines.push(format!("Page {} of {pages}", number + 1));
        rows.push(turns);
    }
    (lines.join("\n"), InlineKeyboardMarkup::new(rows))
}

#[cfg(test)]
mod tests {
    use kymo_runlog::event::RunEvent;

    use super::*;
    use crate::follow::runs::tests::{event, run_id, second};
    use crate::follow::solvers::tests::solvers;

    #[test]
    fn pages() {
        let mut state = State {
            solvers: solvers(),
            ..State::default()
        };
        assert_eq!(page(&state, 3, second(0)).0, "No runs yet. /run starts one.");
        for i in 1..=8u32 {
            state.runs.event(
                &event(&run_id(f64::from(i)), 1, 0, RunEvent::Started { pid: 1 }),
                second(1),
            );
            let reason = "exit code <3>".to_owned();
            let failed = RunEvent::Failed {
                reason,
                last_lines: vec![],
                again_at: None,
            };
            state
                .runs
                .event(&event(&run_id(f64::from(i)), 1, 7, failed), second(i.into()));
        }
        let (html, keyboard) = page(&state, 9, second(100));
        insta::assert_snapshot!(html, @"
        ❌ <b>airy eps=2</b> (<code>x6j940dg</code>)
           failed: exit code &lt;3&gt;, iteration 7, 1 min 38 s ago
        ❌ <b>airy eps=1</b> (<code>d0caa9ew</code>)
           failed: exit code &lt;3&gt;, iteration 7, 1 min 39 s ago
        Page 2 of 2
        ");
        assert_eq!(keyboard.inline_keyboard.len(), 3);
        assert!(page(&state, 0, second(100)).0.chars().count() < 4096);
    }
}
