//! The types of teloxide, which the bot uses, read every answer and update.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use teloxide::types::{
    BotCommand, Chat, ChatFullInfo, ChatMember, File, ForumTopic, Me, Message, MessageId, Update, UpdateKind,
    WebhookInfo,
};

use crate::kit::{BOT, Kit, png};

fn read<T: DeserializeOwned>(what: &str, value: Value) -> T {
    // As it comes over the wire; from a `Value`, teloxide reads no update at all.
    serde_json::from_str(&value.to_string()).unwrap_or_else(|e| panic!("{what}: {e}: {value}"))
}

#[tokio::test]
async fn teloxide_reads_all_answers() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let lab = kit.chat("supergroup", "administrator", &[ada]).await;
    read::<Me>("getMe", kit.ok("getMe", json!({})).await);
    let text = json!({ "chat_id": lab, "text": "<b>a</b> <a href='https://a.org'>b</a> <pre>c</pre>", "parse_mode": "HTML" });
    let sent: Message = read("sendMessage", kit.ok("sendMessage", text).await);
    assert_eq!(sent.entities().map(<[_]>::len), Some(3));
    let photo: Message = read("sendPhoto", kit.photo(lab, "p").await);
    assert!(photo.photo().is_some());
    let files = [("document", "a.log", vec![1])];
    let document = kit
        .upload("sendDocument", json!({ "chat_id": lab }), &files)
        .await
        .unwrap();
    read::<Message>("sendDocument", document.clone());
    read::<File>(
        "getFile",
        kit.ok("getFile", json!({ "file_id": document["document"]["file_id"] }))
            .await,
    );
    let files = [("animation", "a.mp4", vec![1])];
    read::<Message>(
        "sendAnimation",
        kit.upload("sendAnimation", json!({ "chat_id": lab }), &files)
            .await
            .unwrap(),
    );
    let media =
        json!([{ "type": "photo", "media": "attach://a" }, { "type": "photo", "media": "attach://b" }]);
    let files = [("a", "a.png", png(4, 4, 0)), ("b", "b.png", png(4, 4, 1))];
    let album = kit
        .upload(
            "sendMediaGroup",
            json!({ "chat_id": lab, "media": media }),
            &files,
        )
        .await
        .unwrap();
    read::<Vec<Message>>("sendMediaGroup", album);
    let from = json!({ "chat_id": ada, "from_chat_id": lab, "message_id": sent.id.0 });
    read::<MessageId>("copyMessage", kit.ok("copyMessage", from.clone()).await);
    read::<Message>("forwardMessage", kit.ok("forwardMessage", from).await);
    kit.ok(
        "pinChatMessage",
        json!({ "chat_id": lab, "message_id": photo.id.0 }),
    )
    .await;
    let full: ChatFullInfo = read("getChat", kit.ok("getChat", json!({ "chat_id": lab })).await);
    assert_eq!(full.pinned_message.map(|m| m.id), Some(photo.id));
    read::<ChatFullInfo>("getChat", kit.ok("getChat", json!({ "chat_id": ada })).await);
    for user in [ada, BOT] {
        let member = kit
            .ok("getChatMember", json!({ "chat_id": lab, "user_id": user }))
            .await;
        read::<ChatMember>("getChatMember", member);
    }
    let admins = kit.ok("getChatAdministrators", json!({ "chat_id": lab })).await;
    read::<Vec<ChatMember>>("getChatAdministrators", admins);
    kit.ok(
        "setMyCommands",
        json!({ "commands": [{ "command": "run", "description": "d" }] }),
    )
    .await;
    read::<Vec<BotCommand>>("getMyCommands", kit.ok("getMyCommands", json!({})).await);
    read::<WebhookInfo>("getWebhookInfo", kit.ok("getWebhookInfo", json!({})).await);
    let forum = kymo_telegram_sandbox::NewChat {
        title: "Forum".into(),
        forum: true,
        members: vec![ada],
        bot: Some("administrator".into()),
        ..Default::default()
    };
    let forum = kit.control.add_chat(&forum).await.unwrap();
    let topic = kit
        .ok("createForumTopic", json!({ "chat_id": forum, "name": "t" }))
        .await;
    read::<ForumTopic>("createForumTopic", topic);
    read::<Chat>(
        "chat",
        kit.ok("sendMessage", json!({ "chat_id": forum, "text": "x" }))
            .await["chat"]
            .clone(),
    );
}

#[tokio::test]
async fn teloxide_reads_all_updates() {
    let kit = Kit::new().await;
    let (ada, grace) = (kit.friend("Ada").await, kit.friend("Grace").await);
    let lab = kit.chat("group", "administrator", &[ada]).await;
    let markup = json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": "x" }]] });
    let sent = kit
        .ok(
            "sendMessage",
            json!({ "chat_id": lab, "text": "?", "reply_markup": markup }),
        )
        .await;
    let id = sent["message_id"].as_i64().unwrap();
    kit.ok("getUpdates", json!({ "allowed_updates": ["message", "callback_query", "my_chat_member", "chat_member", "channel_post"] })).await;
    kit.control
        .reply(ada, lab, id, "/run@sandbox_bot airy")
        .await
        .unwrap();
    kit.control.press(ada, lab, id, "Go").await.unwrap();
    kit.control.pin(ada, lab, id).await.unwrap();
    kit.control.join(grace, lab).await.unwrap();
    kit.control.leave(grace, lab).await.unwrap();
    kit.control.set_bot(lab, "member").await.unwrap();
    kit.control.block(grace, true).await.unwrap();
    kit.control.migrate(lab).await.unwrap();
    let channel = kit.chat("channel", "administrator", &[ada]).await;
    kit.control.send(ada, channel, "post").await.unwrap();
    let updates = kit.updates().await;
    assert!(updates.len() >= 10, "{updates:?}");
    for update in updates {
        let read: Update = read("update", update.clone());
        assert!(!matches!(read.kind, UpdateKind::Error(_)), "{update}");
    }
}
