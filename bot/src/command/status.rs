//! /status [RUN] and every Status button: a toast over the panel, the facts in a message.

use std::time::Duration;

use kymo_door::PanelFacts;
use teloxide::types::InlineKeyboardMarkup;

use super::{shown, workers};
use crate::ask::{Answer, Ask};
use crate::callback::{Press, RunButton};
use crate::facts::Facts;
use crate::follow::{Progress, Run, ago, progress};
use crate::target::{self, Named};
use crate::words::{code, cut, duration, foreign, number};

/// The log has this long to tell how far a run is; without it the newest event tells.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let run = match target::named(facts, ask, rest).await? {
        Named::Run(run) => *run,
        Named::Refused(refusal) => return Ok(Answer::refuse(refusal)),
        Named::Nothing => {
            let state = facts.known.read();
            let mut busy = state.runs.listed().into_iter().filter(|run| run.phase.is_busy());
            match (busy.next().cloned(), busy.next()) {
                (Some(only), None) => only,
                _ => {
                    let none = "No runs yet. /run starts one.";
                    return Ok(target::which(&state, "Which run?", |_| true, Press::Status, none));
                }
            }
        }
    };
    let (progress, panel) = look(facts, &run).await?;
    let (name, how) = {
        let state = facts.known.read();
        (shown::name(&state, &run), shown::how(&state, &run, ask.at))
    };
    let mut lines = vec![
        format!("{} {name}", shown::sign(&run.phase)),
        head(how, &run, progress.as_ref(), ask),
    ];
    if let Some(panel) = &panel {
        lines.extend(seen(panel, run.phase.is_busy(), ask));
    }
    // A group is told what matters; who wants the details asks in private.
    if ask.place.private {
        lines.extend(details(&run, panel.as_ref()));
        lines.extend(
            facts
                .log
                .warnings(&run.topic)
                .await
                .unwrap_or_default()
                .iter()
                .map(|w| format!("⚠ {}", foreign(w, 300))),
        );
    }
    lines.push(workers::one(facts, &run.topic, ask.at).await);
    let button = RunButton::new(&run.short, run.attempt);
    let act = if run.phase.is_busy() {
        Press::Stop(button.clone()).button("⏹ Stop")
    } else {
        Press::Start(button.clone()).button("▶ Start")
    };
    let keyboard = InlineKeyboardMarkup::new([[act, Press::LogTail(button).button("📜 Log")]]);
    Ok(Answer::ask(lines.join("\n"), keyboard))
}

pub(super) async fn pressed(facts: &Facts, ask: &Ask, button: &RunButton) -> anyhow::Result<Answer> {
    let Some(run) = target::of_button(&facts.known.read(), button) else {
        return Ok(Answer::toast(shown::GONE));
    };
    let (progress, panel) = look(facts, &run).await?;
    let (name, how) = {
        let state = facts.known.read();
        (
            shown::plain_name(&state, &run, 60),
            shown::how(&state, &run, ask.at),
        )
    };
    let mut text = format!(
        "{name}: {}",
        crate::words::plain(&head(how, &run, progress.as_ref(), ask))
    );
    if let Some(value) = panel.as_ref().and_then(|panel| panel.value) {
        text.push_str(&format!(", value {}", number(value)));
    }
    Ok(Answer {
        acts: vec![crate::ask::Act::Toast {
            text: cut(&text, 200),
            alert: true,
        }],
        outcome: "answered".to_owned(),
    })
}

async fn look(facts: &Facts, run: &Run) -> anyhow::Result<(Option<Progress>, Option<PanelFacts>)> {
    let progress = match tokio::time::timeout(PATIENCE, progress(facts.log.as_ref(), &run.topic)).await {
        Ok(Ok(progress)) => progress,
        // The newest event still tells something.
        Ok(Err(_)) | Err(_) => None,
    };
    let panel = facts.store.load_panel_topic(&run.topic).await?.facts;
    Ok((
        progress,
        panel.and_then(|facts| serde_json::from_str(&facts).ok()),
    ))
}

/// `running, iteration 31 of 101 (30 %), newest 2 s ago`.
fn head(how: String, run: &Run, progress: Option<&Progress>, ask: &Ask) -> String {
    let mut head = how;
    let (iteration, total) = match progress {
        Some(progress) => (progress.iteration, progress.total),
        None => (run.iteration, None),
    };
    match total {
        Some(total) if total > 0 => {
            let percent = (iteration as f64 / total as f64 * 100.0).floor();
            head.push_str(&format!(", iteration {iteration} of {total} ({percent} %)"));
        }
        Some(_) | None if iteration > 0 => head.push_str(&format!(", iteration {iteration}")),
        Some(_) | None => {}
    }
    if let Some(progress) = progress {
        head.push_str(&format!(", newest {}", ago(progress.at, ask.at)));
    }
    head
}

fn seen(panel: &PanelFacts, busy: bool, ask: &Ask) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(value) = panel.value {
        lines.push(format!("{} = {}", foreign(&panel.view, 80), number(value)));
    }
    if let Some(eta) = panel.eta.filter(|eta| busy && *eta > ask.at && !panel.ended) {
        lines.push(format!("Done in about {}", duration(eta - ask.at)));
    }
    if panel.rejected > 0 {
        let reason = panel.rejected_reason.as_deref().unwrap_or("for no known reason");
        lines.push(format!(
            "⚠ {} records kept aside: {}",
            panel.rejected,
            foreign(reason, 300)
        ));
    }
    if panel.not_finite > 0 {
        lines.push(format!("⚠ {} values are NaN or infinite", panel.not_finite));
    }
    lines
}

fn details(run: &Run, panel: Option<&PanelFacts>) -> Vec<String> {
    let mut lines = Vec::new();
    if run.attempt > 0 {
        let host = run
            .host
            .as_deref()
            .map(|host| format!(" on {}", foreign(host, 60)))
            .unwrap_or_default();
        lines.push(format!("Attempt {}{host}", run.attempt));
    }
    if let Some(by) = &run.by {
        lines.push(format!("Ordered by {}", foreign(by, 80)));
    }
    if !run.on.is_empty() {
        lines.push(format!(
            "Only on hosts with {}",
            foreign(&run.on.join(" and "), 200)
        ));
    }
    if let Some(pace) = panel.and_then(|panel| panel.pace) {
        lines.push(format!(
            "Slowed down on purpose: {} s after each iteration",
            number(pace)
        ));
    }
    for (name, value) in run.id.parameters.iter().take(40) {
        lines.push(format!("{} = {}", foreign(name, 40), code(&value.to_string())));
    }
    lines.push(format!("Topic <code>{}</code>", foreign(run.topic.as_str(), 260)));
    lines
}
