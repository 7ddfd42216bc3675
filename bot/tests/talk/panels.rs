//! What follows from events: panels, notices, buttons on panels.

use bytes::Bytes;
use kymo_door::{Door, PanelFacts};
use kymo_runlog::event::RunEvent;
use kymo_runlog::order::Order;
use kymo_runlog::{RunWriter, ShortId};

use crate::house::*;

#[tokio::test]
async fn a_started_run_is_drawn_where_it_was_ordered() {
    let house = House::new().await;
    house.ask(VERA, HALL, "/whoami").await;
    let alerts = house.ask(BOB, HALL, "/alerts here").await;
    insta::assert_snapshot!(alerts.text, @"
    Alerts come here from now on: runs that start, finish, fail or fall silent.
    /alerts off ends it.
    ");
    let id = run(&["eps=9"]);
    let card = house.ask(BOB, LAB, "/run airy eps=9").await;
    house.press(BOB, &card, LAB, "▶ Start").await;
    house.order(1).await;
    house.log.create(&id.topic()).await.expect("the topic");
    house.happens(&id, 1, 0, RunEvent::Started { pid: 1 }).await;
    let notice = house.next(HALL, alerts.id, "the notice").await;
    insta::assert_snapshot!(notice.text, @"▶ airy eps=9 started on lab-pc");
    let workers = house
        .until_said(BOB, "/workers", BOB, |text| text.contains("running for"))
        .await;
    assert!(
        workers.text.contains("airy eps=9") && workers.text.contains("draws E[x=0.6]"),
        "{}",
        workers.text
    );

    // The graph worker hands in a picture: the panel appears in the lab, and only there.
    house
        .door()
        .show_panel(&id.topic(), &facts(&id, 31), picture(80).to_vec())
        .await
        .expect("shown");
    let panel = house
        .control
        .wait_for("a panel", |state| {
            state
                .chat(LAB)?
                .messages
                .iter()
                .find(|m| m.kind == "photo")
                .cloned()
        })
        .await
        .expect("a panel");
    assert_eq!(labels(&panel), "▶ Start | ℹ Status | ⏹ Stop");
    assert!(
        panel.text.contains("eps=9") || panel.text.contains("eps = 9"),
        "{}",
        panel.text
    );
    let toast = house.press(VERA, &panel, LAB, "▶ Start").await;
    assert!(toast.text.contains("needs the role operator"), "{}", toast.text);
    let toast = house.press(BOB, &panel, LAB, "▶ Start").await;
    insta::assert_snapshot!(toast.text, @"airy eps=9 is running already");
    let toast = house.press(VERA, &panel, LAB, "ℹ Status").await;
    assert!(
        toast.alert && toast.text.starts_with("airy eps=9: running") && toast.text.chars().count() <= 200,
        "{toast:?}"
    );

    house.press(BOB, &panel, LAB, "⏹ Stop").await;
    let question = house.next(LAB, panel.id, "the question").await;
    assert!(question.text.starts_with("Stop airy eps=9"), "{}", question.text);
    house.press(BOB, &question, LAB, "Now").await;
    assert!(matches!(house.order(2).await, Order::Stop { .. }));
    house
        .happens(&id, 1, 31, RunEvent::Stopped { by: "Bob".to_owned() })
        .await;
    let notice = house.next(HALL, notice.id, "the stop").await;
    insta::assert_snapshot!(notice.text, @"⏹ airy eps=9 stopped by Bob after iteration 31");
    let toast = house.press(BOB, &panel, LAB, "▶ Start").await;
    insta::assert_snapshot!(toast.text, @"▶ starting airy eps=9");
    assert!(matches!(house.order(3).await, Order::Start { fresh: false, .. }));

    // /panel posts it anew, /unwatch takes it away.
    let sent = house.control.send(BOB, LAB, "/panel").await.expect("sent");
    let anew = house
        .control
        .wait_for("a new panel", |state| {
            state
                .chat(LAB)?
                .messages
                .iter()
                .find(|m| m.kind == "photo" && m.id > sent)
                .cloned()
        })
        .await
        .expect("a new panel");
    let reply = house
        .control
        .reply(BOB, LAB, anew.id, "/unwatch")
        .await
        .expect("sent");
    insta::assert_snapshot!(house.next(LAB, reply, "unwatch").await.text, @"airy eps=9 (est8vpge) is not shown here any more.");
    assert!(
        house
            .until_said(BOB, "/workers", BOB, |text| text.contains("no graph workers"))
            .await
            .text
            .len()
            > 1
    );
    house.finish().await;
}

#[tokio::test]
async fn a_refused_order_is_told_where_it_was_given_and_nothing_is_told_twice() {
    let house = House::new().await;
    let id = run(&["h=0.3"]);
    let card = house.ask(BOB, LAB, "/run airy h=0.3").await;
    house.press(BOB, &card, LAB, "▶ Start").await;
    house.order(1).await;
    let reason = "1/h must be whole; choose e.g. h=0.25".to_owned();
    house.happens(&id, 0, 0, RunEvent::Refused { reason }).await;
    let notice = house.next(LAB, card.id, "the refusal").await;
    insta::assert_snapshot!(notice.text, @"🚫 airy h=0.3 was not started: 1/h must be whole; choose e.g. h=0.25");
    let runs = house
        .until_said(BOB, "/runs", BOB, |text| text.contains("not started"))
        .await;
    assert!(runs.text.contains("1/h must be whole"), "{}", runs.text);

    // A bot that starts again knows what it has told.
    let house = house.restart().await;
    house
        .until_said(ADA, "/runs", LAB, |text| text.contains("not started"))
        .await;
    let lab = house.control.chat(LAB).await.expect("the lab");
    assert_eq!(
        lab.messages
            .iter()
            .filter(|m| m.text.contains("was not started"))
            .count(),
        1
    );
    house.finish().await;
}

#[tokio::test]
async fn a_run_from_a_terminal_is_shown_where_alerts_go() {
    let house = House::new().await;
    house.ask(BOB, HALL, "/alerts here").await;
    let id = run(&["eps=2"]);
    house.log.create(&id.topic()).await.expect("the topic");
    house.happens(&id, 1, 0, RunEvent::Started { pid: 1 }).await;
    house
        .until_said(BOB, "/workers", BOB, |text| text.contains("running for"))
        .await;
    house
        .door()
        .show_panel(&id.topic(), &facts(&id, 3), picture(80).to_vec())
        .await
        .expect("shown");
    house
        .control
        .wait_for("a panel", |state| {
            state
                .chat(HALL)?
                .messages
                .iter()
                .find(|m| m.kind == "photo")
                .cloned()
        })
        .await
        .expect("a panel");
    house.finish().await;
}

#[tokio::test]
async fn status_and_log_tell_what_is_known() {
    let house = House::new().await;
    let id = run(&["eps=3", "note=<b>שלום</b>"]);
    let short = ShortId::of(&id.topic()).to_string();
    house.log.create(&id.topic()).await.expect("the topic");
    house.happens(&id, 1, 7, RunEvent::Started { pid: 1 }).await;
    house
        .until_said(BOB, "/runs", BOB, |text| text.contains("running"))
        .await;
    let group = house.ask(VERA, LAB, "/status").await;
    assert!(group.text.lines().count() <= 4, "{}", group.text);
    let private = house.ask(VERA, VERA, &format!("/status {}", &short[..4])).await;
    for part in [
        "note = \u{2068}<b>שלום</b>\u{2069}",
        "Attempt 1 on lab-pc",
        id.topic().as_str(),
    ] {
        assert!(private.text.contains(part), "{part} in {}", private.text);
    }
    let elsewhere = house.ask(VERA, VERA, &format!("/log {short}")).await;
    assert!(elsewhere.text.contains("lies on lab-pc"), "{}", elsewhere.text);
    // Its solver's output is a topic of its own: then it is read here.
    let writer = RunWriter::new(id.clone(), 1, "1");
    house.log.create(&id.topic().output()).await.expect("the topic");
    let lines: String = (0..2000).map(|i| format!("<line> {i}\n")).collect();
    let output = writer.output(7, lines.into_bytes());
    house
        .log
        .append(&id.topic().output(), vec![output])
        .await
        .expect("appended");
    let there = house.ask(VERA, VERA, &format!("/log {short}")).await;
    assert!(
        there.text.contains("(on lab-pc, read from its topic)"),
        "{}",
        there.text
    );
    assert!(
        there.text.contains("\n<line> 1970\n") && there.text.ends_with("<line> 1999"),
        "{}",
        there.text
    );
    house.press(VERA, &there, VERA, "Whole file").await;
    let file = house
        .control
        .wait_for("the file", |state| {
            let mut messages = state.chat(VERA)?.messages.iter();
            messages.find(|m| m.kind == "document").cloned()
        })
        .await
        .expect("a document");
    assert!(file.text.contains("read from its topic"), "{}", file.text);
    house.log.delete(&id.topic().output()).await.expect("deleted");
    let folder = house.folder.path().join("runs").join(&short);
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("output.log"), b"iteration 1\n<b>bold</b> \xff\n").expect("written");
    let tail = house
        .ask(VERA, VERA, "/log airy \"note=<b>שלום</b>\" eps=3")
        .await;
    assert!(
        tail.text.contains("iteration 1\n<b>bold</b> \u{FFFD}"),
        "{}",
        tail.text
    );
    house.press(VERA, &tail, VERA, "Whole file").await;
    let file = house
        .control
        .wait_for("the file", |state| {
            state
                .chat(VERA)?
                .messages
                .iter()
                .filter(|m| m.kind == "document")
                .nth(1)
                .cloned()
        })
        .await
        .expect("a document");
    assert_eq!(file.file.and_then(|file| file.name), Some(format!("{short}.log")));
    let none = house.ask(VERA, VERA, &format!("/log {}", "x".repeat(300))).await;
    assert!(none.text.starts_with("There is no run xxx"), "{}", none.text);
    house.finish().await;
}

impl House {
    fn door(&self) -> Door {
        Door::new(
            format!("http://{}", self.listen).parse().expect("an address"),
            "door".into(),
        )
    }
}

fn facts(id: &kymo_runlog::RunId, iteration: u64) -> PanelFacts {
    PanelFacts {
        solver: id.solver.clone(),
        parameters: id.parameters.clone(),
        attempt: 1,
        iteration,
        total: Some(101),
        view: "E[x=0.6]".into(),
        value: Some(0.25),
        points: 100 * iteration,
        newest_at: None,
        eta: None,
        rejected: 0,
        rejected_reason: None,
        not_finite: 0,
        ended: false,
        pace: None,
    }
}

fn picture(shade: u8) -> Bytes {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 48);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&[shade; 64 * 48]).expect("pixels");
    writer.finish().expect("an end");
    bytes.into()
}
