//! /audit [N]: who did what, when, and what came of it.

use crate::ask::Answer;
use crate::facts::Facts;
use crate::words::foreign;

pub(super) async fn answer(facts: &Facts, rest: &str) -> anyhow::Result<Answer> {
    let limit = rest.parse().unwrap_or(15i64).clamp(1, 50);
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
