//! A conversation that uses every method and meets every kind of update, for those who read answers.

use kymo_telegram_sandbox::NewChat;
use serde_json::json;

use crate::kit::{BOT, Kit, png};

/// Calls every method once at least; the results are in `kit.results`.
pub async fn use_every_method(kit: &Kit) {
    let ada = kit.friend("Ada").await;
    let lab = kit.chat("supergroup", "administrator", &[ada]).await;
    kit.ok("getMe", json!({})).await;
    send(kit, ada, lab).await;
    pictures(kit, ada, lab).await;
    menus(kit, ada).await;
    topics(kit, ada).await;
    for user in [ada, BOT] {
        kit.ok("getChatMember", json!({ "chat_id": lab, "user_id": user }))
            .await;
    }
    kit.ok(
        "getChatMember",
        json!({ "chat_id": lab, "user_id": kit.person("Mallory").await }),
    )
    .await;
    kit.ok("getChatAdministrators", json!({ "chat_id": lab })).await;
    kit.ok("getChatMemberCount", json!({ "chat_id": lab })).await;
    kit.ok("getChat", json!({ "chat_id": ada })).await;
    kit.ok(
        "setWebhook",
        json!({ "url": "http://127.0.0.1:1/", "allowed_updates": ["message"] }),
    )
    .await;
    kit.ok("getWebhookInfo", json!({})).await;
    kit.ok("deleteWebhook", json!({})).await;
    kit.ok("leaveChat", json!({ "chat_id": lab })).await;
}

async fn send(kit: &Kit, ada: i64, lab: i64) {
    let marked =
        "<b>a</b> <a href='https://a.org'>b</a> <pre><code class='language-c'>c</code></pre> /run @grace_h";
    let markup = json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": "x", "style": "danger" }, { "text": "Docs", "url": "https://a.org" }]] });
    let text = json!({ "chat_id": lab, "text": marked, "parse_mode": "HTML", "reply_markup": markup });
    let sent = kit.ok("sendMessage", text).await;
    let id = &sent["message_id"];
    let reply = json!({ "chat_id": lab, "text": "reply", "reply_parameters": { "message_id": id } });
    kit.ok("sendMessage", reply).await;
    kit.ok(
        "editMessageReplyMarkup",
        json!({ "chat_id": lab, "message_id": id }),
    )
    .await;
    kit.ok(
        "editMessageText",
        json!({ "chat_id": lab, "message_id": id, "text": "edited", "reply_markup": markup }),
    )
    .await;
    kit.ok("sendChatAction", json!({ "chat_id": lab, "action": "typing" }))
        .await;
    let query = kit
        .control
        .press(ada, lab, id.as_i64().unwrap(), "Go")
        .await
        .unwrap();
    kit.ok(
        "answerCallbackQuery",
        json!({ "callback_query_id": query, "text": "ok" }),
    )
    .await;
    let from = json!({ "chat_id": ada, "from_chat_id": lab, "message_id": id });
    kit.ok("copyMessage", from.clone()).await;
    kit.ok("forwardMessage", from).await;
    kit.ok("pinChatMessage", json!({ "chat_id": lab, "message_id": id }))
        .await;
    kit.ok("getChat", json!({ "chat_id": lab })).await;
    kit.ok("unpinChatMessage", json!({ "chat_id": lab, "message_id": id }))
        .await;
    kit.ok("unpinAllChatMessages", json!({ "chat_id": lab })).await;
    kit.ok("deleteMessage", json!({ "chat_id": lab, "message_id": id }))
        .await;
    kit.ok("deleteMessages", json!({ "chat_id": lab, "message_ids": [1, 2] }))
        .await;
}

async fn pictures(kit: &Kit, ada: i64, lab: i64) {
    let photo = kit.photo(lab, "p").await;
    let id = &photo["message_id"];
    kit.ok(
        "editMessageCaption",
        json!({ "chat_id": lab, "message_id": id, "caption": "q" }),
    )
    .await;
    let media = json!({ "type": "photo", "media": "attach://p", "has_spoiler": true });
    let edit = json!({ "chat_id": lab, "message_id": id, "media": media });
    kit.upload("editMessageMedia", edit, &[("p", "p.png", png(4, 4, 9))])
        .await
        .unwrap();
    let files = [("document", "a.log", vec![1])];
    let document = kit
        .upload("sendDocument", json!({ "chat_id": ada }), &files)
        .await
        .unwrap();
    kit.ok("getFile", json!({ "file_id": document["document"]["file_id"] }))
        .await;
    kit.upload(
        "sendAnimation",
        json!({ "chat_id": lab }),
        &[("animation", "a.mp4", vec![1])],
    )
    .await
    .unwrap();
    let media =
        json!([{ "type": "photo", "media": "attach://a" }, { "type": "photo", "media": "attach://b" }]);
    let files = [("a", "a.png", png(4, 4, 0)), ("b", "b.png", png(4, 4, 1))];
    kit.upload(
        "sendMediaGroup",
        json!({ "chat_id": lab, "media": media }),
        &files,
    )
    .await
    .unwrap();
}

async fn menus(kit: &Kit, ada: i64) {
    let scope = json!({ "type": "chat", "chat_id": ada });
    let commands = json!([{ "command": "run", "description": "d" }]);
    kit.ok("setMyCommands", json!({ "commands": commands, "scope": scope }))
        .await;
    kit.ok("getMyCommands", json!({ "scope": scope })).await;
    kit.ok("deleteMyCommands", json!({ "scope": scope })).await;
    for (text, param) in [
        ("Name", "name"),
        ("Description", "description"),
        ("ShortDescription", "short_description"),
    ] {
        kit.ok(&format!("setMy{text}"), json!({ (param): "words" })).await;
        kit.ok(&format!("getMy{text}"), json!({})).await;
    }
}

async fn topics(kit: &Kit, ada: i64) {
    let new = NewChat {
        title: "Forum".into(),
        forum: true,
        members: vec![ada],
        bot: Some("administrator".into()),
        ..NewChat::default()
    };
    let forum = kit.control.add_chat(&new).await.unwrap();
    let topic = kit
        .ok("createForumTopic", json!({ "chat_id": forum, "name": "t" }))
        .await;
    let thread = &topic["message_thread_id"];
    kit.ok(
        "sendMessage",
        json!({ "chat_id": forum, "message_thread_id": thread, "text": "here" }),
    )
    .await;
    kit.ok(
        "editForumTopic",
        json!({ "chat_id": forum, "message_thread_id": thread, "name": "u" }),
    )
    .await;
    for method in [
        "closeForumTopic",
        "reopenForumTopic",
        "unpinAllForumTopicMessages",
    ] {
        kit.ok(method, json!({ "chat_id": forum, "message_thread_id": thread }))
            .await;
    }
    kit.updates().await;
    kit.ok(
        "deleteForumTopic",
        json!({ "chat_id": forum, "message_thread_id": thread }),
    )
    .await;
    kit.ok("getForumTopicIconStickers", json!({})).await;
}

/// Lets people do all that the bot hears of; the updates are in `kit.results` too.
pub async fn meet_every_update(kit: &Kit) {
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
    let kinds = [
        "message",
        "callback_query",
        "my_chat_member",
        "chat_member",
        "channel_post",
    ];
    kit.ok("getUpdates", json!({ "allowed_updates": kinds })).await;
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
    assert!(kit.updates().await.len() >= 10);
}
