//! The bot's command menus by scope and language. A menu is never an authorisation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::chat::Kind;
use super::{ChatId, UserId, World};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Command {
    pub command: String,
    pub description: String,
}

/// To whom a menu is shown; the narrower comes first when a person opens it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Scope {
    Default,
    AllPrivateChats,
    AllGroupChats,
    AllChatAdministrators,
    Chat(ChatId),
    ChatAdministrators(ChatId),
    ChatMember(ChatId, UserId),
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Menus {
    by_scope: Vec<(Scope, BTreeMap<String, Vec<Command>>)>,
}

impl Menus {
    pub(crate) fn set(&mut self, scope: Scope, language: String, commands: Vec<Command>) {
        match self.by_scope.iter_mut().find(|(s, _)| *s == scope) {
            Some((_, menu)) => {
                menu.insert(language, commands);
            }
            None => self
                .by_scope
                .push((scope, BTreeMap::from([(language, commands)]))),
        }
    }

    pub(crate) fn remove(&mut self, scope: &Scope, language: &str) {
        if let Some((_, menu)) = self.by_scope.iter_mut().find(|(s, _)| s == scope) {
            menu.remove(language);
        }
    }

    pub(crate) fn get(&self, scope: &Scope, language: &str) -> &[Command] {
        let menu = self
            .by_scope
            .iter()
            .find(|(s, _)| s == scope)
            .and_then(|(_, m)| m.get(language));
        menu.map_or(&[], Vec::as_slice)
    }
}

impl World {
    /// What a person sees on `/` in a chat, by the order that the Bot API documents.
    pub(crate) fn menu(&self, chat: ChatId, person: UserId) -> &[Command] {
        let Some(known) = self.chats.get(&chat) else {
            return &[];
        };
        let language = self
            .people
            .get(&person)
            .and_then(|p| p.language_code.as_deref())
            .unwrap_or_default();
        let scopes = match known.kind {
            Kind::Private => vec![Scope::Chat(chat), Scope::AllPrivateChats, Scope::Default],
            Kind::Group | Kind::Supergroup => {
                let mut scopes = vec![Scope::ChatMember(chat, person)];
                let admin = known.member(person).is_admin();
                scopes.extend(admin.then_some(Scope::ChatAdministrators(chat)));
                scopes.push(Scope::Chat(chat));
                scopes.extend(admin.then_some(Scope::AllChatAdministrators));
                scopes.extend([Scope::AllGroupChats, Scope::Default]);
                scopes
            }
            Kind::Channel => Vec::new(),
        };
        let menus = scopes
            .iter()
            .flat_map(|s| [self.commands.get(s, language), self.commands.get(s, "")]);
        menus.into_iter().find(|m| !m.is_empty()).unwrap_or(&[])
    }
}
