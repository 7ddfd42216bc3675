//! /run [SOLVER name=value ...]: the confirmation card and its buttons.

use std::time::Duration;

use chrono::Utc;
use kymo_runlog::catalogue::{ParameterKind, SolverCard};
use kymo_runlog::order::Order;
use kymo_runlog::{Parameters, Phase, RunId, Topic};
use kymo_store::{Draft as Kept, Role};
use teloxide::types::InlineKeyboardMarkup;

use super::{pinned, shown, solvers};
use crate::act::prompt_id;
use crate::ask::{Act, Answer, Ask, Prompt};
use crate::callback::{CardStep, Press, solver_tag};
use crate::card::{self, Draft, Standing};
use crate::facts::Facts;
use crate::follow::{State, progress};
use crate::words::{cut, foreign, number};

/// The log has this long to tell what is wrong with a topic.
const PATIENCE: Duration = Duration::from_secs(2);
const EXPIRED: &str = "This card was used or is too old. /run opens a new one.";
const CHANGED: &str = "The card has changed meanwhile; look again.";

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let words = super::arguments(rest);
    let Some((solver, assignments)) = words.split_first() else {
        return Ok(choose(&facts.known.read()));
    };
    let draft = match read(&facts.known.read(), solver, assignments) {
        Ok(draft) => draft,
        Err(refusal) => return Ok(Answer::refuse(refusal)),
    };
    open(facts, ask, draft).await
}

/// One button per solver.
fn choose(state: &State) -> Answer {
    let names = state.solvers.names();
    if names.is_empty() {
        return Answer::say(solvers::NOTHING);
    }
    let rows = names.iter().take(50).map(|name| {
        let press = Press::Pick {
            solver: solver_tag(name),
        };
        vec![press.button(cut(name, 40))]
    });
    Answer::ask(
        "What shall run? Parameters can be changed on the next card.",
        InlineKeyboardMarkup::new(rows),
    )
}

/// Reads `airy eps=4 pace=0.5 on gpu`; everything that is wrong is told at once.
fn read(state: &State, solver: &str, words: &[String]) -> Result<Draft, String> {
    let Some(card) = state.solvers.find(solver) else {
        return Err(solvers::unknown(state, solver));
    };
    let (on, assignments) = split_on(words);
    let has_pace = card.find_parameter("pace").is_some();
    let (paces, assignments): (Vec<String>, Vec<String>) = assignments
        .into_iter()
        .partition(|assignment| !has_pace && assignment.starts_with("pace="));
    let mut problems: Vec<String> = on
        .iter()
        .filter_map(|label| pinned::check(state, label).err())
        .collect();
    let mut pace = None;
    for text in paces {
        match read_pace(text.trim_start_matches("pace=")) {
            Ok(seconds) => pace = seconds,
            Err(problem) => problems.push(problem),
        }
    }
    let mut given = Parameters::default();
    for assignment in &assignments {
        match card.read_assignment(assignment) {
            Ok((name, value)) if !given.0.contains_key(&name) => {
                given.0.insert(name, value);
            }
            Ok((name, _)) => problems.push(format!("{name} is given twice; leave one of them out")),
            Err(problem) => problems.push(problem.to_string()),
        }
    }
    if !problems.is_empty() {
        let lines: Vec<String> = problems
            .iter()
            .take(10)
            .map(|problem| format!("• {}", foreign(problem, 300)))
            .collect();
        let name = foreign(&card.name, 60);
        return Err(format!(
            "That does not start {name}:\n{}\n<code>/solvers {name}</code> tells what it takes.",
            lines.join("\n")
        ));
    }
    let given = card.differing(&given);
    Ok(Draft {
        solver: card.name.clone(),
        given,
        pace,
        on,
        open: None,
        revision: 0,
    })
}

/// Takes `on gpu`, `on=gpu` and `on=gpu,fast` out of the words: where a run is placed is no parameter of it.
fn split_on(words: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut on, mut rest) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let labels = match word.split_once('=') {
            Some(("on", labels)) => labels,
            None if word == "on" => words.next().map_or("", String::as_str),
            Some(_) | None => {
                rest.push(word.clone());
                continue;
            }
        };
        on.extend(labels.split(',').map(str::to_owned));
    }
    on.dedup();
    (on, rest)
}

fn read_pace(text: &str) -> Result<Option<f64>, String> {
    match text.trim().trim_end_matches('s').trim().parse::<f64>() {
        Ok(seconds) if (0.0..=86400.0).contains(&seconds) => Ok((seconds > 0.0).then_some(seconds)),
        Ok(seconds) => Err(format!(
            "pace={} is out of range; it must be from 0 to 86400 seconds",
            number(seconds)
        )),
        Err(_) => Err(format!(
            "pace={} is not a number; write pace=0.5 (seconds after each iteration)",
            kymo_runlog::shown(text)
        )),
    }
}

async fn open(facts: &Facts, ask: &Ask, draft: Draft) -> anyhow::Result<Answer> {
    let id = i64::from(ask.update);
    let (html, keyboard) = picture(facts, id, &draft).await?;
    let answer = Answer {
        acts: vec![
            keep(ask, id, &draft)?,
            Act::Say {
                html,
                keyboard: Some(keyboard),
            },
        ],
        outcome: "opened a card".to_owned(),
    };
    Ok(answer)
}

pub(super) async fn picked(facts: &Facts, ask: &Ask, tag: &str) -> anyhow::Result<Answer> {
    let name = facts
        .known
        .read()
        .solvers
        .find_tag(tag)
        .map(|card| card.name.clone());
    let Some(solver) = name else {
        return Ok(Answer::toast(
            "No host offers this solver any more. /run lists what there is.",
        ));
    };
    open(
        facts,
        ask,
        Draft {
            solver,
            given: Parameters::default(),
            pace: None,
            on: Vec::new(),
            open: None,
            revision: 0,
        },
    )
    .await
}

pub(super) async fn card_pressed(
    facts: &Facts,
    ask: &Ask,
    id: i64,
    revision: u32,
    step: CardStep,
) -> anyhow::Result<Answer> {
    let draft = match load(facts, ask, id).await? {
        Ok(draft) => draft,
        Err(toast) => return Ok(Answer::toast(toast)),
    };
    if draft.revision != revision {
        return Ok(Answer::toast(CHANGED));
    }
    let Some(solver) = facts.known.read().solvers.find(&draft.solver).cloned() else {
        return Ok(Answer::toast(
            "No host offers this solver any more. /run lists what there is.",
        ));
    };
    match step {
        CardStep::Open(index) => turn(facts, ask, id, draft.opened(&solver, Some(index))).await,
        CardStep::Back => turn(facts, ask, id, draft.opened(&solver, None)).await,
        CardStep::Take(index) => match draft.take(&solver, index) {
            Some(next) => turn(facts, ask, id, next.opened(&solver, None)).await,
            None => Ok(Answer::toast(CHANGED)),
        },
        CardStep::Type => Ok(type_value(ask, id, &draft, &solver)),
        CardStep::Cancel => Ok(close(
            ask,
            id,
            "Nothing was started",
            format!("{}: nothing was started.", title(&draft)),
        )
        .outcome("cancelled a card")),
        CardStep::Start => start(facts, ask, id, &draft, &solver, false).await,
        CardStep::Afresh => start(facts, ask, id, &draft, &solver, true).await,
    }
}

/// The card of a press, if this person may use it here.
async fn load(facts: &Facts, ask: &Ask, id: i64) -> anyhow::Result<Result<Draft, &'static str>> {
    let Some(kept) = facts.store.find_draft(&card_id(id)).await? else {
        return Ok(Err(EXPIRED));
    };
    if kept.chat != ask.place.chat {
        return Ok(Err("This card belongs to another chat."));
    }
    if kept.person != ask.person.id && ask.role < Role::Admin {
        return Ok(Err("This card is somebody else's. /run opens one of your own."));
    }
    // A card of another version of this program.
    Ok(serde_json::from_str(&kept.body).map_err(|_| EXPIRED))
}

async fn turn(facts: &Facts, ask: &Ask, id: i64, draft: Draft) -> anyhow::Result<Answer> {
    let (html, keyboard) = picture(facts, id, &draft).await?;
    let answer = Answer::toast("")
        .and(keep(ask, id, &draft)?)
        .outcome("changed a card");
    Ok(match ask.place.message {
        Some(message) => answer.and(Act::Edit {
            message,
            html,
            keyboard: Some(keyboard),
        }),
        None => answer,
    })
}

fn type_value(ask: &Ask, id: i64, draft: &Draft, solver: &SolverCard) -> Answer {
    let Some(parameter) = draft.open_parameter(solver) else {
        return Answer::toast(CHANGED);
    };
    let html = format!(
        "Reply to this message with the value of <b>{}</b> ({}).",
        foreign(&parameter.name, 60),
        foreign(&card::kind(parameter), 300),
    );
    let prompt = Prompt {
        card: id,
        card_message: ask.place.message,
        parameter: parameter.name.clone(),
    };
    Answer::toast("")
        .and(Act::Prompt { html, draft: prompt })
        .outcome("asked for a value")
}

pub(super) async fn replied(facts: &Facts, ask: &Ask, text: &str) -> anyhow::Result<Option<Answer>> {
    let Some(replied_to) = &ask.replied_to else {
        return Ok(None);
    };
    let question = prompt_id(ask.place.chat, replied_to.message);
    let Some(kept) = facts.store.find_draft(&question).await? else {
        return Ok(None);
    };
    if ask.role < Role::Operator || (kept.person != ask.person.id && ask.role < Role::Admin) {
        return Ok(Some(Answer::refuse(
            "This question is somebody else's. /run opens a card of your own.",
        )));
    }
    let Ok(prompt) = serde_json::from_str::<Prompt>(&kept.body) else {
        return Ok(Some(Answer::refuse(EXPIRED)));
    };
    let draft = match load(facts, ask, prompt.card).await? {
        Ok(draft) => draft,
        Err(refusal) => return Ok(Some(Answer::refuse(refusal))),
    };
    let next = {
        let state = facts.known.read();
        let card = state.solvers.find(&draft.solver);
        let parameter = card.and_then(|card| {
            card.find_parameter(&prompt.parameter)
                .map(|parameter| (card, parameter))
        });
        let Some((card, parameter)) = parameter else {
            return Ok(Some(Answer::refuse(EXPIRED)));
        };
        match parameter.parse(text) {
            Ok(value) => draft.with(parameter, Some(value)).opened(card, None),
            Err(problem) => {
                let again = match parameter.kind {
                    ParameterKind::Text { .. } => "a shorter text",
                    _ => "another value",
                };
                let reason = foreign(&problem.to_string(), 500);
                return Ok(Some(Answer::refuse(format!(
                    "{reason}\nReply to the question again with {again}."
                ))));
            }
        }
    };
    let (html, keyboard) = picture(facts, prompt.card, &next).await?;
    let show = match prompt.card_message {
        Some(message) => Act::Edit {
            message,
            html,
            keyboard: Some(keyboard),
        },
        None => Act::Say {
            html,
            keyboard: Some(keyboard),
        },
    };
    let value = next
        .given
        .get(&prompt.parameter)
        .map(ToString::to_string)
        .unwrap_or_else(|| "its default".to_owned());
    Ok(Some(Answer {
        acts: vec![
            keep(ask, prompt.card, &next)?,
            Act::DropDraft { id: question },
            show,
            Act::Say {
                html: format!(
                    "{} is {} now.",
                    foreign(&prompt.parameter, 60),
                    foreign(&value, 80)
                ),
                keyboard: None,
            },
        ],
        outcome: format!("{} = {}", prompt.parameter, cut(&value, 80)),
    }))
}

async fn start(
    facts: &Facts,
    ask: &Ask,
    id: i64,
    draft: &Draft,
    solver: &SolverCard,
    fresh: bool,
) -> anyhow::Result<Answer> {
    let run = match solver.complete(&draft.given) {
        Ok(run) => run,
        Err(problems) => {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            return Ok(Answer::toast(cut(&first, 200)));
        }
    };
    let topic = run.topic();
    let state = facts.known.read();
    if let Some(known) = state.runs.find(&topic).filter(|known| known.phase.is_busy()) {
        let phase = crate::words::plain(&shown::how(&state, known, ask.at));
        return Ok(Answer::toast(format!("It is {phase} already")));
    }
    let waiting = pinned::would_wait(&state, &run, &draft.on, ask.at);
    let (sign, how) = match &waiting {
        Some(waiting) => ("⏳", format!("is {}", foreign(&waiting.words(), 400))),
        None if fresh => ("▶", "starts afresh".to_owned()),
        None => ("▶", "starts".to_owned()),
    };
    let html = format!(
        "{sign} <b>{}</b> (<code>{}</code>) {how}, ordered by {}.",
        foreign(&state.solvers.name_run(&run), 200),
        kymo_runlog::ShortId::of(&topic),
        foreign(&ask.person.name, 64),
    );
    let order = Order::Start {
        run,
        topic: topic.clone(),
        fresh,
        pace: draft.pace,
        on: draft.on.clone(),
    };
    let mut answer = close(ask, id, "Ordered", html).outcome(format!("ordered the start of {topic}"));
    // The order comes before the card is dropped: if the bot dies in between, the press is handled
    // again and orders the same thing under the same id.
    answer.acts.splice(
        1..1,
        [
            Act::Show {
                topic,
                // Whoever waits is told when it starts.
                said: waiting.is_none(),
            },
            Act::Order(ask.order(facts.bot, order)),
        ],
    );
    Ok(answer)
}

/// The card is dropped and becomes a plain message.
fn close(ask: &Ask, id: i64, toast: &str, html: String) -> Answer {
    let answer = Answer::toast(toast).and(Act::DropDraft { id: card_id(id) });
    match ask.place.message {
        Some(message) => answer.and(Act::Edit {
            message,
            html,
            keyboard: None,
        }),
        None => answer,
    }
}

/// The card as it looks now.
async fn picture(facts: &Facts, id: i64, draft: &Draft) -> anyhow::Result<(String, InlineKeyboardMarkup)> {
    let Some(solver) = facts.known.read().solvers.find(&draft.solver).cloned() else {
        anyhow::bail!(
            "no host offers {} any more; /run lists what there is",
            draft.solver
        );
    };
    let run = solver.complete(&draft.given).ok();
    let standing = match &run {
        Some(run) => standing(facts, run).await?,
        None => Standing::New,
    };
    let topic = run.as_ref().map(RunId::topic);
    let warnings = match &topic {
        Some(topic) => warnings(facts, topic).await,
        None => Vec::new(),
    };
    let html = card::text(draft, &solver, topic.as_ref(), &standing, &warnings);
    Ok((html, card::keyboard(id, draft, &solver, run.is_some(), &standing)))
}

/// How the run stands, by the log's events; one that was never told of may still have records.
async fn standing(facts: &Facts, run: &RunId) -> anyhow::Result<Standing> {
    let topic = run.topic();
    let known = facts
        .known
        .read()
        .runs
        .find(&topic)
        .map(|known| (known.phase.clone(), known.iteration));
    if let Some((phase, _)) = &known
        && phase.is_busy()
    {
        return Ok(Standing::Busy);
    }
    let refused = matches!(known, Some((Phase::Refused { .. }, 0)));
    if !facts.log.exists(&topic).await? || refused {
        return Ok(Standing::New);
    }
    let newest = progress(facts.log.as_ref(), &topic)
        .await?
        .map_or(0, |progress| progress.iteration);
    Ok(Standing::HasRecords {
        iterations: newest.max(known.map_or(0, |(_, iteration)| iteration)),
    })
}

/// What the settings of the run's topic would cost, when somebody else made it. Not being able to look is no reason to
/// keep anybody waiting: the watchdog looks again before it starts.
async fn warnings(facts: &Facts, topic: &Topic) -> Vec<String> {
    let asked = tokio::time::timeout(PATIENCE, facts.log.warnings(topic)).await;
    asked.ok().and_then(Result::ok).unwrap_or_default()
}

fn keep(ask: &Ask, id: i64, draft: &Draft) -> anyhow::Result<Act> {
    Ok(Act::KeepDraft(Kept {
        id: card_id(id),
        chat: ask.place.chat,
        person: ask.person.id,
        body: serde_json::to_string(draft)?,
        at: Utc::now(),
    }))
}

fn card_id(id: i64) -> String {
    format!("card:{id}")
}

fn title(draft: &Draft) -> String {
    format!("<b>{}</b>", foreign(&draft.solver, 60))
}
