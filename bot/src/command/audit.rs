//! /audit [N]: who did what, when, and what came of it.

use crate::ask::Answer;
use crate::facts::Facts;
use crate::words::{code, foreign};

const USUAL: i64 = 15;
/// More would not fit into a message.
const MOST: i64 = 50;

pub(super) async fn answer(facts: &Facts, rest: &str) -> anyhow::Result<Answer> {
    let limit = match rest {
        "" => USUAL,
        number => match number.parse() {
            Ok(limit @ 1..=MOST) => limit,
            Ok(_) | Err(_) => {
                return Ok(Answer::refuse(format!(
                    "{} is no number of entries. Write <code>/audit</code>, or <code>/audit N</code> with N from 1 to {MOST}.",
                    code(number)
                )));
            }
        },
    };
    let entries = facts.store.audit(None, limit, 0).await?;
    if entries.is_empty() {
        return Ok(Answer::say("Nothing has been done yet."));
    }
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| {
            format!(
                "{} {} ({}): {} → {}",
                entry.at.format("%m-%d %H:%M:%S"),
                foreign(&entry.name, 40),
                entry.person,
                foreign(&entry.action, 100),
                foreign(&entry.outcome, 120),
            )
        })
        .collect();
    Ok(Answer::say(lines.join("\n")))
}
