//! The way from a person's message to a pinned picture that is replaced in place.

use serde_json::json;

use crate::kit::{Kit, png};

#[tokio::test]
async fn a_bot_answers_with_a_picture_pins_it_and_replaces_it() {
    let kit = Kit::new().await;
    let ada = kit.person("Ada").await;
    let lab = kit.chat("group", "administrator", &[ada]).await;
    kit.control.send(ada, lab, "/run airy").await.unwrap();
    let update = kit.updates().await.remove(0);
    assert_eq!(update["message"]["text"], "/run airy");
    assert_eq!(update["message"]["entities"][0]["type"], "bot_command");

    let keyboard = json!({ "inline_keyboard": [[{ "text": "Stop", "callback_data": "stop:1" }]] });
    let params = json!({ "chat_id": lab, "caption": "<b>airy</b> 1/101", "parse_mode": "HTML", "reply_markup": keyboard });
    let sent = kit
        .upload("sendPhoto", params, &[("photo", "a.png", png(64, 48, 10))])
        .await
        .unwrap();
    let panel = sent["message_id"].as_i64().unwrap();
    assert_eq!(sent["photo"][0]["width"], 64);
    kit.ok(
        "pinChatMessage",
        json!({ "chat_id": lab, "message_id": panel, "disable_notification": true }),
    )
    .await;

    let media = json!({ "type": "photo", "media": "attach://picture", "caption": "airy 2/101" });
    let params = json!({ "chat_id": lab, "message_id": panel, "media": media, "reply_markup": keyboard });
    kit.upload(
        "editMessageMedia",
        params,
        &[("picture", "b.png", png(64, 48, 20))],
    )
    .await
    .unwrap();

    let chat = kit.control.chat(lab).await.unwrap();
    let shown = chat.message(panel).unwrap();
    assert_eq!(
        (shown.text.as_str(), shown.pinned, shown.labels()),
        ("airy 2/101", true, vec!["Stop"])
    );
    assert_eq!(
        kit.control
            .file(&shown.file.as_ref().unwrap().sha256)
            .await
            .unwrap(),
        png(64, 48, 20)
    );

    kit.control.press(ada, lab, panel, "Stop").await.unwrap();
    let update = kit.updates().await.pop().unwrap();
    let query = &update["callback_query"];
    assert_eq!(
        (query["data"].as_str(), query["message"]["message_id"].as_i64()),
        (Some("stop:1"), Some(panel))
    );
    kit.ok(
        "answerCallbackQuery",
        json!({ "callback_query_id": query["id"], "text": "Stopping" }),
    )
    .await;
    let toast = kit.control.state().await.unwrap().toasts.pop().unwrap();
    assert_eq!((toast.text.as_str(), toast.person), ("Stopping", ada));
}
