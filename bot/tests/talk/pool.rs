//! Runs that wait for room, and the hosts that have it.

use kymo_runlog::event::RunEvent;
use kymo_runlog::order::Order;

use crate::house::*;

#[tokio::test]
async fn a_run_that_finds_no_room_tells_its_place_until_it_starts_or_is_taken_out() {
    let house = House::new().await;
    house.host_says("lab-pc", &["gpu"], 1, 1).await;
    let hosts = house
        .until_said(VERA, "/hosts", VERA, |text| text.contains("lab-pc"))
        .await;
    insta::assert_snapshot!(hosts.text, @"🖥 lab-pc (gpu): 1 of 1 runs, 0 of 4 cores and 0 of 8 GiB taken");

    let unknown = house.ask(BOB, LAB, "/run airy eps=9 on gpuu").await;
    insta::assert_snapshot!(unknown.text, @r#"
    That does not start airy:
    • no host has the label "gpuu"; did you mean gpu?
    /solvers airy tells what it takes.
    "#);

    let card = house.ask(BOB, LAB, "/run airy eps=9 on gpu").await;
    assert!(card.text.contains("Only on hosts with gpu"), "{}", card.text);
    house.press(BOB, &card, LAB, "▶ Start").await;
    let Order::Start { on, run: ordered, .. } = house.order(1).await else {
        panic!("a start")
    };
    assert_eq!(on, ["gpu"]);
    assert_eq!(ordered, run(&["eps=9"]), "where it runs is no part of what it is");
    let card = house
        .until_shown(LAB, card.id, "the card is closed", |m| m.buttons.is_empty())
        .await;
    insta::assert_snapshot!(card.text, @"⏳ airy eps=9 (est8vpge) is queued, 1st of 1: no host has room (on gpu): lab-pc has 1 of 1 runs, ordered by Bob.");

    let second = house.ask(BOB, LAB, "/run airy eps=2").await;
    house.press(BOB, &second, LAB, "▶ Start").await;
    house.order(2).await;
    let runs = house
        .until_said(VERA, "/runs", VERA, |text| text.contains("2nd of 2"))
        .await;
    assert!(
        runs.text
            .contains("queued, 1st of 2: no host has room (on gpu): lab-pc has 1 of 1 runs"),
        "{}",
        runs.text
    );
    let status = house.ask(VERA, VERA, "/status est8vpge").await;
    assert!(status.text.contains("queued, 1st of 2"), "{}", status.text);
    assert!(status.text.contains("Only on hosts with gpu"), "{}", status.text);

    // The bot's memory is the log.
    let house = house.restart().await;
    house.host_says("lab-pc", &["gpu"], 1, 1).await;
    house
        .until_said(VERA, "/runs", VERA, |text| text.contains("2nd of 2"))
        .await;

    // The first is taken out; the second moves up.
    let question = house.ask(BOB, LAB, "/stop est8vpge").await;
    insta::assert_snapshot!(question.text, @"Take airy eps=9 (est8vpge) out of the queue? What it has computed is kept.");
    let toast = house.press(BOB, &question, LAB, "Take it out").await;
    assert_eq!(toast.text, "It leaves the queue");
    house
        .until_said(VERA, "/runs", VERA, |text| text.contains("queued, 1st of 1"))
        .await;
    let status = house.ask(VERA, VERA, "/status est8vpge").await;
    assert!(status.text.contains("stopped by Bob"), "{}", status.text);

    // There is room: it starts.
    house.host_says("lab-pc", &["gpu"], 0, 1).await;
    house
        .until_said(VERA, "/runs", VERA, |text| !text.contains("queued"))
        .await;
    house
        .happens(&run(&["eps=2"]), 1, 0, RunEvent::Started { pid: 1 })
        .await;
    house
        .until_said(VERA, "/hosts", VERA, |text| text.contains("airy eps=2"))
        .await;
    house.finish().await;
}

#[tokio::test]
async fn a_run_that_no_host_can_ever_take_is_told_why() {
    let house = House::new().await;
    let mut card = airy();
    card.needs.cores = 64;
    house.publish(card).await;
    house.host_says("lab-pc", &[], 0, 4).await;
    house
        .until_said(VERA, "/hosts", VERA, |text| text.contains("lab-pc"))
        .await;
    let card = house.ask(BOB, LAB, "/run airy").await;
    house.press(BOB, &card, LAB, "▶ Start").await;
    let card = house
        .until_shown(LAB, card.id, "the card is closed", |m| m.buttons.is_empty())
        .await;
    assert!(
        card.text
            .contains("queued, 1st of 1: no host can take it (64 cores): lab-pc has 4 cores in all"),
        "{}",
        card.text
    );
    house.finish().await;
}
