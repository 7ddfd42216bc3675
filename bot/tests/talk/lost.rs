//! A run whose watchdog died without a word, as `kymo run` that was killed together with its machine.

use std::time::Duration;

use chrono::Utc;
use kymo_runlog::claim;
use kymo_runlog::event::RunEvent;
use uuid::Uuid;

use crate::house::*;

#[tokio::test]
async fn a_run_that_nobody_hears_of_any_more_is_lost_until_it_is_heard_of() {
    let house = House::new().await;
    house.ask(ADA, LAB, "/alerts here").await;
    let id = run(&["eps=9"]);
    let claim = claim::claim(&id.topic(), 1, "lab-pc", Uuid::nil(), Utc::now(), false);
    house.append(claim::topic(), &claim).await;
    house.happens(&id, 1, 0, RunEvent::Started { pid: 1 }).await;
    house
        .until_said(BOB, "/runs", BOB, |text| text.contains("running"))
        .await;
    let lost = house
        .sandbox
        .control()
        .patience(Duration::from_secs(90))
        .wait_for("the loss", |state| {
            let messages = &state.chat(LAB)?.messages;
            messages.iter().find(|m| m.text.contains("is lost")).cloned()
        })
        .await
        .expect("people are told");
    assert!(lost.text.contains("Press Start to go on"), "{}", lost.text);
    let runs = house.ask(BOB, BOB, "/runs").await;
    assert!(
        runs.text.contains("lost: nothing was heard of it for") && labels(&runs).contains("▶ Start"),
        "{runs:?}"
    );
    // It was only cut off.
    house.append(claim::topic(), &claim).await;
    house
        .until_shown(LAB, lost.id, "that it is over", |m| {
            m.text.contains("heard of again")
        })
        .await;
    house
        .until_said(BOB, "/runs", BOB, |text| text.contains("running"))
        .await;
    house.finish().await;
}
