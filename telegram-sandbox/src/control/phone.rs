//! What one person's phone shows: the list of chats with badges, and the newest messages of one.

use serde::Serialize;

use super::state::{self, ChatState, MessageState, PersonState};
use crate::world::chat::{Chat, Kind};
use crate::world::person::Person;
use crate::world::{UserId, World};

#[derive(Serialize)]
pub(crate) struct Phone {
    n: u64,
    now: i64,
    bot: PersonState,
    people: Vec<Badge>,
    chats: Vec<Line>,
    /// Groups that the person is not in and could join.
    elsewhere: Vec<Line>,
}

#[derive(Serialize)]
struct Badge {
    #[serde(flatten)]
    person: PersonState,
    unread: usize,
}

#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    chat: ChatState,
    unread: usize,
    last: Option<MessageState>,
    /// The newest message that the person saw.
    read: i64,
    may_write: bool,
    may_pin: bool,
    may_delete: bool,
}

pub(crate) fn list(world: &World, person: &Person) -> Phone {
    let (inside, outside): (Vec<&Chat>, Vec<&Chat>) = world
        .chats
        .values()
        .filter(|c| c.migrated_to.is_none() && (c.kind != Kind::Private || c.id == person.id))
        .partition(|c| c.has(person.id));
    let mut chats: Vec<Line> = inside.into_iter().map(|c| line(world, c, person)).collect();
    chats.sort_by_key(|l| {
        std::cmp::Reverse(
            l.last
                .as_ref()
                .map(|m| (m.edit_date.unwrap_or(m.date).max(m.date), m.id)),
        )
    });
    Phone {
        n: world.news.last(),
        now: world.now_ms(),
        bot: state::bot(world),
        people: badges(world),
        chats,
        elsewhere: outside.into_iter().map(|c| line(world, c, person)).collect(),
    }
}

fn badges(world: &World) -> Vec<Badge> {
    let people = state::people(world).into_iter().zip(world.people.values());
    people
        .map(|(shown, person)| {
            let mine = world
                .chats
                .values()
                .filter(|c| c.has(person.id) && c.migrated_to.is_none());
            Badge {
                person: shown,
                unread: mine.map(|c| unread(c, person)).sum(),
            }
        })
        .collect()
}

fn line(world: &World, chat: &Chat, person: &Person) -> Line {
    let standing = chat.member(person.id);
    let private = chat.kind == Kind::Private;
    let visible = chat
        .messages
        .values()
        .rev()
        .find(|m| !m.hidden_for.contains(&person.id));
    let mut shown = state::chat(world, chat, false);
    if private {
        // On a person's own phone the private chat carries the bot's name.
        shown.title = world.bot.name.clone();
    }
    Line {
        chat: shown,
        unread: unread(chat, person),
        last: visible
            .filter(|_| chat.has(person.id))
            .map(|m| state::message(world, m)),
        read: person.read.get(&chat.id).copied().unwrap_or(0),
        may_write: chat.kind != Kind::Channel || standing.is_admin(),
        may_pin: private || chat.members_may_pin && chat.is_group() || standing.rights().can_pin_messages,
        may_delete: private || standing.rights().can_delete_messages,
    }
}

fn unread(chat: &Chat, person: &Person) -> usize {
    let read = person.read.get(&chat.id).copied().unwrap_or(0);
    let newer = chat.messages.range(read + 1..).map(|(_, m)| m);
    newer
        .filter(|m| m.from != person.id && !m.hidden_for.contains(&person.id) && !m.is_service())
        .count()
}

/// One chat as a person sees it: the newest `last` messages and all pinned ones, without those deleted on their side.
pub(crate) fn chat(world: &World, chat: &Chat, person: Option<UserId>, last: usize) -> ChatState {
    let mut shown = state::chat(world, chat, false);
    let seen = chat
        .messages
        .values()
        .rev()
        .filter(|m| person.is_none_or(|p| !m.hidden_for.contains(&p)));
    let wanted = seen.enumerate().filter(|(age, m)| *age < last || m.pinned);
    shown.messages = wanted.map(|(_, m)| state::message(world, m)).collect();
    shown.messages.reverse();
    shown
}
