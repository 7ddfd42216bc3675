//! An alert as people read it.

use kymo_door::{Alert, AlertState, Severity};
use kymo_runlog::ShortId;

use crate::html::{self, escape};

/// Telegram takes 4096; the rest is for signs and names around the texts.
const ROOM: usize = 3900;
const TITLE: usize = 400;
const TEXT: usize = 1500;
const LINE: usize = 300;

/// The message, in Telegram's HTML and within its length. `opened` is the alert that opened the incident.
pub fn alert_html(alert: &Alert, opened: Option<&Alert>) -> String {
    let sign = match (alert.state, alert.severity) {
        (_, Severity::Info) => "",
        (AlertState::Resolved, Severity::Warning | Severity::Critical) => "✅ ",
        (AlertState::Open, Severity::Warning) => "🟠 ",
        (AlertState::Open, Severity::Critical) => "🔴 ",
    };
    let mut room = ROOM;
    let mut take = |text: &str, limit: usize| {
        let cut = html::cut(&html::printable(text), limit.min(room));
        room -= html::length(&cut).min(room);
        escape(&cut)
    };
    let mut message = format!("{sign}<b>{}</b>", take(&one_line(&alert.title), TITLE));
    if let (AlertState::Resolved, Some(opened)) = (alert.state, opened) {
        message += &format!("\n<s>{}</s>", take(&one_line(&opened.title), TITLE));
    }
    let id = alert
        .topic
        .as_ref()
        .map(|topic| format!(" · {}", ShortId::of(topic)))
        .unwrap_or_default();
    let place = format!(
        "{} · {} UTC{id}",
        alert.host,
        alert.at.format("%Y-%m-%d %H:%M:%S")
    );
    message += &format!("\n<i>{}</i>", take(&one_line(&place), TITLE));
    if !alert.text.trim().is_empty() {
        message += &format!("\n{}", take(alert.text.trim(), TEXT));
    }
    let lines = newest_lines(&alert.last_lines, room.saturating_sub(20));
    if !lines.is_empty() {
        message += &format!("\n<pre>{}</pre>", escape(&lines));
    }
    message
}

/// As many of the last lines as fit, each within bounds.
fn newest_lines(lines: &[String], room: usize) -> String {
    let mut left = room;
    let mut kept = Vec::new();
    for line in lines.iter().rev() {
        let line = html::cut(&one_line(&html::printable(line)), LINE);
        let length = html::length(&line) + 1;
        if length > left {
            break;
        }
        left -= length;
        kept.push(line);
    }
    kept.reverse();
    kept.join("\n").trim_matches('\n').to_owned()
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
