//! /whoami: who Telegram says you are, and what you may do here.

use crate::access::role_word;
use crate::ask::{Answer, Ask};
use crate::words::foreign;

pub(super) fn answer(ask: &Ask) -> Answer {
    let person = &ask.person;
    let username = person
        .username
        .as_deref()
        .map(|name| format!(" (@{})", foreign(name, 40)))
        .unwrap_or_default();
    Answer::say(format!(
        "{}{username}\nYour number: <code>{}</code>\nYour role: {}\nThis chat: <code>{}</code>",
        foreign(&person.name, 64),
        person.id,
        role_word(ask.role),
        ask.place.chat,
    ))
}
