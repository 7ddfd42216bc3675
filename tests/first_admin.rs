//! Nobody is admin yet: `kymo up` prints a link, and the first to open it becomes one.

use std::process::Stdio;

use kymo_telegram_sandbox::{Control, SandboxConfig, Seed};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use crate::world::{KYMO, lab};

#[tokio::test]
async fn a_wrong_token_ends_up_with_the_remedy_also_when_there_is_an_admin() {
    let stop = CancellationToken::new();
    let sandbox = kymo_telegram_sandbox::start(SandboxConfig::default(), stop.clone())
        .await
        .expect("a sandbox");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a free port")
        .local_addr()
        .expect("bound");
    let toml = format!(
        "[telegram]\nadmins = [{}]\n[door]\nlisten = \"{port}\"\n",
        lab::ADA
    );
    std::fs::write(folder.path().join("kymo.toml"), toml).expect("write kymo.toml");
    let up = Command::new(KYMO)
        .arg("up")
        .env("KYMO_DATA", folder.path())
        .env("KYMO_TELEGRAM_API", sandbox.url())
        .env("KYMO_TELEGRAM_TOKEN", "123456:not-the-token")
        .kill_on_drop(true)
        .output()
        .await
        .expect("`kymo up` ends by itself");
    let said = String::from_utf8_lossy(&up.stderr);
    assert!(!up.status.success(), "{said}");
    assert!(
        said.contains("does not know the token")
            && said.contains("@BotFather")
            && !said.contains("not-the-token"),
        "{said}"
    );
    stop.cancel();
}

#[tokio::test]
async fn the_first_to_open_the_link_becomes_admin_and_nobody_after_that() {
    let stop = CancellationToken::new();
    let config = SandboxConfig {
        seed: Seed::Lab,
        ..SandboxConfig::default()
    };
    let sandbox = kymo_telegram_sandbox::start(config, stop.clone())
        .await
        .expect("a sandbox");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a free port")
        .local_addr()
        .expect("bound");
    std::fs::write(
        folder.path().join("kymo.toml"),
        format!("[door]\nlisten = \"{port}\"\n"),
    )
    .expect("write kymo.toml");
    let mut up = Command::new(KYMO)
        .arg("up")
        .env("KYMO_DATA", folder.path())
        .env("KYMO_TELEGRAM_API", sandbox.url())
        .env("KYMO_TELEGRAM_TOKEN", sandbox.bot_token())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("start `kymo up`");
    let mut lines = BufReader::new(up.stdout.take().expect("piped")).lines();
    let secret = loop {
        let line = lines
            .next_line()
            .await
            .expect("read")
            .expect("`kymo up` prints a link");
        if let Some((_, secret)) = line.split_once("?start=") {
            break secret.trim().to_owned();
        }
    };
    let phone: Control = sandbox.control();
    phone.start(lab::ADA, &secret).await.expect("Ada opens the link");
    let hears = |person: i64| {
        let phone = phone.clone();
        async move {
            phone
                .wait_for("an answer", |state| {
                    let bot = state.bot.id;
                    let mut said = state
                        .chat(person)?
                        .messages
                        .iter()
                        .filter(|message| message.from == bot);
                    said.next_back().map(|message| message.text.clone())
                })
                .await
        }
    };
    assert!(hears(lab::ADA).await.expect("an answer").contains("admin"));

    phone
        .start(lab::MALLORY, &secret)
        .await
        .expect("Mallory opens it, too");
    phone.send(lab::ADA, lab::ADA, "/whoami").await.expect("Ada asks");
    phone
        .wait_for("an answer to Ada", |state| {
            let bot = state.bot.id;
            (state
                .chat(lab::ADA)?
                .messages
                .iter()
                .filter(|message| message.from == bot)
                .count()
                >= 2)
                .then_some(())
        })
        .await
        .expect("Ada is answered");
    let state = phone.state().await.expect("the sandbox answers");
    let to_mallory = state.chat(lab::MALLORY).map_or(0, |chat| {
        chat.messages.iter().filter(|m| m.from == state.bot.id).count()
    });
    assert_eq!(to_mallory, 0, "the link works once");
    stop.cancel();
}
