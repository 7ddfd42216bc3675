//! What an update says about chats, before anybody asks what a person wants: the bot was thrown
//! out, a group became a supergroup, Telegram's line about a pin of ours.

use kymo_store::{ChatId, MessageId, Store};
use teloxide::types::{ChatMemberKind, Update, UpdateKind, UserId};

use crate::outbox::Outbox;
use crate::panel::is_pin_notice;

/// Takes note. `true`: that was all there is to the update.
pub async fn take_note(store: &Store, outbox: &Outbox, bot: UserId, update: &Update) -> anyhow::Result<bool> {
    match &update.kind {
        UpdateKind::Message(message) => {
            let chat = ChatId(message.chat.id.0);
            if let Some(new) = message.migrate_to_chat_id() {
                store.move_chat(chat, ChatId(new.0)).await?;
                return Ok(true);
            }
            if is_pin_notice(update, bot) {
                // Without the right to delete, the line stays: no harm done.
                if let Err(error) = outbox.delete(chat, MessageId(message.id.0.into())).await {
                    tracing::debug!("the line about a pin stays in chat {chat}: {error}");
                }
                return Ok(true);
            }
            Ok(false)
        }
        UpdateKind::MyChatMember(change) => {
            let chat = ChatId(change.chat.id.0);
            match &change.new_chat_member.kind {
                ChatMemberKind::Left => store.lose_chat(chat, "the bot left or was taken out").await?,
                ChatMemberKind::Banned(_) => {
                    store.lose_chat(chat, "the bot was blocked or thrown out").await?
                }
                ChatMemberKind::Owner(_)
                | ChatMemberKind::Administrator(_)
                | ChatMemberKind::Member(_)
                | ChatMemberKind::Restricted(_) => {}
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}
