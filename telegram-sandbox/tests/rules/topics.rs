//! Forum topics.

use kymo_telegram_sandbox::NewChat;
use serde_json::json;

use crate::kit::Kit;

async fn forum(kit: &Kit, ada: i64, bot: &str) -> i64 {
    let new = NewChat {
        title: "Forum".into(),
        forum: true,
        members: vec![ada],
        bot: Some(bot.into()),
        ..NewChat::default()
    };
    kit.control.add_chat(&new).await.unwrap()
}

#[tokio::test]
async fn messages_stay_in_their_topic() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let chat = forum(&kit, ada, "administrator").await;
    let topic = kit
        .ok("createForumTopic", json!({ "chat_id": chat, "name": "airy" }))
        .await;
    let thread = topic["message_thread_id"].as_i64().unwrap();
    kit.updates().await;
    let sent = kit
        .ok(
            "sendMessage",
            json!({ "chat_id": chat, "text": "here", "message_thread_id": thread }),
        )
        .await;
    assert_eq!(
        (&sent["message_thread_id"], &sent["is_topic_message"]),
        (&json!(thread), &json!(true))
    );
    kit.control
        .send_in_topic(ada, chat, thread, "/status")
        .await
        .unwrap();
    let update = kit.updates().await.pop().unwrap();
    assert_eq!(update["message"]["message_thread_id"], thread);
    let lost = json!({ "chat_id": chat, "text": "?", "message_thread_id": 999 });
    assert_eq!(
        kit.refused("sendMessage", lost).await,
        "Bad Request: message thread not found"
    );
    kit.ok(
        "closeForumTopic",
        json!({ "chat_id": chat, "message_thread_id": thread }),
    )
    .await;
    kit.control.set_bot(chat, "member").await.unwrap();
    let closed = json!({ "chat_id": chat, "text": "?", "message_thread_id": thread });
    assert_eq!(
        kit.refused("sendMessage", closed).await,
        "Bad Request: TOPIC_CLOSED"
    );
}

#[tokio::test]
async fn topics_need_a_forum_and_the_right() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (chat, refusal) in [
        (
            forum(&kit, ada, "pinner").await,
            "not enough rights to create a topic",
        ),
        (
            kit.chat("supergroup", "administrator", &[ada]).await,
            "the chat is not a forum",
        ),
        (
            kit.chat("group", "administrator", &[ada]).await,
            "the chat is not a supergroup forum",
        ),
    ] {
        let said = kit
            .refused("createForumTopic", json!({ "chat_id": chat, "name": "x" }))
            .await;
        assert_eq!(said, format!("Bad Request: {refusal}"));
    }
}

#[tokio::test]
async fn a_topic_lives_through_edits_to_its_end() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let chat = forum(&kit, ada, "administrator").await;
    let topic = kit
        .ok(
            "createForumTopic",
            json!({ "chat_id": chat, "name": "a", "icon_color": 7322096 }),
        )
        .await;
    let thread = &topic["message_thread_id"];
    let one = json!({ "chat_id": chat, "message_thread_id": thread });
    kit.ok(
        "editForumTopic",
        json!({ "chat_id": chat, "message_thread_id": thread, "name": "b" }),
    )
    .await;
    kit.ok("closeForumTopic", one.clone()).await;
    assert_eq!(
        kit.refused("closeForumTopic", one.clone()).await,
        "Bad Request: TOPIC_NOT_MODIFIED"
    );
    kit.ok("reopenForumTopic", one.clone()).await;
    kit.ok("unpinAllForumTopicMessages", one.clone()).await;
    kit.ok("deleteForumTopic", one.clone()).await;
    assert!(kit.control.chat(chat).await.unwrap().topics.is_empty());
    assert_eq!(
        kit.refused("deleteForumTopic", one).await,
        "Bad Request: message thread not found"
    );
    assert_eq!(kit.ok("getForumTopicIconStickers", json!({})).await, json!([]));
}
