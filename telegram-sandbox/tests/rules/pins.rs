//! Pinning: rights, the service message, several pins.

use serde_json::json;

use crate::kit::Kit;

#[tokio::test]
async fn pinning_needs_the_right() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (kind, bot, may) in [
        ("group", "administrator", true),
        ("group", "pinner", true),
        ("group", "powerless", false),
        ("group", "member", false),
        ("supergroup", "pinner", true),
        ("supergroup", "member", false),
        ("channel", "administrator", true),
        ("channel", "pinner", false),
    ] {
        let chat = kit.chat(kind, bot, &[ada]).await;
        kit.control.set_bot(chat, "administrator").await.unwrap();
        let id = kit.message(chat, "panel").await;
        kit.control.set_bot(chat, bot).await.unwrap();
        let pinned = kit
            .call("pinChatMessage", json!({ "chat_id": chat, "message_id": id }))
            .await;
        match may {
            true => assert_eq!(pinned, Ok(json!(true)), "{kind} {bot}"),
            false => {
                let words = pinned.expect_err("no right").1;
                let known = [
                    "Bad Request: not enough rights to manage pinned messages in the chat",
                    "Bad Request: need administrator rights in the channel chat",
                ];
                assert!(known.contains(&words.as_str()), "{kind} {bot}: {words}");
            }
        }
    }
    let private = kit.message(ada, "panel").await;
    kit.ok("pinChatMessage", json!({ "chat_id": ada, "message_id": private }))
        .await;
    assert_eq!(
        kit.refused("pinChatMessage", json!({ "chat_id": ada, "message_id": 9999 }))
            .await,
        "Bad Request: message to pin not found"
    );
}

#[tokio::test]
async fn a_pin_leaves_a_service_message_that_an_admin_may_delete() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let lab = kit.chat("group", "administrator", &[ada]).await;
    let id = kit.message(lab, "panel").await;
    kit.ok(
        "pinChatMessage",
        json!({ "chat_id": lab, "message_id": id, "disable_notification": true }),
    )
    .await;
    let update = kit.updates().await.pop().expect("the bot hears of its own pin");
    assert_eq!(update["message"]["pinned_message"]["message_id"], id);
    let note = update["message"]["message_id"].as_i64().unwrap();
    let chat = kit.control.chat(lab).await.unwrap();
    assert!(chat.message(note).unwrap().silent, "a quiet pin makes no sound");
    kit.ok("deleteMessage", json!({ "chat_id": lab, "message_id": note }))
        .await;

    // Pinned again, nothing is said twice.
    kit.ok("pinChatMessage", json!({ "chat_id": lab, "message_id": id }))
        .await;
    assert!(kit.updates().await.is_empty());

    let other = kit.chat("group", "member", &[ada]).await;
    let theirs = kit.control.send(ada, other, "hello").await.unwrap();
    kit.control.pin(ada, other, theirs).await.unwrap();
    let note = kit.control.chat(other).await.unwrap().messages.last().unwrap().id;
    let said = kit
        .refused("deleteMessage", json!({ "chat_id": other, "message_id": note }))
        .await;
    assert_eq!(said, "Bad Request: message can't be deleted");
}

#[tokio::test]
async fn get_chat_tells_only_the_newest_of_several_pins() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let lab = kit.chat("group", "administrator", &[ada]).await;
    let (old, new) = (kit.message(lab, "old").await, kit.message(lab, "new").await);
    let newest =
        async || kit.ok("getChat", json!({ "chat_id": lab })).await["pinned_message"]["message_id"].clone();
    // By sending date, not by the date of pinning.
    kit.ok("pinChatMessage", json!({ "chat_id": lab, "message_id": new }))
        .await;
    kit.ok("pinChatMessage", json!({ "chat_id": lab, "message_id": old }))
        .await;
    assert_eq!(newest().await, new);
    kit.updates().await;

    // A person unpins: the bot is told nothing.
    kit.control.unpin(ada, lab, new).await.unwrap();
    assert!(kit.updates().await.is_empty());
    assert_eq!(newest().await, old);
    kit.ok("unpinChatMessage", json!({ "chat_id": lab })).await;
    assert!(newest().await.is_null());
    let pinned = kit.control.chat(lab).await.unwrap();
    assert_eq!(pinned.pinned().count(), 0);
}

#[tokio::test]
async fn a_deletion_by_a_person_is_told_to_nobody() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let id = kit.message(ada, "panel").await;
    kit.control.delete(ada, ada, id, false).await.unwrap();
    assert!(kit.updates().await.is_empty());
}
