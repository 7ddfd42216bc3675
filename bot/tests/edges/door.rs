//! The notifier's HTTP door as any HTTP client meets it.

use kymo_door::{Door, DoorError, Text};

use crate::kit::{Bot, Kit, LAB, TOKEN, facts, photos, picture, topic};

fn text(text: &str) -> Text {
    Text {
        text: text.into(),
        chats: vec![LAB],
        silent: false,
    }
}

#[tokio::test]
async fn a_text_is_sent_and_replaced_by_key() {
    let kit = Kit::new(Bot::Admin).await;
    let answer = kit
        .door
        .say_again("weather", &text("1 < 2 & rain"))
        .await
        .expect("sent");
    assert_eq!((answer.key.as_str(), answer.chats), ("weather", vec![LAB]));
    let sent = kit.wait("the text", |m| m.text == "1 < 2 & rain").await;
    kit.door
        .say_again("weather", &text("sun"))
        .await
        .expect("replaced");
    kit.door
        .say_again("weather", &text("sun"))
        .await
        .expect("the same again is no error");
    assert_eq!(kit.wait("the new text", |m| m.text == "sun").await.id, sent.id);
    kit.control
        .delete(crate::kit::ADA, LAB, sent.id, false)
        .await
        .expect("deleted");
    kit.door
        .say_again("weather", &text("snow"))
        .await
        .expect("sent anew");
    assert_ne!(kit.wait("the text anew", |m| m.text == "snow").await.id, sent.id);
    kit.finish().await;
}

#[tokio::test]
async fn a_picture_takes_the_place_of_the_one_with_its_key() {
    let kit = Kit::new(Bot::Admin).await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let put = |shade: u8, caption: &'static str| {
        let form = reqwest::multipart::Form::new()
            .text(
                "text",
                serde_json::json!({"text": caption, "chats": [LAB]}).to_string(),
            )
            .part(
                "picture",
                reqwest::multipart::Part::bytes(picture(shade).to_vec()),
            );
        let url = format!("http://{}/v1/messages/loss", kit.address);
        http.put(url).bearer_auth(TOKEN).multipart(form).send()
    };
    assert_eq!(put(1, "first").await.expect("an answer").status(), 200);
    assert_eq!(put(2, "second").await.expect("an answer").status(), 200);
    let lab = kit.lab().await;
    let shown: Vec<_> = photos(&lab).iter().map(|m| m.text.as_str()).collect();
    assert_eq!(shown, ["second"]);
    kit.finish().await;
}

#[tokio::test]
async fn bad_requests_get_a_reason_and_a_remedy() {
    let kit = Kit::new(Bot::Admin).await;
    let stranger = Door::new(kit.door.url().clone(), "guess".into());
    let error = stranger
        .say(&text("hello"))
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("does not know this token") && error.contains("door.token"),
        "{error}"
    );
    let error = kit
        .door
        .show_panel(&topic(), &facts(1), b"GIF89a".to_vec())
        .await
        .expect_err("refused");
    assert!(
        matches!(&error, DoorError::Refused(_, why) if why.contains("neither PNG nor JPEG")),
        "{error}"
    );
    let long = long_picture();
    let error = kit
        .door
        .show_panel(&topic(), &facts(1), long)
        .await
        .expect_err("refused")
        .to_string();
    assert!(error.contains("the picture is 2100 x 100"), "{error}");
    let huge = [b"\x89PNG\r\n\x1a\n".to_vec(), vec![0; 11 * 1024 * 1024]].concat();
    let error = kit
        .door
        .show_panel(&topic(), &facts(1), huge)
        .await
        .expect_err("refused")
        .to_string();
    assert!(error.contains("up to 10 MB"), "{error}");
    let error = kit.door.say(&text("")).await.expect_err("refused").to_string();
    assert!(error.contains("the text is empty"), "{error}");
    let error = kit
        .door
        .say(&text(&"x".repeat(4097)))
        .await
        .expect_err("refused")
        .to_string();
    assert!(error.contains("4097 characters"), "{error}");
    let nowhere = Text {
        text: "hello".into(),
        chats: vec![],
        silent: false,
    };
    let error = kit.door.say(&nowhere).await.expect_err("refused").to_string();
    assert!(error.contains("/alerts here"), "{error}");

    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let raw = |path: &str, body: &'static str| {
        http.post(format!("http://{}{path}", kit.address))
            .bearer_auth(TOKEN)
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    let cases = [
        ("/v1/alerts", "{", 400, "JSON"),
        ("/v1/alerts", r#"{"id":"x"}"#, 422, "JSON"),
        ("/v1/nothing", "{}", 404, "nothing there"),
        ("/v1/messages/key", "{}", 405, "not do this there"),
    ];
    for (path, body, status, says) in cases {
        let answer = raw(path, body).await.expect("an answer");
        assert_eq!(answer.status(), status, "{path} {body}");
        let answer: serde_json::Value = answer.json().await.expect("JSON");
        assert!(
            answer["error"].as_str().is_some_and(|error| error.contains(says)),
            "{answer}"
        );
        assert!(
            answer["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()),
            "{answer}"
        );
    }
    kit.finish().await;
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let kit = Kit::new(Bot::Admin).await;
    let huge = vec![0; 13 * 1024 * 1024];
    let error = kit
        .door
        .show_panel(&topic(), &facts(1), huge)
        .await
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("12 MB") || error.contains("cannot be reached"),
        "{error}"
    );
    assert!(kit.door.is_open().await);
    kit.finish().await;
}

/// The beginning of a PNG that is too long for its height.
fn long_picture() -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend_from_slice(&2100u32.to_be_bytes());
    png.extend_from_slice(&100u32.to_be_bytes());
    png
}
