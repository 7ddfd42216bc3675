//! Forum topics of a supergroup.

use serde_json::json;

use super::{Answer, Method, Param, Run, kind::*, may, must};
use crate::api::access::Access;
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::text::utf16_len;
use crate::world::chat::{Kind, Topic};
use crate::world::message::Service;
use crate::world::news::EventKind;
use crate::world::posting::Draft;
use crate::world::{ChatId, MessageId, World};

const ONE_TOPIC: &[Param] = &[must("chat_id", CHAT), must("message_thread_id", INT)];

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "createForumTopic",
        params: &[
            must("chat_id", CHAT),
            must("name", STR),
            may("icon_color", INT),
            may("icon_custom_emoji_id", STR),
        ],
        run: Run::Now(create),
    },
    Method {
        name: "editForumTopic",
        params: &[
            must("chat_id", CHAT),
            must("message_thread_id", INT),
            may("name", STR),
            may("icon_custom_emoji_id", STR),
        ],
        run: Run::Now(edit),
    },
    Method {
        name: "closeForumTopic",
        params: ONE_TOPIC,
        run: Run::Now(|w, a| set_closed(w, a, true)),
    },
    Method {
        name: "reopenForumTopic",
        params: ONE_TOPIC,
        run: Run::Now(|w, a| set_closed(w, a, false)),
    },
    Method {
        name: "deleteForumTopic",
        params: ONE_TOPIC,
        run: Run::Now(delete),
    },
    Method {
        name: "unpinAllForumTopicMessages",
        params: ONE_TOPIC,
        run: Run::Now(unpin_all),
    },
    // Custom emoji belong to Telegram; the sandbox has none to offer.
    Method {
        name: "getForumTopicIconStickers",
        params: &[],
        run: Run::Now(|_, _| Ok(json!([]))),
    },
];

const COLOURS: [i64; 6] = [
    7_322_096, 16_766_590, 13_338_331, 9_367_192, 16_749_490, 16_478_047,
];

fn forum(world: &World, args: &Args) -> Result<ChatId, ApiError> {
    let chat = world.reach_chat(args, Access::Write)?;
    let place = world.chat(chat)?;
    match place.kind {
        Kind::Supergroup if place.forum => {}
        Kind::Supergroup => return Err(ApiError::bad("the chat is not a forum")),
        Kind::Private | Kind::Group | Kind::Channel => {
            return Err(ApiError::bad("the chat is not a supergroup forum"));
        }
    }
    match world.bot_rights(chat).can_manage_topics {
        true => Ok(chat),
        false => Err(ApiError::bad("not enough rights to create a topic")),
    }
}

fn topic(world: &World, args: &Args) -> Result<(ChatId, MessageId), ApiError> {
    let chat = forum(world, args)?;
    let thread = args.integer("message_thread_id")?.unwrap_or_default();
    match world.chat(chat)?.topics.contains_key(&thread) {
        true => Ok((chat, thread)),
        false => Err(ApiError::bad("message thread not found")),
    }
}

fn name(args: &Args) -> Result<Option<String>, ApiError> {
    let Some(name) = args.text("name").map(|n| n.trim().to_owned()) else {
        return Ok(None);
    };
    match (1..=128).contains(&utf16_len(&name)) {
        true => Ok(Some(name)),
        false => Err(ApiError::bad("TOPIC_TITLE_EMPTY")),
    }
}

fn create(world: &mut World, args: &Args) -> Answer {
    let chat = forum(world, args)?;
    let name = name(args)?.ok_or_else(|| ApiError::bad("TOPIC_TITLE_EMPTY"))?;
    let icon_color = args.integer("icon_color")?.unwrap_or(COLOURS[0]);
    if !COLOURS.contains(&icon_color) {
        return Err(ApiError::bad("TOPIC_ICON_COLOR_INVALID"));
    }
    let icon_custom_emoji_id = args.text("icon_custom_emoji_id").filter(|i| !i.is_empty());
    world.spend(chat, 1)?;
    let topic = Topic {
        name,
        icon_color,
        icon_custom_emoji_id,
        closed: false,
    };
    let mut answer = json!({ "name": topic.name, "icon_color": topic.icon_color });
    if let Some(icon) = &topic.icon_custom_emoji_id {
        answer["icon_custom_emoji_id"] = icon.as_str().into();
    }
    let bot = world.bot.id;
    answer["message_thread_id"] = world.open_topic(chat, bot, topic).into();
    Ok(answer)
}

fn edit(world: &mut World, args: &Args) -> Answer {
    let (chat, thread) = topic(world, args)?;
    let (name, icon) = (name(args)?, args.text("icon_custom_emoji_id"));
    if let Some(topic) = world.chats.get_mut(&chat).and_then(|c| c.topics.get_mut(&thread)) {
        if name.as_ref().is_none_or(|n| *n == topic.name) && icon.is_none() {
            return Err(ApiError::bad("TOPIC_NOT_MODIFIED"));
        }
        topic.name = name.clone().unwrap_or_else(|| topic.name.clone());
        topic.icon_custom_emoji_id = icon
            .clone()
            .or(topic.icon_custom_emoji_id.take())
            .filter(|i| !i.is_empty());
    }
    tell(
        world,
        chat,
        thread,
        Service::TopicEdited {
            name,
            icon_custom_emoji_id: icon,
        },
    );
    Ok(true.into())
}

fn set_closed(world: &mut World, args: &Args, closed: bool) -> Answer {
    let (chat, thread) = topic(world, args)?;
    if let Some(topic) = world.chats.get_mut(&chat).and_then(|c| c.topics.get_mut(&thread)) {
        if topic.closed == closed {
            return Err(ApiError::bad("TOPIC_NOT_MODIFIED"));
        }
        topic.closed = closed;
    }
    tell(
        world,
        chat,
        thread,
        if closed {
            Service::TopicClosed
        } else {
            Service::TopicReopened
        },
    );
    Ok(true.into())
}

fn delete(world: &mut World, args: &Args) -> Answer {
    let (chat, thread) = topic(world, args)?;
    if !world.bot_rights(chat).can_delete_messages {
        return Err(ApiError::bad("not enough rights to delete the topic"));
    }
    let gone: Vec<MessageId> = world
        .chat(chat)?
        .messages
        .values()
        .filter(|m| m.thread == Some(thread))
        .map(|m| m.id)
        .collect();
    for id in gone {
        world.remove_message(chat, id);
    }
    if let Some(place) = world.chats.get_mut(&chat) {
        place.topics.remove(&thread);
    }
    world.news.tell(EventKind::Chat, Some(chat), None, None);
    Ok(true.into())
}

fn unpin_all(world: &mut World, args: &Args) -> Answer {
    let (chat, thread) = topic(world, args)?;
    if !world.bot_rights(chat).can_pin_messages {
        return Err(ApiError::bad(
            "not enough rights to manage pinned messages in the chat",
        ));
    }
    world.unpin_all(chat, Some(thread));
    Ok(true.into())
}

fn tell(world: &mut World, chat: ChatId, thread: MessageId, service: Service) {
    let mut draft = Draft::service(chat, world.bot.id, service);
    draft.thread = Some(thread);
    world.post(draft);
    world.news.tell(EventKind::Chat, Some(chat), None, None);
}
