//! The words under a panel's picture.

use chrono::{DateTime, TimeDelta, Utc};
use kymo_door::PanelFacts;
use kymo_runlog::catalogue::SolverCard;

use super::RunState;
use crate::html::{self, escape};

/// Telegram takes 1024 characters.
const ROOM: usize = 1000;
const PARAMETERS: usize = 300;
const REASON: usize = 200;

/// The caption, in Telegram's HTML. `card` tells which parameters are the solver's defaults, `mute_since` since when
/// the log gives no answer.
pub fn caption(
    facts: &PanelFacts,
    state: &RunState,
    card: Option<&SolverCard>,
    mute_since: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> String {
    let mut lines = Lines {
        room: ROOM,
        lines: Vec::new(),
    };
    lines.push_bold(&facts.solver, &parameters(facts, card));
    lines.push(&progress(facts));
    lines.push(&word(facts, state, now));
    lines.push(&newest(facts, now));
    lines.push(&oddities(facts));
    if let Some(since) = mute_since.filter(|_| state.is_busy()) {
        lines.push(&format!(
            "🐢 the log is slow: no answer since {} UTC; what comes meanwhile waits, nothing is lost",
            since.format("%H:%M:%S")
        ));
    }
    lines.lines.join("\n")
}

/// The run's parameters that differ from the solver's defaults; all of them for an unknown solver.
pub fn parameters(facts: &PanelFacts, card: Option<&SolverCard>) -> String {
    let default = |name: &str| {
        let cards = card.map_or(&[][..], |card| &card.parameters);
        cards
            .iter()
            .find(|parameter| parameter.name == name)
            .and_then(|parameter| parameter.default.as_ref())
    };
    let changed = facts
        .parameters
        .0
        .iter()
        .filter(|(name, value)| default(name) != Some(*value));
    changed
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join(" ")
}

fn progress(facts: &PanelFacts) -> String {
    match facts.total {
        Some(total) if total > 0 => {
            let percent = (facts.iteration.min(total) as f64 / total as f64 * 100.0).floor();
            format!("iteration {}/{total} · {percent} %", facts.iteration)
        }
        Some(_) | None => format!("iteration {}", facts.iteration),
    }
}

fn word(facts: &PanelFacts, state: &RunState, now: DateTime<Utc>) -> String {
    match state {
        RunState::Unknown if facts.ended => "🏁 finished".to_owned(),
        RunState::Unknown => String::new(),
        RunState::Queued { why: None } => "⏳ waiting for a machine".to_owned(),
        RunState::Queued { why: Some(why) } => format!("⏳ {}", html::cut(why, REASON)),
        RunState::Running if facts.ended => "🏁 finished".to_owned(),
        RunState::Running => {
            let paced = facts
                .pace
                .map(|pace| format!(" · paced {pace} s"))
                .unwrap_or_default();
            let eta = facts
                .eta
                .filter(|eta| *eta > now)
                .map(|eta| format!(" · ETA {}", span(eta - now)));
            format!("▶️ running{}{paced}", eta.unwrap_or_default())
        }
        RunState::Stopped { by } => format!("⏹ stopped by {}", html::cut(by, 60)),
        RunState::Finished => "🏁 finished".to_owned(),
        RunState::Crashed { reason, again_at } => {
            let again = match again_at {
                Some(at) if *at > now => format!(" · starts again in {}", span(*at - now)),
                Some(_) => " · starts again".to_owned(),
                None => String::new(),
            };
            format!("💥 crashed: {}{again}", html::cut(reason, REASON))
        }
        RunState::Silent { seconds } => {
            format!(
                "🔇 silent for {}",
                span(TimeDelta::milliseconds((seconds * 1000.0) as i64))
            )
        }
        RunState::Lost { since } => format!(
            "❓ lost: nothing heard since {} UTC; Start goes on from the log",
            since.format("%H:%M:%S")
        ),
        RunState::Refused { reason } => format!("🚫 not started: {}", html::cut(reason, REASON)),
    }
}

fn newest(facts: &PanelFacts, now: DateTime<Utc>) -> String {
    let value = facts
        .value
        .map(|value| format!("{} = {}", facts.view, number(value)));
    let age = facts.newest_at.map(|at| {
        let age = (now - at).max(TimeDelta::zero());
        format!(
            "newest record {} old at {} UTC",
            span(age),
            now.format("%H:%M:%S")
        )
    });
    [value, age].into_iter().flatten().collect::<Vec<_>>().join(" · ")
}

fn oddities(facts: &PanelFacts) -> String {
    let rejected = (facts.rejected > 0).then(|| {
        let reason = facts.rejected_reason.as_deref().unwrap_or("no reason given");
        format!(
            "⚠️ {} kept aside, the last: {}",
            records(facts.rejected),
            html::cut(reason, REASON)
        )
    });
    let odd = (facts.not_finite > 0).then(|| format!("⚠️ {} values are NaN or infinite", facts.not_finite));
    [rejected, odd]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n")
}

fn records(count: u64) -> String {
    if count == 1 {
        "1 record".to_owned()
    } else {
        format!("{count} records")
    }
}

/// Five digits, and the exponent when the number is far from one.
fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    if (1e-3..1e6).contains(&value.abs()) {
        let decimals = (4 - value.abs().log10().floor() as i32).clamp(0, 7) as usize;
        let text = format!("{value:.decimals$}");
        return if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        };
    }
    format!("{value:.4e}")
}

/// A length of time as a person would say it.
pub fn span(time: TimeDelta) -> String {
    let seconds = time.num_seconds();
    match seconds {
        ..60 => format!("{} s", seconds.max(0)),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        86_400.. => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// Lines within a caption's length.
struct Lines {
    room: usize,
    lines: Vec<String>,
}

impl Lines {
    fn take(&mut self, text: &str, limit: usize) -> String {
        let cut = html::cut(&html::printable(text), limit.min(self.room));
        self.room = self.room.saturating_sub(html::length(&cut) + 1);
        escape(&cut)
    }

    fn push_bold(&mut self, name: &str, rest: &str) {
        let name = self.take(name, PARAMETERS);
        let rest = self.take(rest, PARAMETERS);
        self.lines
            .push(format!("<b>{name}</b> {rest}").trim_end().to_owned());
    }

    fn push(&mut self, line: &str) {
        if !line.is_empty() {
            let line = self.take(line, ROOM);
            self.lines.push(line);
        }
    }
}

#[cfg(test)]
#[path = "caption_tests.rs"]
mod tests;
