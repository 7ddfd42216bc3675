//! The limits of text, caption, buttons and pictures, just inside and just outside.

use serde_json::{Value, json};

use crate::kit::{Kit, png};

fn keyboard(data: &str) -> Value {
    json!({ "inline_keyboard": [[{ "text": "Go", "callback_data": data }]] })
}

#[tokio::test]
async fn text_has_at_most_4096_units_after_parsing() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (text, refusal) in [
        ("a".repeat(4096), None),
        // Tags do not count, and white space around the text is dropped.
        (format!("  <b>{}</b>\n", "a".repeat(4096)), None),
        ("a".repeat(4097), Some("Bad Request: message is too long")),
        // A smiley is two UTF-16 units.
        ("😀".repeat(2048), None),
        ("😀".repeat(2049), Some("Bad Request: message is too long")),
        (" \n ".to_owned(), Some("Bad Request: message text is empty")),
        ("<b></b>".to_owned(), Some("Bad Request: message text is empty")),
    ] {
        let sent = kit
            .call(
                "sendMessage",
                json!({ "chat_id": ada, "text": text, "parse_mode": "HTML" }),
            )
            .await;
        assert_eq!(
            sent.err().map(|e| e.1).as_deref(),
            refusal,
            "{} bytes",
            text.len()
        );
    }
}

#[tokio::test]
async fn a_caption_has_at_most_1024_units_after_parsing() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (caption, fits) in [
        ("a".repeat(1024), true),
        (format!("<code>{}</code>&lt;", "a".repeat(1023)), true),
        ("a".repeat(1025), false),
        ("😀".repeat(512), true),
        ("😀".repeat(513), false),
    ] {
        let params = json!({ "chat_id": ada, "caption": caption, "parse_mode": "HTML" });
        let sent = kit
            .upload("sendPhoto", params, &[("photo", "p.png", png(9, 9, 0))])
            .await;
        let refusal = (!fits).then_some("Bad Request: message caption is too long");
        assert_eq!(sent.err().map(|e| e.1).as_deref(), refusal);
    }
}

#[tokio::test]
async fn callback_data_has_1_to_64_bytes() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (data, fits) in [
        ("x".repeat(64), true),
        ("x".repeat(65), false),
        // 32 letters, but 64 bytes; and one more.
        ("é".repeat(32), true),
        ("é".repeat(33), false),
        (String::new(), false),
    ] {
        let params = json!({ "chat_id": ada, "text": "?", "reply_markup": keyboard(&data) });
        let sent = kit.call("sendMessage", params).await;
        let refusal = (!fits).then_some("Bad Request: BUTTON_DATA_INVALID");
        assert_eq!(sent.err().map(|e| e.1).as_deref(), refusal, "{data}");
    }
}

#[tokio::test]
async fn a_button_does_exactly_one_thing() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let lab = kit.chat("group", "member", &[ada]).await;
    for (chat, button, refusal) in [
        (
            ada,
            json!({ "text": "Go" }),
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        (
            ada,
            json!({ "text": "Go", "url": "https://a.org", "callback_data": "x" }),
            "can't parse inline keyboard button: a button does exactly one thing",
        ),
        (
            ada,
            json!({ "text": "Go", "url": "nowhere" }),
            "inline keyboard button URL 'nowhere' is invalid: Wrong HTTP URL",
        ),
        (
            ada,
            json!({ "text": " ", "callback_data": "x" }),
            "can't parse inline keyboard button: text is empty",
        ),
        (
            ada,
            json!({ "text": "Go", "web_app": { "url": "http://a.org" } }),
            "inline keyboard button Web App URL 'http://a.org' is invalid: Only HTTPS links are allowed",
        ),
        // Mini Apps open from buttons in private chats only.
        (
            lab,
            json!({ "text": "Go", "web_app": { "url": "https://a.org" } }),
            "BUTTON_TYPE_INVALID",
        ),
    ] {
        let markup = json!({ "inline_keyboard": [[button]] });
        let said = kit
            .refused(
                "sendMessage",
                json!({ "chat_id": chat, "text": "?", "reply_markup": markup }),
            )
            .await;
        assert_eq!(said, format!("Bad Request: {refusal}"));
    }
    let app = json!({ "inline_keyboard": [[{ "text": "Go", "web_app": { "url": "https://a.org" } }]] });
    kit.ok(
        "sendMessage",
        json!({ "chat_id": ada, "text": "?", "reply_markup": app }),
    )
    .await;
}

#[tokio::test]
async fn at_most_100_buttons() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (count, fits) in [(100, true), (101, false)] {
        let row: Vec<Value> = (0..count)
            .map(|n| json!({ "text": "x", "callback_data": n.to_string() }))
            .collect();
        let markup = json!({ "inline_keyboard": [row] });
        let sent = kit
            .call(
                "sendMessage",
                json!({ "chat_id": ada, "text": "?", "reply_markup": markup }),
            )
            .await;
        let refusal = (!fits).then_some("Bad Request: reply markup is too long");
        assert_eq!(sent.err().map(|e| e.1).as_deref(), refusal);
    }
}

#[tokio::test]
async fn a_photo_is_limited_in_sides_ratio_and_bytes() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let mut heavy = png(10, 10, 0);
    heavy.resize(10 * 1024 * 1024 + 1, 0);
    let mut largest = png(10, 10, 0);
    largest.resize(10 * 1024 * 1024, 0);
    for (bytes, refusal) in [
        (png(5000, 5000, 0), None),
        (png(5001, 5000, 0), Some("PHOTO_INVALID_DIMENSIONS")),
        (png(200, 10, 0), None),
        (png(201, 10, 0), Some("PHOTO_INVALID_DIMENSIONS")),
        (png(10, 201, 0), Some("PHOTO_INVALID_DIMENSIONS")),
        (largest, None),
        (
            heavy,
            Some("file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes"),
        ),
        (b"no picture".to_vec(), Some("IMAGE_PROCESS_FAILED")),
        (Vec::new(), Some("file must be non-empty")),
    ] {
        let size = bytes.len();
        let sent = kit
            .upload(
                "sendPhoto",
                json!({ "chat_id": ada }),
                &[("photo", "p.png", bytes)],
            )
            .await;
        let refusal = refusal.map(|r| format!("Bad Request: {r}"));
        assert_eq!(sent.err().map(|e| e.1), refusal, "{size} bytes");
    }
}

#[tokio::test]
async fn a_document_has_at_most_50_mb() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (size, fits) in [(50 * 1024 * 1024, true), (50 * 1024 * 1024 + 1, false)] {
        let files = [("document", "big.log", vec![b'x'; size])];
        let sent = kit
            .upload("sendDocument", json!({ "chat_id": ada }), &files)
            .await;
        let refusal = (!fits).then(|| (413, "Request Entity Too Large".to_owned()));
        assert_eq!(sent.err(), refusal);
    }
}

#[tokio::test]
async fn a_toast_has_at_most_200_characters() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let sent = kit
        .ok(
            "sendMessage",
            json!({ "chat_id": ada, "text": "?", "reply_markup": keyboard("x") }),
        )
        .await;
    let id = sent["message_id"].as_i64().unwrap();
    for (length, fits) in [(200, true), (201, false)] {
        let query = kit.control.press(ada, ada, id, "Go").await.unwrap();
        let answer = json!({ "callback_query_id": query, "text": "a".repeat(length) });
        let refusal = (!fits).then_some("Bad Request: MESSAGE_TOO_LONG");
        assert_eq!(
            kit.call("answerCallbackQuery", answer)
                .await
                .err()
                .map(|e| e.1)
                .as_deref(),
            refusal
        );
    }
}
