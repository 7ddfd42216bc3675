//! /theme light|dark: how pictures look in this chat.

use kymo_store::Theme;

use crate::ask::{Act, Answer};

pub(super) fn answer(rest: &str) -> Answer {
    let theme = match rest.to_ascii_lowercase().as_str() {
        "light" => Theme::Light,
        "dark" => Theme::Dark,
        _ => return Answer::say("Write <code>/theme light</code> or <code>/theme dark</code>."),
    };
    Answer::say(format!(
        "Pictures here are {} from the next one on.",
        theme.as_str()
    ))
    .and(Act::Theme(theme))
    .outcome(format!("theme {}", theme.as_str()))
}
