//! The flood budget, by a clock that is moved.

use std::time::Duration;

use kymo_telegram_sandbox::SandboxConfig;
use serde_json::json;

use crate::kit::Kit;

#[tokio::test]
async fn a_chat_takes_a_burst_of_three_then_one_a_second() {
    let kit = Kit::with(SandboxConfig::default()).await;
    kit.control.stop_clock().await.unwrap();
    let ada = kit.friend("Ada").await;
    for n in 0..3 {
        kit.message(ada, &format!("{n}")).await;
    }
    let whole = kit
        .raw("sendMessage", json!({ "chat_id": ada, "text": "4" }))
        .await;
    assert_eq!(
        whole,
        json!({ "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 1", "parameters": { "retry_after": 1 } })
    );
    kit.control.advance(Duration::from_secs(1)).await.unwrap();
    kit.message(ada, "4").await;
    assert_eq!(
        kit.call("sendMessage", json!({ "chat_id": ada, "text": "5" }))
            .await
            .unwrap_err()
            .0,
        429
    );
}

#[tokio::test]
async fn edits_share_the_budget_and_answers_are_free() {
    let kit = Kit::with(SandboxConfig::default()).await;
    kit.control.stop_clock().await.unwrap();
    let ada = kit.friend("Ada").await;
    let markup = json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": "x" }]] });
    let sent = kit
        .ok(
            "sendMessage",
            json!({ "chat_id": ada, "text": "0", "reply_markup": markup }),
        )
        .await;
    let id = sent["message_id"].as_i64().unwrap();
    let query = kit.control.press(ada, ada, id, "Go").await.unwrap();
    for n in 1..3 {
        kit.ok(
            "editMessageText",
            json!({ "chat_id": ada, "message_id": id, "text": n.to_string() }),
        )
        .await;
    }
    let edit = json!({ "chat_id": ada, "message_id": id, "text": "3" });
    assert_eq!(kit.call("editMessageText", edit).await.unwrap_err().0, 429);
    kit.ok("answerCallbackQuery", json!({ "callback_query_id": query }))
        .await;
    kit.ok("pinChatMessage", json!({ "chat_id": ada, "message_id": id }))
        .await;
    kit.ok("sendChatAction", json!({ "chat_id": ada, "action": "typing" }))
        .await;
}

#[tokio::test]
async fn a_group_takes_20_a_minute_and_the_others_go_on() {
    let kit = Kit::with(SandboxConfig::default()).await;
    kit.control.stop_clock().await.unwrap();
    let ada = kit.friend("Ada").await;
    let (lab, other) = (
        kit.chat("group", "member", &[ada]).await,
        kit.chat("group", "member", &[ada]).await,
    );
    for n in 0..20 {
        kit.message(lab, &n.to_string()).await;
        kit.control.advance(Duration::from_secs(1)).await.unwrap();
    }
    let refused = kit
        .raw("sendMessage", json!({ "chat_id": lab, "text": "21" }))
        .await;
    let wait = refused["parameters"]["retry_after"].as_u64().unwrap();
    assert_eq!(wait, 40, "20 s of the minute are over");
    kit.message(other, "not flooded").await;
    kit.control.advance(Duration::from_secs(wait)).await.unwrap();
    kit.message(lab, "21").await;
}

#[tokio::test]
async fn thirty_a_second_over_all_chats() {
    let kit = Kit::with(SandboxConfig::default()).await;
    kit.control.stop_clock().await.unwrap();
    let mut friends = Vec::new();
    for n in 0..31 {
        friends.push(kit.friend(&format!("Friend {n}")).await);
    }
    let sends = friends
        .iter()
        .map(|f| kit.call("sendMessage", json!({ "chat_id": f, "text": "hi" })));
    let outcomes = futures::future::join_all(sends).await;
    let refused = outcomes.iter().filter(|o| o.is_err()).count();
    assert_eq!(refused, 1);
}
