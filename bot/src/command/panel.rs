//! /panel [RUN]: posts the panel anew, always. A message that a person deleted on their side only
//! looks to Telegram like one that is there.

use super::watch;
use crate::ask::{Act, Answer, Ask};
use crate::facts::Facts;
use crate::target::{self, Named};

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let topic = match target::named(facts, ask, rest).await? {
        Named::Run(run) => run.topic,
        Named::Refused(_) => match watch::topic(facts, rest).await? {
            Ok((topic, _)) => topic,
            Err(refusal) => return Ok(Answer::refuse(refusal)),
        },
        Named::Nothing => {
            let shown = facts.store.panels_in(ask.place.chat).await?;
            let state = facts.known.read();
            let busy = |topic| state.runs.find(topic).is_some_and(|run| run.phase.is_busy());
            let mut candidates: Vec<_> = shown.iter().map(|panel| &panel.topic).collect();
            if candidates.len() > 1 && candidates.iter().any(|topic| busy(topic)) {
                candidates.retain(|topic| busy(topic));
            }
            match candidates.as_slice() {
                [] => {
                    return Ok(Answer::say(
                        "No run is shown here. <code>/watch RUN</code> or <code>/panel RUN</code> shows one; /runs lists them.",
                    ));
                }
                [only] => (*only).clone(),
                several => {
                    let names: Vec<String> = several
                        .iter()
                        .take(20)
                        .filter_map(|topic| state.runs.find(topic))
                        .map(|run| super::shown::name(&state, run))
                        .collect();
                    return Ok(Answer::say(format!(
                        "Which one? Write <code>/panel RUN</code>:\n{}",
                        names.join("\n")
                    )));
                }
            }
        }
    };
    let outcome = format!("posted the panel of {topic} anew");
    Ok(Answer {
        acts: vec![Act::Repost { topic }],
        outcome,
    })
}
