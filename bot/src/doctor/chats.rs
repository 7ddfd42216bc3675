//! The bot's rights in each chat that it knows.

use kymo_store::{Chat, Store};
use serde_json::{Value, json};

use super::{Check, House};
use crate::telegram::{Telegram, TelegramError};
use crate::words::cut;

pub(super) async fn check(telegram: &Telegram, house: &House, bot: u64) -> Vec<Check> {
    // A database that cannot be opened was told of already.
    let Ok(store) = Store::open(&house.database).await else {
        return Vec::new();
    };
    let Ok(chats) = store.chats().await else {
        return Vec::new();
    };
    store.close().await;
    let mut checks = Vec::new();
    for chat in chats.iter().filter(|chat| chat.kind != "private") {
        let body = json!({ "chat_id": chat.id.0, "user_id": bot });
        checks.push(judge(chat, telegram.call("getChatMember", &body).await));
    }
    checks
}

fn judge(chat: &Chat, member: Result<Value, TelegramError>) -> Check {
    let thing = format!("chat {} ({})", cut(&chat.title, 40), chat.id);
    let member = match member {
        Ok(member) => member,
        Err(error) => {
            let remedy = "add the bot to the chat again, or forget the chat: nothing is sent there";
            return Check::warning(&thing, error.to_string(), remedy);
        }
    };
    let may = |right: &str| member[right] == json!(true);
    match member["status"].as_str() {
        Some("creator") => Check::ok(&thing, "all rights"),
        Some("administrator") if may("can_pin_messages") || chat.kind == "channel" => {
            Check::ok(&thing, "administrator, may pin")
        }
        Some("administrator" | "member") => Check::warning(
            &thing,
            "the bot may not pin, so panels stay unpinned",
            "make it an administrator with the right to pin messages (group settings, Administrators)",
        ),
        Some("restricted") if !may("can_send_messages") => Check::error(
            &thing,
            "the bot may not write there",
            "lift its restrictions in the group's settings",
        ),
        Some("left" | "kicked") => Check::warning(
            &thing,
            "the bot is not in the chat any more",
            "add it again if it shall write there",
        ),
        status => Check::ok(
            &thing,
            format!("the bot is {}", status.unwrap_or("something unknown")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kymo_store::{ChatId, Theme};

    use super::super::Level;
    use super::*;

    #[test]
    fn rights() {
        let chat = Chat {
            id: ChatId(-5),
            kind: "group".to_owned(),
            title: "Lab".to_owned(),
            forum: false,
            theme: Theme::Light,
            alerts: false,
            alerts_thread: None,
            lost: None,
            pin_told: false,
            seen_at: DateTime::UNIX_EPOCH,
        };
        for (member, level) in [
            (
                json!({"status": "administrator", "can_pin_messages": true}),
                Level::Ok,
            ),
            (
                json!({"status": "administrator", "can_pin_messages": false}),
                Level::Warning,
            ),
            (json!({"status": "member"}), Level::Warning),
            (
                json!({"status": "restricted", "can_send_messages": false}),
                Level::Error,
            ),
            (json!({"status": "kicked"}), Level::Warning),
        ] {
            assert_eq!(judge(&chat, Ok(member.clone())).level, level, "{member}");
        }
        assert_eq!(judge(&chat, Err(TelegramError::ChatGone)).level, Level::Warning);
    }
}
