//! The snapshot, the news, and what the control API refuses.

use std::time::Duration;

use kymo_telegram_sandbox::{NewPerson, SandboxConfig, Seed, StartError, start};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::kit::{Kit, png};

#[tokio::test]
async fn a_restart_keeps_chats_pictures_and_unconfirmed_updates() {
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig {
        state: Some(folder.path().join("telegram.json")),
        seed: Seed::Lab,
        ..SandboxConfig::default()
    };
    let stop = CancellationToken::new();
    let first = start(config.clone(), stop.clone()).await.unwrap();
    let control = first.control();
    control.send(1001, -2001, "/run airy").await.unwrap();
    let url = format!("{}/bot{}/sendPhoto", first.url(), first.bot_token());
    let part = reqwest::multipart::Part::bytes(png(8, 8, 3)).file_name("a.png");
    let form = reqwest::multipart::Form::new()
        .text("chat_id", "-2001")
        .part("photo", part);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.post(url)
        .multipart(form)
        .send()
        .await
        .unwrap()
        .error_for_status()
        .unwrap();
    stop.cancel();
    first.ended().await;

    let kit = Kit::with(config).await;
    let chat = kit.control.chat(-2001).await.unwrap();
    assert!(chat.find("/run airy").is_some());
    let photo = chat.last().unwrap().file.clone().unwrap();
    assert_eq!(kit.control.file(&photo.sha256).await.unwrap(), png(8, 8, 3));
    assert_eq!(kit.updates().await.len(), 1);
    // The mailbox counts on: no message id is given twice.
    assert!(kit.message(-2001, "next").await > chat.last().unwrap().id);
}

#[tokio::test]
async fn it_starts_on_loopback_only_and_names_what_is_wrong() {
    let elsewhere = SandboxConfig {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..SandboxConfig::default()
    };
    let error = start(elsewhere, CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, StartError::NotLoopback(_)), "{error}");
    assert!(
        error.to_string().contains("could play every person") && error.to_string().contains("ssh -L"),
        "{error}"
    );
    let token = SandboxConfig {
        token: "nonsense".into(),
        ..SandboxConfig::default()
    };
    assert!(matches!(
        start(token, CancellationToken::new()).await.unwrap_err(),
        StartError::Token
    ));
    let kit = Kit::new().await;
    let taken = SandboxConfig {
        listen: kit.running.url().trim_start_matches("http://").parse().unwrap(),
        ..SandboxConfig::default()
    };
    let error = start(taken, CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("choose another port"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("state.json");
    std::fs::write(&broken, "{").unwrap();
    let config = SandboxConfig {
        state: Some(broken),
        ..SandboxConfig::default()
    };
    let error = start(config, CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("move it away"), "{error}");
}

#[tokio::test]
async fn waiting_for_a_fact_needs_no_sleep_and_ends_in_time() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let waiting = kit
        .control
        .wait_for("a message", |s| s.chat(ada)?.find("hello").map(|m| m.id));
    let (seen, sent) = tokio::join!(waiting, kit.message(ada, "hello"));
    assert_eq!(seen.unwrap(), sent);
    let hasty = kit.control.clone().patience(Duration::from_millis(20));
    let late = hasty
        .wait_for("a miracle", |_| None::<()>)
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(late, "waited 20ms in vain for: a miracle");
    let n = kit.control.calls(0).await.unwrap().last().unwrap().n;
    let call = kit.control.wait_for_call(n, |c| c.method == "getMe");
    let (call, _) = tokio::join!(call, kit.ok("getMe", json!({})));
    assert_eq!(call.unwrap().code, 200);
}

#[tokio::test]
async fn wrong_orders_are_refused_with_a_remedy() {
    let kit = Kit::new().await;
    let ada = kit.person("Ada").await;
    let cases = [
        kit.control.send(77, ada, "x").await.map(drop),
        kit.control.send(ada, -77, "x").await.map(drop),
        kit.control.send(ada, ada, "  ").await.map(drop),
        kit.control.start(ada, "no spaces").await.map(drop),
        kit.control.press(ada, ada, 1, "Go").await.map(drop),
        kit.control.set_bot(ada, "emperor").await,
        kit.control.migrate(ada).await.map(drop),
        kit.control
            .add_person(&NewPerson {
                id: Some(ada),
                first_name: "Twin".into(),
                ..NewPerson::default()
            })
            .await
            .map(drop),
        kit.control.new_topic(ada, ada, "x").await.map(drop),
    ];
    let said: Vec<String> = cases.into_iter().map(|c| c.unwrap_err().to_string()).collect();
    for words in &said {
        assert!(words.starts_with("the sandbox refused "), "{words}");
    }
}

#[tokio::test]
async fn a_pinned_message_stays_in_sight_however_old() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let panel = kit.message(ada, "panel").await;
    kit.ok("pinChatMessage", json!({ "chat_id": ada, "message_id": panel }))
        .await;
    for n in 0..5 {
        kit.message(ada, &n.to_string()).await;
    }
    let url = format!("{}/sandbox/chats/{ada}?person={ada}&last=2", kit.running.url());
    let chat: serde_json::Value = kit.http.get(url).send().await.unwrap().json().await.unwrap();
    let texts: Vec<_> = chat["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["text"].clone())
        .collect();
    assert_eq!(texts, ["panel", "3", "4"]);
}

#[tokio::test]
async fn the_page_is_served_whole_and_fetches_nothing_from_elsewhere() {
    let kit = Kit::new().await;
    let get = async |path: &str| {
        let answer = kit
            .http
            .get(format!("{}{path}", kit.running.url()))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}");
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(policy.starts_with("default-src 'self'"));
        answer.text().await.unwrap()
    };
    let page = get("/").await;
    assert!(page.contains("This is not Telegram"));
    assert_eq!(get("/t.me/sandbox_bot?start=x").await, page);
    let mut wanted: Vec<String> = vec![
        "/page/app.js".into(),
        "/page/phone.css".into(),
        "/page/icon.svg".into(),
    ];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = wanted.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let source = get(&path).await;
        let imports = source
            .lines()
            .filter_map(|l| l.split_once("from \"./")?.1.split('"').next());
        wanted.extend(imports.map(|file| format!("/page/{file}")));
    }
    assert!(seen.len() > 15, "{seen:?}");
}

#[tokio::test]
async fn whatever_is_refused_is_refused_in_json() {
    let kit = Kit::new().await;
    let url = |path: &str| format!("{}/sandbox/{path}", kit.running.url());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let cases = [
        (
            http.post(url("bogus")).json(&json!({})),
            404,
            "there is no POST /sandbox/bogus; docs/sandbox.md",
        ),
        (http.get(url("send")), 405, "Method Not Allowed"),
        (
            http.post(url("send")).body("{}"),
            415,
            "Content-Type: application/json",
        ),
        (
            http.post(url("send"))
                .header("content-type", "application/json")
                .body("{"),
            400,
            "JSON",
        ),
        (
            http.post(url("send")).json(&json!({ "person": "Ada" })),
            422,
            "person",
        ),
        (http.get(url("chats/ada")), 400, "ada"),
        (http.get(url("files/none")), 404, "none"),
    ];
    for (request, status, words) in cases {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{words}");
        let json: serde_json::Value = answer.json().await.expect(words);
        assert!(
            json["error"].as_str().is_some_and(|error| error.contains(words)),
            "{words}: {json}"
        );
    }
}
