//! /start: hello. The claim link's secret was dealt with by the access check.

use kymo_store::Role;

use crate::access::role_word;
use crate::ask::{Answer, Ask};
use crate::words::foreign;

pub(super) fn answer(ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let name = foreign(&ask.person.name, 64);
    if ask.role == Role::Admin && crate::claim::find_secret(rest).is_some() {
        let html = format!(
            "Welcome, {name}. You are the admin of this bot now; the link is used up.\n\
             Let others in with /access grant, start something with /run."
        );
        return Ok(Answer::say(html).outcome("is the admin"));
    }
    let html = format!(
        "Hello {name}. You are {} here. /help lists what I can do.",
        role_word(ask.role)
    );
    Ok(Answer::say(html))
}
