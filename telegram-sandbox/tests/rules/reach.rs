//! Whom the bot can reach.

use serde_json::json;

use crate::kit::Kit;

async fn said(kit: &Kit, chat: i64) -> Option<(u64, String)> {
    kit.call("sendMessage", json!({ "chat_id": chat, "text": "hi" }))
        .await
        .err()
}

#[tokio::test]
async fn a_bot_never_writes_first() {
    let kit = Kit::new().await;
    let stranger = kit.person("Mallory").await;
    let not_found = Some((400, "Bad Request: chat not found".to_owned()));
    assert_eq!(said(&kit, stranger).await, not_found);
    assert_eq!(said(&kit, -424_242).await, not_found);

    // Met in a group, but never pressed Start.
    kit.chat("group", "member", &[stranger]).await;
    let never = Some((
        403,
        "Forbidden: bot can't initiate conversation with a user".to_owned(),
    ));
    assert_eq!(said(&kit, stranger).await, never);

    kit.control.start(stranger, "claim-1").await.unwrap();
    assert_eq!(
        kit.updates().await.pop().unwrap()["message"]["text"],
        "/start claim-1"
    );
    assert_eq!(said(&kit, stranger).await, None);
}

#[tokio::test]
async fn a_person_who_blocked_the_bot_is_not_reached() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let id = kit.message(ada, "hello").await;
    kit.control.block(ada, true).await.unwrap();
    let update = kit.updates().await.pop().unwrap();
    assert_eq!(update["my_chat_member"]["new_chat_member"]["status"], "kicked");
    let blocked = Some((403, "Forbidden: bot was blocked by the user".to_owned()));
    assert_eq!(said(&kit, ada).await, blocked);
    let edit = kit
        .call(
            "editMessageText",
            json!({ "chat_id": ada, "message_id": id, "text": "x" }),
        )
        .await;
    assert_eq!(edit.err(), blocked);
    kit.control.block(ada, false).await.unwrap();
    assert_eq!(said(&kit, ada).await, None);
}

#[tokio::test]
async fn a_bot_that_is_out_of_a_chat_cannot_write_there() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for kind in ["group", "supergroup", "channel"] {
        let chat = kit.chat(kind, "administrator", &[ada]).await;
        assert_eq!(said(&kit, chat).await, None);
        kit.control.set_bot(chat, "kicked").await.unwrap();
        assert_eq!(
            said(&kit, chat).await,
            Some((403, format!("Forbidden: bot was kicked from the {kind} chat")))
        );
        kit.control.set_bot(chat, "left").await.unwrap();
        assert_eq!(
            said(&kit, chat).await,
            Some((403, format!("Forbidden: bot is not a member of the {kind} chat")))
        );
    }
    let left = kit.chat("group", "member", &[ada]).await;
    kit.ok("leaveChat", json!({ "chat_id": left })).await;
    assert!(
        !kit.control
            .chat(left)
            .await
            .unwrap()
            .members
            .contains(&crate::kit::BOT)
    );
}

#[tokio::test]
async fn a_channel_wants_an_admin() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let channel = kit.chat("channel", "member", &[ada]).await;
    let refusal = (
        400,
        "Bad Request: need administrator rights in the channel chat".to_owned(),
    );
    assert_eq!(said(&kit, channel).await, Some(refusal));
}
