//! The whole role: starting, and saying what is wrong.

use std::net::SocketAddr;
use std::sync::Arc;

use kymo_bot::{BotConfig, WorkerHost};
use kymo_door::Door;
use kymo_runlog::{Log, LogConfig};
use kymo_telegram_sandbox::{SandboxConfig, start};
use tokio_util::sync::CancellationToken;

const SECRET: &str = "4242:secret-of-this-test";

async fn config(folder: &tempfile::TempDir, api: &str) -> (BotConfig, Arc<dyn Log>) {
    let data = folder.path().to_path_buf();
    let log = kymo_runlog::open(&LogConfig::Embedded { folder: data.clone() })
        .await
        .expect("a log");
    let free = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let listen: SocketAddr = free.local_addr().expect("an address");
    let config = BotConfig {
        token: SECRET.into(),
        api_url: Some(api.parse().expect("an address")),
        listen,
        door_token: "door".into(),
        database: data.join("kymo.sqlite").display().to_string(),
        data,
        admins: vec![1001],
        workers: WorkerHost::Child {
            command: vec!["true".into()],
        },
    };
    (config, log)
}

#[tokio::test]
async fn the_door_opens_while_telegram_is_away_and_the_bot_ends_when_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let (config, log) = config(&folder, "http://127.0.0.1:9").await;
    let door = Door::new(
        format!("http://{}", config.listen).parse().expect("an address"),
        "door".into(),
    );
    let stop = CancellationToken::new();
    let bot = tokio::spawn(kymo_bot::run(config, log, stop.clone()));
    while !door.is_open().await {
        assert!(!bot.is_finished(), "the bot waits for Telegram");
        tokio::task::yield_now().await;
    }
    stop.cancel();
    bot.await.expect("no panic").expect("no failure");
}

#[tokio::test]
async fn a_wrong_token_is_the_end_and_is_not_shown() {
    let sandbox = start(SandboxConfig::default(), CancellationToken::new())
        .await
        .expect("it starts");
    let folder = tempfile::tempdir().expect("a folder");
    let (config, log) = config(&folder, sandbox.url()).await;
    let error = kymo_bot::run(config, log, CancellationToken::new())
        .await
        .expect_err("refused");
    let error = format!("{error:#}");
    assert!(error.contains("@BotFather"), "{error}");
    assert!(!error.contains("secret-of-this-test"), "{error}");
}

#[tokio::test]
async fn a_port_in_use_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().expect("a folder");
    let (config, log) = config(&folder, "http://127.0.0.1:9").await;
    let _taken = tokio::net::TcpListener::bind(config.listen).await.expect("taken");
    let error = kymo_bot::run(config.clone(), log, CancellationToken::new())
        .await
        .expect_err("refused");
    let error = format!("{error:#}");
    assert!(
        error.contains(&config.listen.to_string()) && error.contains("--listen"),
        "{error}"
    );
}

#[tokio::test]
async fn what_was_handed_in_while_telegram_was_away_comes_when_it_is_back() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let sandbox = SandboxConfig {
        token: SECRET.into(),
        seed: kymo_telegram_sandbox::Seed::Lab,
        listen: address,
        ..SandboxConfig::default()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (config, log) = config(&folder, &format!("http://{address}")).await;
    let store = kymo_store::Store::open(&config.database).await.expect("it opens");
    let seen = kymo_store::ChatSeen {
        id: kymo_store::ChatId(-2001),
        kind: "group".into(),
        title: "Lab".into(),
        forum: false,
    };
    store.see_chat(&seen, chrono::Utc::now()).await.expect("seen");
    let lab = kymo_store::Destination {
        chat: seen.id,
        thread: None,
    };
    store.subscribe(lab).await.expect("subscribed");
    let door = Door::new(
        format!("http://{}", config.listen).parse().expect("an address"),
        "door".into(),
    );
    let stop = CancellationToken::new();
    let bot = tokio::spawn(kymo_bot::run(config, log, stop.clone()));
    while door
        .alert(&crate::kit::alert("airy", "airy crashed"))
        .await
        .is_err()
    {
        assert!(!bot.is_finished(), "the bot waits for Telegram");
        tokio::task::yield_now().await;
    }

    // Only now Telegram is there.
    let sandbox = start(sandbox, CancellationToken::new()).await.expect("it starts");
    sandbox
        .control()
        .wait_for("the alert", |state| {
            crate::kit::find(state, -2001, |m| m.text.contains("airy crashed"))
        })
        .await
        .expect("it comes");
    stop.cancel();
    bot.await.expect("no panic").expect("no failure");
}
