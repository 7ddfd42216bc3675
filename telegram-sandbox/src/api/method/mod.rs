//! The methods, one file per family; each carries the table of its parameters.

pub(crate) mod album;
pub(crate) mod callback;
pub(crate) mod chats;
pub(crate) mod commands;
pub(crate) mod compose;
pub(crate) mod copy;
pub(crate) mod delete;
pub(crate) mod edit;
pub(crate) mod edit_media;
pub(crate) mod files;
pub(crate) mod me;
pub(crate) mod pin;
pub(crate) mod polling;
pub(crate) mod send;
pub(crate) mod topics;
pub(crate) mod upload;

use serde_json::Value;

use super::args::Args;
use super::error::ApiError;
use crate::world::World;

pub(crate) type Answer = Result<Value, ApiError>;

/// One method of the Bot API.
pub(crate) struct Method {
    pub name: &'static str,
    pub params: &'static [Param],
    pub run: Run,
}

/// How a method is carried out.
pub(crate) enum Run {
    /// At once, under the lock.
    Now(fn(&mut World, &Args) -> Answer),
    /// Waits for news.
    GetUpdates,
    /// Takes its time, so that a second edit can overtake it.
    EditMedia,
}

/// A parameter with its type as the Bot API's documentation spells it.
pub(crate) struct Param {
    pub name: &'static str,
    pub kind: &'static str,
    pub required: bool,
}

pub(crate) const fn must(name: &'static str, kind: &'static str) -> Param {
    Param {
        name,
        kind,
        required: true,
    }
}

pub(crate) const fn may(name: &'static str, kind: &'static str) -> Param {
    Param {
        name,
        kind,
        required: false,
    }
}

/// Parameter types, as documented.
pub(crate) mod kind {
    pub(crate) const INT: &str = "Integer";
    pub(crate) const STR: &str = "String";
    pub(crate) const BOOL: &str = "Boolean";
    pub(crate) const CHAT: &str = "Integer or String";
    pub(crate) const FILE: &str = "InputFile or String";
    pub(crate) const ENTITIES: &str = "Array of MessageEntity";
    pub(crate) const STRINGS: &str = "Array of String";
    pub(crate) const INTS: &str = "Array of Integer";
    pub(crate) const INLINE: &str = "InlineKeyboardMarkup";
    pub(crate) const MARKUP: &str =
        "InlineKeyboardMarkup or ReplyKeyboardMarkup or ReplyKeyboardRemove or ForceReply";
}

const FAMILIES: &[&[Method]] = &[
    me::METHODS,
    polling::METHODS,
    send::METHODS,
    album::METHODS,
    copy::METHODS,
    edit::METHODS,
    edit_media::METHODS,
    delete::METHODS,
    pin::METHODS,
    callback::METHODS,
    chats::METHODS,
    topics::METHODS,
    commands::METHODS,
    files::METHODS,
];

pub(crate) fn all() -> impl Iterator<Item = &'static Method> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// Method names are not case sensitive, as with Telegram.
pub(crate) fn find(name: &str) -> Option<&'static Method> {
    all().find(|m| m.name.eq_ignore_ascii_case(name))
}
