//! /workers [add|start|stop|remove RUN [view]]: every graph worker, its topic and state.

use chrono::{DateTime, Utc};
use kymo_runlog::{ShortId, Topic};
use kymo_store::Role;
use teloxide::types::InlineKeyboardMarkup;

use super::{shown, view, watch};
use crate::access::role_word;
use crate::ask::{Act, Answer, Ask};
use crate::callback::{Press, WorkerStep};
use crate::facts::Facts;
use crate::follow::State;
use crate::words::{duration, foreign};
use crate::workers::{WorkerError, WorkerState, WorkerStatus};

/// More rows than this no phone shows at once.
const LISTED: usize = 20;

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let words = super::arguments(rest);
    let Some((word, rest)) = words.split_first() else {
        let workers = facts.workers.status().await?;
        let (html, keyboard) = list(&facts.known.read(), &workers, ask);
        return Ok(Answer::ask(html, keyboard));
    };
    let steps = [
        WorkerStep::Add,
        WorkerStep::Start,
        WorkerStep::Stop,
        WorkerStep::Remove,
    ];
    let Some(step) = steps
        .into_iter()
        .find(|step| step.name().eq_ignore_ascii_case(word))
    else {
        return Ok(Answer::refuse(
            "Write <code>/workers</code>, or <code>/workers add RUN [view]</code>, or start, stop, remove and a run.",
        ));
    };
    let Some((run, view)) = rest.split_first() else {
        return Ok(Answer::refuse(format!(
            "Write <code>/workers {} RUN</code>; /runs lists them.",
            step.name()
        )));
    };
    let (topic, name) = match watch::topic(facts, run).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Answer::refuse(refusal)),
    };
    let view = match view {
        [] => None,
        words => match view::read(facts, &topic, &words.join(" ")).await? {
            Ok(view) => Some(view),
            Err(refusal) => return Ok(Answer::refuse(refusal)),
        },
    };
    Ok(match change(facts, ask, topic, view, step).await? {
        // Said when it is done: the host may refuse.
        Ok((act, words)) => Answer::say(format!("The graph worker of {name} {words}."))
            .after(act)
            .outcome(words),
        Err(refusal) => Answer::refuse(refusal),
    })
}

pub(super) async fn pressed(facts: &Facts, ask: &Ask, run: &str, step: WorkerStep) -> anyhow::Result<Answer> {
    let known = facts
        .known
        .read()
        .runs
        .find_short(run)
        .map(|run| run.topic.clone());
    let hosted = facts
        .workers
        .status()
        .await?
        .into_iter()
        .map(|worker| worker.topic);
    let topic = known.or_else(|| {
        hosted
            .into_iter()
            .find(|topic| ShortId::of(topic).as_str() == run)
    });
    let Some(topic) = topic else {
        return Ok(Answer::toast(shown::GONE));
    };
    Ok(match change(facts, ask, topic, None, step).await? {
        Ok((act, words)) => Answer::toast(format!("The graph worker {words}")).and(act),
        Err(refusal) => Answer::toast(crate::words::plain(&refusal)),
    })
}

/// What is to be done, and how it is called afterwards.
async fn change(
    facts: &Facts,
    ask: &Ask,
    topic: Topic,
    view: Option<String>,
    step: WorkerStep,
) -> anyhow::Result<Result<(Act, &'static str), String>> {
    if ask.role < Role::Operator {
        return Ok(Err(format!(
            "Changing graph workers needs the role operator; you are {}.",
            role_word(ask.role)
        )));
    }
    let known = facts
        .workers
        .status()
        .await?
        .iter()
        .any(|worker| worker.topic == topic);
    let words = match (step, known) {
        (WorkerStep::Add, true) => return Ok(Err(foreign(&WorkerError::Known(topic).to_string(), 600))),
        (WorkerStep::Start | WorkerStep::Stop | WorkerStep::Remove, false) => {
            return Ok(Err(foreign(&WorkerError::Unknown(topic).to_string(), 600)));
        }
        (WorkerStep::Add, false) => "is added; it does not run yet",
        (WorkerStep::Start, true) => "starts",
        (WorkerStep::Stop, true) => "stops",
        (WorkerStep::Remove, true) => "is removed",
    };
    Ok(Ok((Act::Worker { topic, view, step }, words)))
}

fn list(state: &State, workers: &[WorkerStatus], ask: &Ask) -> (String, InlineKeyboardMarkup) {
    let mut lines = Vec::new();
    let mut rows = Vec::new();
    for worker in workers.iter().take(LISTED) {
        let short = ShortId::of(&worker.topic);
        let name = match state.runs.find(&worker.topic) {
            Some(run) => shown::name(state, run),
            None => format!(
                "<b>{}</b> (<code>{short}</code>)",
                foreign(worker.topic.as_str(), 120)
            ),
        };
        let view = worker
            .view
            .as_deref()
            .map(|view| format!(", draws {}", foreign(view, 60)))
            .unwrap_or_default();
        lines.push(format!("{name}\n   {}{view}", words(worker, ask.at)));
        let button = |step: WorkerStep, label: String| {
            Press::Worker {
                run: short.to_string(),
                step,
            }
            .button(label)
        };
        rows.push(vec![
            match worker.state {
                WorkerState::Stopped | WorkerState::Failed { .. } => {
                    button(WorkerStep::Start, format!("▶ {short}"))
                }
                WorkerState::Running { .. } | WorkerState::Waiting { .. } => {
                    button(WorkerStep::Stop, format!("⏹ {short}"))
                }
            },
            button(WorkerStep::Remove, format!("✖ {short}")),
        ]);
    }
    if workers.is_empty() {
        lines.push("There are no graph workers.".to_owned());
    }
    let hosted = |topic: &Topic| workers.iter().any(|worker| worker.topic == *topic);
    for run in state
        .runs
        .listed()
        .into_iter()
        .filter(|run| !hosted(&run.topic))
        .take(4)
    {
        let label = format!("+ {} · {}", shown::plain_name(state, run, 30), run.short);
        rows.push(vec![
            Press::Worker {
                run: run.short.to_string(),
                step: WorkerStep::Add,
            }
            .button(label),
        ]);
    }
    if ask.role < Role::Operator {
        rows.clear();
    }
    (lines.join("\n"), InlineKeyboardMarkup::new(rows))
}

/// A topic's graph worker in one line.
pub(super) async fn one(facts: &Facts, topic: &Topic, now: DateTime<Utc>) -> String {
    let workers = match facts.workers.status().await {
        Ok(workers) => workers,
        Err(error) => return format!("Graph worker: unknown; {}", foreign(&error.to_string(), 400)),
    };
    match workers.iter().find(|worker| worker.topic == *topic) {
        Some(worker) => format!("Graph worker: {}", words(worker, now)),
        None => "Graph worker: none".to_owned(),
    }
}

fn words(worker: &WorkerStatus, now: DateTime<Utc>) -> String {
    let restarts = match worker.restarts {
        0 => String::new(),
        1 => ", restarted once".to_owned(),
        n => format!(", restarted {n} times"),
    };
    let state = match &worker.state {
        WorkerState::Stopped => "stopped".to_owned(),
        WorkerState::Running { pid, since } => {
            format!("running for {} (pid {pid}){restarts}", duration(now - *since))
        }
        WorkerState::Waiting { reason, again_at } => {
            format!(
                "ended: {}; starts again in {}{restarts}",
                foreign(reason, 200),
                duration(*again_at - now)
            )
        }
        WorkerState::Failed { reason } => format!("failed: {}{restarts}", foreign(reason, 200)),
    };
    match &worker.said {
        Some(said) => format!("{state}; systemd: {}", foreign(said, 200)),
        None => state,
    }
}
