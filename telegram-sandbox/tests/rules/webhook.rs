//! Updates posted to a webhook.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::kit::Kit;

struct Hook {
    failures: AtomicUsize,
    seen: mpsc::UnboundedSender<(Option<String>, Value)>,
}

/// Listens like a bot; fails the first calls.
async fn listen(failures: usize) -> (String, mpsc::UnboundedReceiver<(Option<String>, Value)>) {
    let (seen, updates) = mpsc::unbounded_channel();
    let hook = Arc::new(Hook {
        failures: AtomicUsize::new(failures),
        seen,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new().route("/hook", post(receive)).with_state(hook);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, updates)
}

async fn receive(State(hook): State<Arc<Hook>>, headers: HeaderMap, body: axum::Json<Value>) -> StatusCode {
    let fails = hook
        .failures
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
        .is_ok();
    if fails {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    let secret = headers
        .get("x-telegram-bot-api-secret-token")
        .map(|v| v.to_str().unwrap().to_owned());
    hook.seen.send((secret, body.0)).unwrap();
    StatusCode::OK
}

#[tokio::test]
async fn updates_are_posted_with_the_secret_until_they_are_taken() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let (url, mut updates) = listen(2).await;
    kit.ok("setWebhook", json!({ "url": url, "secret_token": "s3cret_-" }))
        .await;
    kit.control.send(ada, ada, "one").await.unwrap();
    kit.control.send(ada, ada, "two").await.unwrap();
    for text in ["one", "two"] {
        let (secret, update) = updates.recv().await.unwrap();
        assert_eq!(
            (secret.as_deref(), &update["message"]["text"]),
            (Some("s3cret_-"), &json!(text))
        );
    }
    let info = kit.ok("getWebhookInfo", json!({})).await;
    assert_eq!(
        info["last_error_message"],
        "Wrong response from the webhook: 500 Internal Server Error"
    );
    kit.control
        .wait_for("nothing pending", |s| (s.unconfirmed == 0).then_some(()))
        .await
        .unwrap();
}

#[tokio::test]
async fn polling_and_a_webhook_exclude_each_other() {
    let kit = Kit::new().await;
    let (url, _updates) = listen(0).await;
    kit.ok("setWebhook", json!({ "url": url })).await;
    let (code, words) = kit.call("getUpdates", json!({})).await.unwrap_err();
    assert_eq!(code, 409);
    assert_eq!(
        words,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    );
    kit.ok("deleteWebhook", json!({})).await;
    kit.ok("getUpdates", json!({})).await;
    assert_eq!(kit.ok("getWebhookInfo", json!({})).await["url"], "");
}

#[tokio::test]
async fn a_webhook_is_checked() {
    let kit = Kit::new().await;
    for (params, refusal) in [
        (
            json!({ "url": "http://127.0.0.1:1/", "secret_token": "a".repeat(257) }),
            "secret token is too long",
        ),
        (
            json!({ "url": "http://127.0.0.1:1/", "secret_token": "a b" }),
            "secret token contains unallowed characters",
        ),
        (json!({ "url": "nowhere" }), "bad webhook: invalid URL"),
        (
            json!({ "url": "https://example.org/" }),
            "bad webhook: the sandbox posts to http://127.0.0.1:<port>/... only",
        ),
        (
            json!({ "url": "http://127.0.0.1:1/", "max_connections": 101 }),
            "max_connections must be between 1 and 100",
        ),
    ] {
        assert_eq!(
            kit.refused("setWebhook", params).await,
            format!("Bad Request: {refusal}")
        );
    }
    kit.ok(
        "setWebhook",
        json!({ "url": "http://127.0.0.1:1/", "secret_token": "a".repeat(256) }),
    )
    .await;
}
