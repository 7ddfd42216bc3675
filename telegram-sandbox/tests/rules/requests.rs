//! How a call may be made, and how a wrong one fails.

use serde_json::{Value, json};

use crate::kit::Kit;

#[tokio::test]
async fn a_call_may_be_query_form_json_or_multipart() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let url = kit.method_url("sendMessage");
    let id = ada.to_string();
    let fields = [
        ("chat_id", id.as_str()),
        ("text", "hi"),
        ("disable_notification", "true"),
    ];
    let form = reqwest::multipart::Form::new()
        .text("chat_id", id.clone())
        .text("text", "hi");
    for request in [
        kit.http.get(&url).query(&fields),
        kit.http.post(&url).form(&fields),
        kit.http
            .post(&url)
            .json(&json!({ "chat_id": id, "text": "hi", "disable_notification": true })),
        kit.http.post(&url).multipart(form),
        kit.http
            .post(url.replace("sendMessage", "SENDMESSAGE"))
            .form(&fields),
    ] {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["ok"], true, "{answer}");
    }
}

#[tokio::test]
async fn wrong_calls_fail_loudly() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (method, params, code, words) in [
        ("sendMesage", json!({}), 404, "Not Found: method not found"),
        (
            "sendMessage",
            json!({ "text": "x" }),
            400,
            "Bad Request: chat_id is empty",
        ),
        (
            "sendMessage",
            json!({ "chat_id": ada }),
            400,
            "Bad Request: message text is empty",
        ),
        (
            "sendMessage",
            json!({ "chat_id": ada, "text": "x", "parsemode": "HTML" }),
            400,
            "Bad Request: the sandbox knows no parameter \"parsemode\" of sendMessage: misspelt, or not supported here",
        ),
        (
            "sendMessage",
            json!({ "chat_id": ada, "text": "x", "parse_mode": "XML" }),
            400,
            "Bad Request: unsupported parse_mode",
        ),
        (
            "sendMessage",
            json!({ "chat_id": ada, "text": "x", "protect_content": "maybe" }),
            400,
            "Bad Request: parameter \"protect_content\" must be a Boolean",
        ),
        (
            "sendMessage",
            json!({ "chat_id": ada, "text": "x", "message_thread_id": "y" }),
            400,
            "Bad Request: parameter \"message_thread_id\" must be an Integer",
        ),
        (
            "sendMessage",
            json!({ "chat_id": ada, "text": "x", "reply_markup": [] }),
            400,
            "Bad Request: object expected as reply markup",
        ),
        (
            "sendMessage",
            json!({ "chat_id": ada, "text": "x", "reply_markup": { "keyboard": [] } }),
            400,
            "Bad Request: the sandbox has no custom keyboards: use an inline keyboard",
        ),
        (
            "sendMessage",
            json!({ "chat_id": ada, "text": "x", "reply_parameters": { "message_id": 999 } }),
            400,
            "Bad Request: message to be replied not found",
        ),
        (
            "sendChatAction",
            json!({ "chat_id": ada, "action": "juggling" }),
            400,
            "Bad Request: wrong parameter action in request",
        ),
        (
            "deleteMessage",
            json!({ "chat_id": ada, "message_id": 999 }),
            400,
            "Bad Request: message to delete not found",
        ),
    ] {
        assert_eq!(kit.call(method, params).await, Err((code, words.to_owned())));
    }
}

#[tokio::test]
async fn every_required_parameter_is_missed() {
    let kit = Kit::new().await;
    let url = format!("{}/sandbox/methods", kit.running.url());
    let methods: Value = kit.http.get(url).send().await.unwrap().json().await.unwrap();
    for method in methods.as_array().unwrap() {
        let required = method["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .any(|p| p["required"] == true);
        let name = method["name"].as_str().unwrap();
        // An empty address takes a webhook away, as with Telegram.
        if required && name != "setWebhook" {
            let (code, words) = kit.call(name, json!({})).await.expect_err(name);
            assert_eq!(code, 400, "{name}: {words}");
        }
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let kit = Kit::new().await;
    for (token, code, words) in [
        ("4242:wrong", 401, "Unauthorized"),
        ("1:sandbox-token-not-a-secret", 401, "Unauthorized"),
        ("nonsense", 404, "Not Found"),
    ] {
        let url = format!("{}/bot{token}/getMe", kit.running.url());
        let answer: Value = kit.http.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(
            answer,
            json!({ "ok": false, "error_code": code, "description": words })
        );
    }
}

#[tokio::test]
async fn broken_bodies_are_named() {
    let kit = Kit::new().await;
    let url = kit.method_url("sendMessage");
    for (kind, body) in [
        ("application/json", "{"),
        ("application/json", "[]"),
        ("multipart/form-data", "x"),
        ("multipart/form-data; boundary=a", "--b\r\n"),
        ("text/xml", "<x/>"),
    ] {
        let answer = kit
            .http
            .post(&url)
            .header("content-type", kind)
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 400, "{kind} {body}");
    }
}
