//! /unwatch [RUN]: this chat shows the run's panel no more.

use super::{shown, watch};
use crate::ask::{Act, Answer, Ask};
use crate::facts::Facts;
use crate::target::{self, Named};

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let panels = facts.store.panels_in(ask.place.chat).await?;
    let (topic, name) = match target::named(facts, ask, rest).await? {
        Named::Run(run) => (run.topic.clone(), shown::name(&facts.known.read(), &run)),
        Named::Refused(_) => match watch::topic(facts, rest).await? {
            Ok(found) => found,
            Err(refusal) => return Ok(Answer::refuse(refusal)),
        },
        Named::Nothing => {
            let state = facts.known.read();
            let names: Vec<String> = panels
                .iter()
                .take(20)
                .filter_map(|panel| state.runs.find(&panel.topic))
                .map(|run| shown::name(&state, run))
                .collect();
            return Ok(match names.is_empty() {
                true => Answer::say("No run is shown here."),
                false => Answer::say(format!(
                    "Write <code>/unwatch RUN</code>. Shown here:\n{}",
                    names.join("\n")
                )),
            });
        }
    };
    if panels.iter().all(|panel| panel.topic != topic) {
        return Ok(Answer::refuse(format!("{name} is not shown here.")));
    }
    Ok(Answer::say(format!("{name} is not shown here any more."))
        .and(Act::Unwatch { topic: topic.clone() })
        .outcome(format!("{} watches {topic} no more", ask.place.chat)))
}
