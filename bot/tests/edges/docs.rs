//! The examples of docs/door.md, run as they stand there.

use std::process::Command;

use crate::kit::{Bot, Kit, TOKEN, lab, photos, picture};

/// The blocks marked `sh`, in order.
fn examples(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in page.lines() {
        match (&mut block, line) {
            (None, "```sh") => block = Some(String::new()),
            (Some(_), "```") => blocks.extend(block.take()),
            (Some(text), line) => *text += &format!("{line}\n"),
            (None, _) => {}
        }
    }
    blocks
}

#[tokio::test(flavor = "multi_thread")]
async fn every_curl_example_works() {
    let kit = Kit::new(Bot::Admin).await;
    kit.store.subscribe(lab()).await.expect("subscribed");
    std::fs::write(kit.folder.path().join("loss.png"), picture(7)).expect("a picture");
    let examples = examples(include_str!("../../../docs/door.md"));
    assert!(examples.len() >= 7, "the page has lost its examples");
    for example in examples {
        let ran = Command::new("sh")
            .args(["-e", "-c", &example])
            .current_dir(kit.folder.path())
            .env("DOOR", format!("http://{}", kit.address))
            .env("TOKEN", TOKEN)
            .env("no_proxy", "127.0.0.1")
            .output()
            .expect("sh runs");
        let said = String::from_utf8_lossy(&ran.stdout);
        let complaint = String::from_utf8_lossy(&ran.stderr);
        assert!(
            !complaint.contains("curl: not found"),
            "this test needs curl: apt-get install curl"
        );
        assert!(ran.status.success(), "{example}\n{said}{complaint}");
    }
    kit.wait("the text", |m| m.text == "The backup is done." && m.silent)
        .await;
    kit.wait("the replaced text", |m| m.text == "lab-pc: 11 GB free")
        .await;
    kit.wait("the resolved alert", |m| {
        m.text.contains("works again") && m.text.contains("has failed")
    })
    .await;
    let lab = kit.lab().await;
    assert_eq!(photos(&lab)[0].text, "loss after 10 epochs");
    assert!(lab.messages.iter().all(|m| m.text != "lab-pc: 12 GB free"));
    kit.finish().await;
}

#[tokio::test]
async fn the_description_for_programs_names_every_request() {
    let kit = Kit::new(Bot::Admin).await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = format!("http://{}/openapi.json", kit.address);
    let description: serde_json::Value = http
        .get(url)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let paths: Vec<_> = description["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        paths,
        [
            "/healthz",
            "/v1/alerts",
            "/v1/messages",
            "/v1/messages/{key}",
            "/v1/panels/{topic}"
        ]
    );
    assert_eq!(
        description["components"]["securitySchemes"]["token"]["scheme"],
        "bearer"
    );
    kit.finish().await;
}
