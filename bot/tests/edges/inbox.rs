//! Updates coming in: none is lost, whatever happens to the handler.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kymo_bot::inbox;
use kymo_bot::telegram::Telegram;
use kymo_store::Store;
use kymo_telegram_sandbox::{NewPerson, Running, SandboxConfig, start};
use teloxide::types::{Update, UpdateKind};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const ADA: i64 = 1001;
const GRACE: i64 = 1002;

async fn sandbox() -> (Running, Telegram) {
    let sandbox = start(SandboxConfig::default(), CancellationToken::new())
        .await
        .expect("it starts");
    for (id, name) in [(ADA, "Ada"), (GRACE, "Grace")] {
        let person = NewPerson {
            id: Some(id),
            first_name: name.into(),
            ..NewPerson::default()
        };
        sandbox.control().add_person(&person).await.expect("added");
        sandbox.control().start(id, "").await.expect("started");
    }
    let url = sandbox.url().parse().expect("an address");
    let telegram = Telegram::new(&sandbox.bot_token().into(), Some(&url)).expect("a client");
    (sandbox, telegram)
}

fn text(update: &Update) -> String {
    match &update.kind {
        UpdateKind::Message(message) => message.text().unwrap_or_default().to_owned(),
        _ => String::new(),
    }
}

async fn store(folder: &tempfile::TempDir) -> Store {
    Store::open(folder.path().join("kymo.sqlite").to_str().expect("a plain path"))
        .await
        .expect("it opens")
}

#[tokio::test]
async fn a_handler_that_panics_takes_nothing_else_down() {
    let (sandbox, telegram) = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (seen, mut handled) = mpsc::unbounded_channel();
    let panics = Arc::new(AtomicUsize::new(0));
    let count = panics.clone();
    let handler: inbox::Handler = Arc::new(move |update| {
        let (seen, count) = (seen.clone(), count.clone());
        Box::pin(async move {
            let text = text(&update);
            if text == "boom" {
                count.fetch_add(1, Ordering::SeqCst);
                panic!("a bug in a handler");
            }
            let _ = seen.send(text);
            Ok(())
        })
    });
    let stop = CancellationToken::new();
    let inbox = tokio::spawn(inbox::run(
        telegram,
        store(&folder).await,
        handler,
        inbox::no_excuse(),
        stop.clone(),
    ));
    let control = sandbox.control();
    control.send(ADA, ADA, "boom").await.expect("sent");
    control.send(ADA, ADA, "after").await.expect("sent");
    control.send(GRACE, GRACE, "elsewhere").await.expect("sent");
    let mut heard = Vec::new();
    while !(heard.contains(&"after".to_owned()) && heard.contains(&"elsewhere".to_owned())) {
        heard.push(handled.recv().await.expect("more comes"));
    }
    assert_eq!(
        panics.load(Ordering::SeqCst),
        3,
        "tried again, and then left alone"
    );
    stop.cancel();
    inbox.await.expect("no panic").expect("no failure");
}

#[tokio::test]
async fn what_was_not_handled_before_a_crash_is_handled_after_it_in_order_and_once() {
    let (sandbox, telegram) = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (begun, mut begins) = mpsc::unbounded_channel();
    let stuck: inbox::Handler = Arc::new(move |update| {
        let begun = begun.clone();
        Box::pin(async move {
            let _ = begun.send(text(&update));
            std::future::pending().await
        })
    });
    let first = tokio::spawn(inbox::run(
        telegram.clone(),
        store(&folder).await,
        stuck,
        inbox::no_excuse(),
        CancellationToken::new(),
    ));
    let control = sandbox.control();
    for said in ["one", "two", "three"] {
        control.send(ADA, ADA, said).await.expect("sent");
    }
    while begins.recv().await.expect("it begins") != "/start" {}
    control
        .wait_for("all updates confirmed", |state| {
            (state.unconfirmed == 0).then_some(())
        })
        .await
        .expect("they are recorded");
    first.abort();
    let _ = first.await;

    let (seen, mut handled) = mpsc::unbounded_channel();
    let handler: inbox::Handler = Arc::new(move |update| {
        let seen = seen.clone();
        Box::pin(async move {
            let _ = seen.send(text(&update));
            Ok(())
        })
    });
    let stop = CancellationToken::new();
    let second = tokio::spawn(inbox::run(
        telegram,
        store(&folder).await,
        handler,
        inbox::no_excuse(),
        stop.clone(),
    ));
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != "three") {
        heard.push(handled.recv().await.expect("more comes"));
    }
    heard.retain(|text| text != "/start");
    assert_eq!(heard, ["one", "two", "three"]);
    stop.cancel();
    second.await.expect("no panic").expect("no failure");
    assert!(handled.try_recv().is_err(), "nothing comes twice");
}
