//! Asking about chats and their members.

use serde_json::{Value, json};

use super::{Answer, Method, Run, kind::*, may, must};
use crate::api::access::Access;
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::world::World;
use crate::world::chat::{Chat, Kind};
use crate::world::rights::Standing;

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "getChat",
        params: &[must("chat_id", CHAT)],
        run: Run::Now(get_chat),
    },
    Method {
        name: "getChatMember",
        params: &[must("chat_id", CHAT), must("user_id", INT)],
        run: Run::Now(get_chat_member),
    },
    Method {
        name: "getChatAdministrators",
        params: &[must("chat_id", CHAT)],
        run: Run::Now(get_chat_administrators),
    },
    Method {
        name: "getChatMemberCount",
        params: &[must("chat_id", CHAT)],
        run: Run::Now(member_count),
    },
    Method {
        name: "leaveChat",
        params: &[must("chat_id", CHAT)],
        run: Run::Now(leave),
    },
    Method {
        name: "sendChatAction",
        params: &[
            must("chat_id", CHAT),
            must("action", STR),
            may("message_thread_id", INT),
        ],
        run: Run::Now(chat_action),
    },
];

fn get_chat(world: &mut World, args: &Args) -> Answer {
    let id = world.reach_chat(args, Access::Read)?;
    let chat = world.chat(id)?;
    let mut full = world.chat_json(chat);
    full["accent_color_id"] = (id.rem_euclid(7)).into();
    full["max_reaction_count"] = 11.into();
    full["accepted_gift_types"] = json!({
        "unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false,
        "gifts_from_channels": false,
    });
    if let Some(username) = &chat.username {
        full["active_usernames"] = json!([username]);
    }
    if !chat.description.is_empty() {
        full["description"] = chat.description.as_str().into();
    }
    if chat.is_group() {
        full["permissions"] = permissions(chat);
        full["invite_link"] = format!("https://t.me/+sandbox{}", id.unsigned_abs()).into();
    }
    if let Some(pinned) = chat.newest_pinned().and_then(|m| world.message_json(id, m.id)) {
        full["pinned_message"] = pinned;
    }
    Ok(full)
}

fn permissions(chat: &Chat) -> Value {
    json!({
        "can_send_messages": true, "can_send_audios": true, "can_send_documents": true, "can_send_photos": true,
        "can_send_videos": true, "can_send_video_notes": true, "can_send_voice_notes": true,
        "can_send_polls": true, "can_send_other_messages": true, "can_add_web_page_previews": true,
        "can_change_info": false, "can_invite_users": true, "can_pin_messages": chat.members_may_pin,
        "can_manage_topics": false,
    })
}

fn get_chat_member(world: &mut World, args: &Args) -> Answer {
    let id = world.reach_chat(args, Access::Read)?;
    let user = args.user_id()?;
    if user != world.bot.id && !world.people.contains_key(&user) {
        return Err(ApiError::bad("PARTICIPANT_ID_INVALID"));
    }
    let chat = world.chat(id)?;
    let member = match chat.kind {
        Kind::Private if user == id || user == world.bot.id => Standing::Member,
        Kind::Private => return Err(ApiError::bad("member not found")),
        Kind::Group | Kind::Supergroup | Kind::Channel => chat.member(user),
    };
    Ok(member.to_json(world.user_json(user), chat.place()))
}

fn get_chat_administrators(world: &mut World, args: &Args) -> Answer {
    let id = world.reach_chat(args, Access::Read)?;
    let chat = world.chat(id)?;
    match chat.kind {
        Kind::Private => return Err(ApiError::bad("there are no administrators in the private chat")),
        Kind::Group | Kind::Supergroup | Kind::Channel => {}
    }
    let admins = chat.members.iter().filter(|(_, m)| m.is_admin());
    Ok(admins
        .map(|(user, m)| m.to_json(world.user_json(*user), chat.place()))
        .collect())
}

fn member_count(world: &mut World, args: &Args) -> Answer {
    let id = world.reach_chat(args, Access::Read)?;
    let chat = world.chat(id)?;
    let count = match chat.kind {
        Kind::Private => 2,
        Kind::Group | Kind::Supergroup | Kind::Channel => {
            chat.members.values().filter(|m| m.inside()).count()
        }
    };
    Ok(count.into())
}

fn leave(world: &mut World, args: &Args) -> Answer {
    let id = world.reach_chat(args, Access::Edit)?;
    if world.chat(id)?.kind == Kind::Private {
        return Err(ApiError::bad(
            "chat member status can't be changed in private chats",
        ));
    }
    let bot = world.bot.id;
    world.leave(id, bot, bot);
    Ok(true.into())
}

const ACTIONS: [&str; 11] = [
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];

fn chat_action(world: &mut World, args: &Args) -> Answer {
    let id = world.reach_chat(args, Access::Write)?;
    let action = args.text("action").unwrap_or_default();
    if !ACTIONS.contains(&action.as_str()) {
        return Err(ApiError::bad("wrong parameter action in request"));
    }
    super::compose::thread(world, args, id)?;
    world.show_action(id, action);
    Ok(true.into())
}
