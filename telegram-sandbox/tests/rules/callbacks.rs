//! Presses of buttons and their answers.

use std::time::Duration;

use serde_json::json;

use crate::kit::Kit;

const TOO_OLD: &str = "Bad Request: query is too old and response timeout expired or query ID is invalid";

async fn with_button(kit: &Kit) -> (i64, i64) {
    let ada = kit.friend("Ada").await;
    let markup = json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": "go:1" }]] });
    let sent = kit
        .ok(
            "sendMessage",
            json!({ "chat_id": ada, "text": "?", "reply_markup": markup }),
        )
        .await;
    (ada, sent["message_id"].as_i64().unwrap())
}

#[tokio::test]
async fn a_press_is_answered_once() {
    let kit = Kit::new().await;
    let (ada, id) = with_button(&kit).await;
    let query = kit.control.press_data(ada, ada, id, "go:1").await.unwrap();
    let answer = json!({ "callback_query_id": query, "text": "Going", "show_alert": true });
    kit.ok("answerCallbackQuery", answer.clone()).await;
    assert_eq!(kit.refused("answerCallbackQuery", answer).await, TOO_OLD);
    assert_eq!(
        kit.refused("answerCallbackQuery", json!({ "callback_query_id": "1" }))
            .await,
        TOO_OLD
    );
    let toasts = kit.control.state().await.unwrap().toasts;
    let seen: Vec<_> = toasts
        .iter()
        .map(|t| (t.text.as_str(), t.alert, t.person))
        .collect();
    assert_eq!(seen, [("Going", true, ada)]);
}

#[tokio::test]
async fn a_press_is_forgotten_after_150_seconds_other_updates_after_a_day() {
    let kit = Kit::new().await;
    let (ada, id) = with_button(&kit).await;
    let query = kit.control.press(ada, ada, id, "Go").await.unwrap();
    kit.control.send(ada, ada, "still here").await.unwrap();
    kit.control.advance(Duration::from_secs(151)).await.unwrap();
    assert_eq!(
        kit.refused("answerCallbackQuery", json!({ "callback_query_id": query }))
            .await,
        TOO_OLD
    );
    let left = kit.ok("getUpdates", json!({})).await;
    assert_eq!(left.as_array().unwrap().len(), 1, "the message stays: {left}");
    kit.control.advance(Duration::from_secs(86_400)).await.unwrap();
    assert_eq!(kit.ok("getUpdates", json!({})).await, json!([]));
}

#[tokio::test]
async fn a_link_button_tells_the_bot_nothing() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let markup = json!({ "inline_keyboard": [[{ "text": "Docs", "url": "https://example.org/a" }]] });
    let sent = kit
        .ok(
            "sendMessage",
            json!({ "chat_id": ada, "text": "?", "reply_markup": markup }),
        )
        .await;
    let id = sent["message_id"].as_i64().unwrap();
    assert_eq!(
        kit.control.press(ada, ada, id, "Docs").await.unwrap(),
        "https://example.org/a"
    );
    assert!(kit.updates().await.is_empty());
    let none = kit
        .control
        .press(ada, ada, id, "Stop")
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        none,
        format!("the sandbox refused press: message {id} has no button Stop; it has [\"Docs\"]")
    );
}
