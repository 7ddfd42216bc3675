//! The types of teloxide, which the bot uses, read every answer and update.

use serde::de::DeserializeOwned;
use serde_json::Value;
use teloxide::types::{
    BotCommand, ChatFullInfo, ChatMember, File, ForumTopic, Me, Message, MessageId, Update, UpdateKind,
    WebhookInfo,
};

use crate::conversation;
use crate::kit::Kit;

fn read<T: DeserializeOwned>(method: &str, value: &Value) -> T {
    // As it comes over the wire; from a `Value`, teloxide reads no update at all.
    serde_json::from_str(&value.to_string()).unwrap_or_else(|e| panic!("{method}: {e}: {value}"))
}

#[tokio::test]
async fn teloxide_reads_all_answers() {
    let kit = Kit::new().await;
    conversation::use_every_method(&kit).await;
    let results = kit.results.lock().unwrap().clone();
    for (method, value) in &results {
        match method.as_str() {
            "getMe" => drop(read::<Me>(method, value)),
            "sendMediaGroup" => drop(read::<Vec<Message>>(method, value)),
            "copyMessage" => drop(read::<MessageId>(method, value)),
            "getFile" => drop(read::<File>(method, value)),
            "getChat" => drop(read::<ChatFullInfo>(method, value)),
            "getChatMember" => drop(read::<ChatMember>(method, value)),
            "getChatAdministrators" => drop(read::<Vec<ChatMember>>(method, value)),
            "getMyCommands" => drop(read::<Vec<BotCommand>>(method, value)),
            "getWebhookInfo" => drop(read::<WebhookInfo>(method, value)),
            "createForumTopic" => drop(read::<ForumTopic>(method, value)),
            "getUpdates" => check_updates(method, value),
            sending if sending.starts_with("send") && sending != "sendChatAction" => {
                drop(read::<Message>(method, value));
            }
            editing if editing.starts_with("editMessage") || editing == "forwardMessage" => {
                drop(read::<Message>(method, value));
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn teloxide_reads_all_updates() {
    let kit = Kit::new().await;
    conversation::meet_every_update(&kit).await;
    for (method, value) in kit
        .results
        .lock()
        .unwrap()
        .iter()
        .filter(|(m, _)| m == "getUpdates")
    {
        check_updates(method, value);
    }
}

fn check_updates(method: &str, value: &Value) {
    for (update, raw) in read::<Vec<Update>>(method, value)
        .into_iter()
        .zip(value.as_array().unwrap())
    {
        assert!(!matches!(update.kind, UpdateKind::Error(_)), "{raw}");
    }
}
