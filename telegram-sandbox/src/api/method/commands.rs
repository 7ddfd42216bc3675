//! The command menus.

use serde::Deserialize;
use serde_json::Value;

use super::{Answer, Method, Param, Run, kind::*, may, must};
use crate::api::access::Access;
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::text::utf16_len;
use crate::world::World;
use crate::world::commands::{Command, Scope};
use crate::world::news::EventKind;

const SCOPE: Param = may("scope", "BotCommandScope");
const LANGUAGE: Param = may("language_code", STR);

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "setMyCommands",
        params: &[must("commands", "Array of BotCommand"), SCOPE, LANGUAGE],
        run: Run::Now(set),
    },
    Method {
        name: "getMyCommands",
        params: &[SCOPE, LANGUAGE],
        run: Run::Now(get),
    },
    Method {
        name: "deleteMyCommands",
        params: &[SCOPE, LANGUAGE],
        run: Run::Now(delete),
    },
];

const MOST_COMMANDS: usize = 100;

fn set(world: &mut World, args: &Args) -> Answer {
    let given: Vec<Command> = args
        .object("commands")?
        .ok_or_else(|| ApiError::bad("commands are not specified"))?;
    if given.len() > MOST_COMMANDS {
        return Err(ApiError::bad("BOT_COMMANDS_TOO_MUCH"));
    }
    let commands = given.into_iter().map(checked).collect::<Result<Vec<_>, _>>()?;
    let (scope, language) = (scope(world, args)?, language(args)?);
    world.commands.set(scope, language, commands);
    world.news.tell(EventKind::Bot, None, None, None);
    Ok(true.into())
}

fn get(world: &mut World, args: &Args) -> Answer {
    let (scope, language) = (scope(world, args)?, language(args)?);
    serde_json::to_value(world.commands.get(&scope, &language)).map_err(|_| ApiError::server(500))
}

fn delete(world: &mut World, args: &Args) -> Answer {
    let (scope, language) = (scope(world, args)?, language(args)?);
    world.commands.remove(&scope, &language);
    world.news.tell(EventKind::Bot, None, None, None);
    Ok(true.into())
}

fn checked(mut given: Command) -> Result<Command, ApiError> {
    given.command = given.command.trim().trim_start_matches('/').to_owned();
    given.description = given.description.trim().to_owned();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if given.command.is_empty() || given.command.len() > 32 || !given.command.chars().all(plain) {
        return Err(ApiError::bad("BOT_COMMAND_INVALID"));
    }
    if !(1..=256).contains(&utf16_len(&given.description)) {
        return Err(ApiError::bad("BOT_COMMAND_DESCRIPTION_INVALID"));
    }
    Ok(given)
}

pub(crate) fn language(args: &Args) -> Result<String, ApiError> {
    let code = args.text("language_code").unwrap_or_default();
    let two_letters = code.len() == 2 && code.bytes().all(|b| b.is_ascii_lowercase());
    match code.is_empty() || two_letters {
        true => Ok(code),
        false => Err(ApiError::bad("invalid language code specified")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenScope {
    #[serde(rename = "type")]
    kind: String,
    chat_id: Option<Value>,
    user_id: Option<i64>,
}

fn scope(world: &World, args: &Args) -> Result<Scope, ApiError> {
    let Some(given) = args.object::<GivenScope>("scope")? else {
        return Ok(Scope::Default);
    };
    let chat = || {
        let named = match &given.chat_id {
            Some(Value::String(name)) => name.clone(),
            Some(other) => other.to_string(),
            None => return Err(ApiError::bad("chat_id is empty")),
        };
        world.reach(&named, Access::Read)
    };
    Ok(match given.kind.as_str() {
        "default" => Scope::Default,
        "all_private_chats" => Scope::AllPrivateChats,
        "all_group_chats" => Scope::AllGroupChats,
        "all_chat_administrators" => Scope::AllChatAdministrators,
        "chat" => Scope::Chat(chat()?),
        "chat_administrators" => Scope::ChatAdministrators(chat()?),
        "chat_member" => {
            let user = given
                .user_id
                .ok_or_else(|| ApiError::bad("invalid user_id specified"))?;
            Scope::ChatMember(chat()?, user)
        }
        _ => {
            return Err(ApiError::bad(
                "can't parse BotCommandScope: Unsupported type specified",
            ));
        }
    })
}
