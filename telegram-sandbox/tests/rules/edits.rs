//! Editing in place: the panel's life.

use std::time::Duration;

use kymo_telegram_sandbox::{FloodRules, SandboxConfig};
use serde_json::json;

use crate::kit::{Kit, png};

const NOT_MODIFIED: &str = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message";

#[tokio::test]
async fn an_edit_that_changes_nothing_is_refused() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let id = kit.message(ada, "one").await;
    let photo = kit.photo(ada, "one").await;
    let (photo_id, file) = (&photo["message_id"], &photo["photo"][0]["file_id"]);
    let media = json!({ "type": "photo", "media": file, "caption": "one" });
    for (method, params) in [
        (
            "editMessageText",
            json!({ "chat_id": ada, "message_id": id, "text": "one" }),
        ),
        (
            "editMessageReplyMarkup",
            json!({ "chat_id": ada, "message_id": id }),
        ),
        (
            "editMessageCaption",
            json!({ "chat_id": ada, "message_id": photo_id, "caption": "one" }),
        ),
        (
            "editMessageMedia",
            json!({ "chat_id": ada, "message_id": photo_id, "media": media }),
        ),
    ] {
        assert_eq!(kit.refused(method, params).await, NOT_MODIFIED, "{method}");
    }
    // A new keyboard is a change; without one in the next edit it is gone again.
    let markup = json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": "x" }]] });
    let edit = json!({ "chat_id": ada, "message_id": id, "text": "one", "reply_markup": markup });
    assert!(kit.ok("editMessageText", edit.clone()).await["edit_date"].is_i64());
    assert_eq!(kit.refused("editMessageText", edit).await, NOT_MODIFIED);
    let edited = kit
        .ok(
            "editMessageText",
            json!({ "chat_id": ada, "message_id": id, "text": "one" }),
        )
        .await;
    assert!(edited.get("reply_markup").is_none());
}

#[tokio::test]
async fn only_what_is_there_and_ours_can_be_edited() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let theirs = kit.control.send(ada, ada, "mine").await.unwrap();
    let text = kit.message(ada, "text").await;
    let photo = kit.photo(ada, "photo").await["message_id"].as_i64().unwrap();
    let deleted = kit.message(ada, "gone").await;
    kit.control.delete(ada, ada, deleted, false).await.unwrap();
    for (method, id, refusal) in [
        ("editMessageText", deleted, "message to edit not found"),
        ("editMessageText", 99_999, "message to edit not found"),
        ("editMessageText", theirs, "message can't be edited"),
        (
            "editMessageText",
            photo,
            "there is no text in the message to edit",
        ),
        (
            "editMessageCaption",
            text,
            "there is no caption in the message to edit",
        ),
        ("editMessageText", 0, "message identifier is not specified"),
    ] {
        let params = match method {
            "editMessageText" => json!({ "chat_id": ada, "message_id": id, "text": "x" }),
            _ => json!({ "chat_id": ada, "message_id": id, "caption": "x" }),
        };
        assert_eq!(
            kit.refused(method, params).await,
            format!("Bad Request: {refusal}")
        );
    }
}

#[tokio::test]
async fn a_message_deleted_on_one_side_is_still_edited() {
    let kit = Kit::new().await;
    let (ada, grace) = (kit.friend("Ada").await, kit.person("Grace").await);
    let lab = kit.chat("group", "member", &[ada, grace]).await;
    let id = kit.message(lab, "panel 1").await;
    kit.control.delete(ada, lab, id, true).await.unwrap();
    kit.ok(
        "editMessageText",
        json!({ "chat_id": lab, "message_id": id, "text": "panel 2" }),
    )
    .await;
    let chat = kit.control.chat(lab).await.unwrap();
    assert_eq!(
        chat.message(id).map(|m| (m.text.as_str(), m.hidden_for.clone())),
        Some(("panel 2", vec![ada]))
    );
}

#[tokio::test]
async fn the_older_of_two_media_edits_in_flight_is_cancelled() {
    let config = SandboxConfig {
        flood: FloodRules::none(),
        media_edit_time: Duration::from_millis(300),
        ..SandboxConfig::default()
    };
    let kit = Kit::with(config).await;
    let ada = kit.friend("Ada").await;
    let id = kit.photo(ada, "1").await["message_id"].clone();
    let edit = |caption: &'static str, shade: u8| {
        let media = json!({ "type": "photo", "media": "attach://p", "caption": caption });
        let params = json!({ "chat_id": ada, "message_id": id, "media": media });
        let kit = &kit;
        async move {
            kit.upload("editMessageMedia", params, &[("p", "p.png", png(8, 8, shade))])
                .await
        }
    };
    let (first, second) = tokio::join!(edit("2", 2), edit("3", 3));
    let outcomes = [("2", first), ("3", second)];
    let cancelled = "Bad Request: Canceled by new editmessagemedia request";
    let lost: Vec<_> = outcomes
        .iter()
        .filter_map(|(_, o)| o.as_ref().err().map(|e| e.1.as_str()))
        .collect();
    assert_eq!(lost, [cancelled]);
    let won = outcomes.iter().find(|(_, o)| o.is_ok()).expect("one edit wins").0;
    let shown = kit.control.chat(ada).await.unwrap();
    assert_eq!(shown.last().unwrap().text, won);
}

#[tokio::test]
async fn an_old_message_can_still_be_edited() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let id = kit.message(ada, "a year ago").await;
    kit.control
        .advance(Duration::from_secs(365 * 86_400))
        .await
        .unwrap();
    kit.ok(
        "editMessageText",
        json!({ "chat_id": ada, "message_id": id, "text": "now" }),
    )
    .await;
}

#[tokio::test]
async fn a_text_message_may_become_a_picture() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let id = kit.message(ada, "drawing").await;
    let media = json!({ "type": "photo", "media": "attach://p" });
    let params = json!({ "chat_id": ada, "message_id": id, "media": media });
    let edited = kit
        .upload("editMessageMedia", params, &[("p", "p.png", png(8, 8, 1))])
        .await
        .unwrap();
    assert_eq!(edited["photo"][0]["height"], 8);
}
