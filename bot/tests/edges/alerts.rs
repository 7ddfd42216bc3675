//! Alerts in the chats.

use kymo_door::{AlertState, Severity};
use kymo_telegram_sandbox::{Fault, FaultOrder, FloodRules};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::kit::{ADA, Bot, Kit, LAB, alert, facts, lab, picture};

#[tokio::test]
async fn an_incident_is_one_message_that_is_edited_when_it_resolves() {
    let kit = Kit::new(Bot::Admin).await;
    kit.store.subscribe(lab()).await.expect("subscribed");
    let crash = alert("airy 1", "airy crashed: killed by signal 11 (SIGSEGV)");
    kit.door.alert(&crash).await.expect("taken");
    kit.door.alert(&crash).await.expect("taken, and known");
    let told = kit.wait("the alert", |m| m.text.contains("airy crashed")).await;
    assert!(
        told.text.contains("a < b & c\nSegmentation fault"),
        "{}",
        told.text
    );
    assert!(!told.silent);

    let mut again = alert("airy 1", "airy goes on from iteration 13");
    again.state = AlertState::Resolved;
    again.last_lines.clear();
    kit.door.alert(&again).await.expect("taken");
    let edited = kit
        .wait("the resolved alert", |m| m.text.contains("goes on"))
        .await;
    assert_eq!(edited.id, told.id);
    assert!(
        edited
            .text
            .starts_with("✅ airy goes on from iteration 13\nairy crashed: killed"),
        "{}",
        edited.text
    );

    kit.door
        .alert(&alert("airy 1", "airy crashed again"))
        .await
        .expect("taken");
    let news = kit
        .wait("the next incident", |m| m.text.contains("crashed again"))
        .await;
    assert_ne!(news.id, told.id, "an edit would wake nobody");
    kit.finish().await;
}

#[tokio::test]
async fn an_alert_goes_before_the_panels_that_use_their_budget_up() {
    let kit = Kit::with(Bot::Admin, FloodRules::default(), "group").await;
    kit.store.subscribe(lab()).await.expect("subscribed");
    let topics: Vec<_> = (0..40)
        .map(|i| kymo_runlog::Topic::parse(&format!("airy.eps-{i}")).expect("a topic"))
        .collect();
    for topic in &topics {
        kit.panels.attach(topic, lab()).await.expect("attached");
        kit.door
            .show_panel(topic, &facts(1), picture(1).to_vec())
            .await
            .expect("shown");
    }
    kit.wait("the first panel", |m| m.kind == "photo").await;
    kit.door
        .alert(&alert("airy", "airy crashed"))
        .await
        .expect("taken");
    kit.wait("the alert", |m| m.text.contains("airy crashed")).await;
    let calls = kit.control.calls(0).await.expect("calls");
    let shown = calls.iter().filter(|call| call.method == "sendPhoto").count();
    assert!(
        shown < topics.len(),
        "it did not wait for all the panels before it"
    );
    assert!(
        calls.iter().all(|call| call.code != 429),
        "nor did it flood the chat"
    );
    kit.finish().await;
}

#[tokio::test]
async fn an_alert_survives_restarts_lost_answers_and_a_telegram_in_trouble() {
    let kit = Kit::new(Bot::Admin).await;
    kit.store.subscribe(lab()).await.expect("subscribed");
    let trouble = FaultOrder::next(Fault::Server { code: 502 })
        .of("sendMessage")
        .times(3);
    kit.control.fault(trouble).await.expect("ordered");
    kit.control
        .fault(FaultOrder::next(Fault::Reset).of("sendMessage"))
        .await
        .expect("ordered");
    kit.door
        .alert(&alert("airy", "airy crashed"))
        .await
        .expect("taken");
    let kit = kit.restart().await;
    kit.wait("the alert", |m| m.text.contains("airy crashed")).await;
    kit.finish().await;
}

#[tokio::test]
async fn a_chat_that_threw_the_bot_out_costs_the_others_nothing() {
    let kit = Kit::new(Bot::Admin).await;
    kit.store.subscribe(lab()).await.expect("subscribed");
    kit.control.start(ADA, "").await.expect("started");
    let seen = kymo_store::ChatSeen {
        id: kymo_store::ChatId(ADA),
        kind: "private".into(),
        title: "Ada".into(),
        forum: false,
    };
    kit.store.see_chat(&seen, chrono::Utc::now()).await.expect("seen");
    let ada = kymo_store::Destination {
        chat: kymo_store::ChatId(ADA),
        thread: None,
    };
    kit.store.subscribe(ada).await.expect("subscribed");
    let refused = Fault::Refuse {
        code: 403,
        description: "Forbidden: bot was kicked from the group chat".into(),
    };
    kit.control
        .fault(FaultOrder::next(refused).in_chat(LAB))
        .await
        .expect("ordered");
    kit.door
        .alert(&alert("airy", "airy crashed"))
        .await
        .expect("taken");
    kit.control
        .wait_for("the alert to Ada", |s| {
            crate::kit::find(s, ADA, |m| m.text.contains("airy crashed"))
        })
        .await
        .expect("it comes");
    kit.control
        .wait_for_call(0, |call| call.code == 403)
        .await
        .expect("refused");
    kit.finish().await;
}

#[tokio::test]
async fn a_notice_is_quiet_and_told_once() {
    let kit = Kit::new(Bot::Admin).await;
    assert!(
        kit.alerts
            .notice("started 1", lab(), "airy started")
            .await
            .expect("kept")
    );
    assert!(
        !kit.alerts
            .notice("started 1", lab(), "airy started")
            .await
            .expect("known")
    );
    let told = kit.wait("the notice", |m| m.text == "airy started").await;
    assert!(told.silent);
    kit.store.subscribe(lab()).await.expect("subscribed");
    let mut done = alert("notice", "airy finished");
    done.severity = Severity::Info;
    done.state = AlertState::Resolved;
    kit.door.alert(&done).await.expect("taken");
    let told = kit
        .wait("the second notice", |m| m.text.starts_with("airy finished"))
        .await;
    assert!(told.silent);
    let times = kit
        .lab()
        .await
        .messages
        .iter()
        .filter(|m| m.text == "airy started")
        .count();
    assert_eq!(times, 1);
    kit.finish().await;
}

#[tokio::test]
async fn a_locked_database_delays_no_alert_and_doubles_none() {
    let kit = Kit::new(Bot::Admin).await;
    kit.store.subscribe(lab()).await.expect("subscribed");
    let file = SqliteConnectOptions::new().filename(kit.store.database());
    let mut other = file.connect().await.expect("another program opens it");
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .expect("and locks it");
    let (door, crash) = (kit.door.clone(), alert("airy", "airy crashed"));
    let handed = tokio::spawn(async move { door.alert(&crash).await });
    // The lock is given back only after it.
    kit.wait("the alert", |m| m.text.contains("airy crashed")).await;
    sqlx::raw_sql("COMMIT")
        .execute(&mut other)
        .await
        .expect("free again");
    handed.await.expect("no panic").expect("kept in the end");
    let mut over = alert("airy", "airy goes on");
    over.state = AlertState::Resolved;
    kit.door.alert(&over).await.expect("taken");
    kit.wait("the resolved alert", |m| m.text.contains("goes on"))
        .await;
    let lab = kit.lab().await;
    assert_eq!(lab.messages.iter().filter(|m| m.text.contains("airy")).count(), 1);
    kit.finish().await;
}
