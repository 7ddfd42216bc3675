//! The command menus. A menu is a convenience, never a right: everybody's rights are checked when
//! they use a command, and strangers see no menu at all.

use kymo_store::{ChatId, PersonId, Role};
use serde_json::{Map, Value, json};

use crate::command::Command;
use crate::facts::Facts;
use crate::telegram::Telegram;

/// One `setMyCommands`, or `deleteMyCommands` when `commands` is empty.
#[derive(Clone, Debug, PartialEq)]
struct Menu {
    scope: Value,
    commands: Vec<Command>,
}

/// Sets all menus after a start. Telegram keeps them, so a failure costs little and is only logged.
pub async fn set_all(facts: &Facts, telegram: &Telegram) {
    match (members(facts).await, groups(facts).await) {
        (Ok(members), Ok(groups)) => set(telegram, plan(&members, &groups)).await,
        (Err(error), _) | (_, Err(error)) => tracing::warn!(%error, "cannot set the menus"),
    }
}

/// Sets the menus of one person whose role may have changed.
pub async fn set_for(facts: &Facts, telegram: &Telegram, person: PersonId) {
    match (facts.role_of(person).await, groups(facts).await) {
        (Ok(role), Ok(groups)) => set(telegram, personal(person, role, &groups)).await,
        (Err(error), _) | (_, Err(error)) => tracing::warn!(%error, "cannot set a menu"),
    }
}

async fn members(facts: &Facts) -> Result<Vec<(PersonId, Role)>, kymo_store::StoreError> {
    let mut members: Vec<_> = facts.admins.iter().map(|admin| (*admin, Role::Admin)).collect();
    for member in facts.store.people().await? {
        if !facts.admins.contains(&member.id) {
            members.push((member.id, member.role));
        }
    }
    Ok(members)
}

async fn groups(facts: &Facts) -> Result<Vec<ChatId>, kymo_store::StoreError> {
    let chats = facts.store.chats().await?;
    Ok(chats
        .into_iter()
        .filter(|chat| chat.kind != "private" && chat.lost.is_none())
        .map(|chat| chat.id)
        .collect())
}

/// Strangers see nothing; groups see what operators may, since a group has one menu for its
/// members; admins see theirs everywhere.
fn plan(members: &[(PersonId, Role)], groups: &[ChatId]) -> Vec<Menu> {
    let scope = |kind: &str| json!({ "type": kind });
    let mut menus = vec![
        Menu {
            scope: scope("default"),
            commands: Vec::new(),
        },
        Menu {
            scope: scope("all_private_chats"),
            commands: Vec::new(),
        },
        Menu {
            scope: scope("all_group_chats"),
            commands: commands(Role::Operator),
        },
        Menu {
            scope: scope("all_chat_administrators"),
            commands: commands(Role::Operator),
        },
    ];
    for (person, role) in members {
        menus.extend(personal(*person, Some(*role), groups));
    }
    menus
}

fn personal(person: PersonId, role: Option<Role>, groups: &[ChatId]) -> Vec<Menu> {
    let mut menus = vec![Menu {
        scope: json!({ "type": "chat", "chat_id": person.0 }),
        commands: role.map(commands).unwrap_or_default(),
    }];
    for group in groups {
        menus.push(Menu {
            scope: json!({ "type": "chat_member", "chat_id": group.0, "user_id": person.0 }),
            commands: if role == Some(Role::Admin) {
                commands(Role::Admin)
            } else {
                Vec::new()
            },
        });
    }
    menus
}

fn commands(role: Role) -> Vec<Command> {
    Command::ALL
        .into_iter()
        .filter(|command| command.need() <= role && *command != Command::Start)
        .collect()
}

async fn set(telegram: &Telegram, menus: Vec<Menu>) {
    for Menu { scope, commands } in menus {
        let mut body = Map::new();
        body.insert("scope".to_owned(), scope.clone());
        let method = if commands.is_empty() {
            "deleteMyCommands"
        } else {
            "setMyCommands"
        };
        if !commands.is_empty() {
            let list: Vec<Value> = commands
                .iter()
                .map(|command| json!({ "command": command.name(), "description": command.about() }))
                .collect();
            body.insert("commands".to_owned(), list.into());
        }
        // Somebody who never pressed Start has no chat yet: their menu comes with their first word.
        if let Err(error) = telegram.call(method, &Value::Object(body)).await {
            tracing::debug!(%error, %scope, "a menu was not set");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_see_nothing_and_admins_see_theirs_everywhere() {
        let (ada, bob, group) = (PersonId(1), PersonId(2), ChatId(-5));
        let shown: Vec<String> = plan(&[(ada, Role::Admin), (bob, Role::Viewer)], &[group])
            .iter()
            .map(|menu| format!("{} {}", menu.scope, menu.commands.len()))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        {"type":"default"} 0
        {"type":"all_private_chats"} 0
        {"type":"all_group_chats"} 16
        {"type":"all_chat_administrators"} 16
        {"type":"chat","chat_id":1} 18
        {"type":"chat_member","chat_id":-5,"user_id":1} 18
        {"type":"chat","chat_id":2} 9
        {"type":"chat_member","chat_id":-5,"user_id":2} 0
        "#);
        assert!(
            personal(bob, None, &[group])
                .iter()
                .all(|menu| menu.commands.is_empty())
        );
    }
}
