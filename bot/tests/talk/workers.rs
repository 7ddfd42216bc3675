//! /workers: the paper's five, through the chat, on real child processes.

use kymo_runlog::event::RunEvent;
use kymo_runlog::{ShortId, Topic};

use crate::house::*;

#[tokio::test]
async fn graph_workers_are_added_started_stopped_and_removed() {
    let house = House::new().await;
    let missing = house.ask(BOB, BOB, "/workers add some.other-topic").await;
    insta::assert_snapshot!(missing.text, @"There is no topic some.other-topic. Start its run first, or check the name: /runs lists them.");
    house
        .log
        .create(&Topic::parse("some.other-topic").expect("a topic"))
        .await
        .expect("the topic");
    insta::assert_snapshot!(house.ask(BOB, BOB, "/workers add some.other-topic E[x=0.5]").await.text, @"The graph worker of some.other-topic is added; it does not run yet.");
    let list = house.ask(BOB, BOB, "/workers").await;
    let short = ShortId::of(&Topic::parse("some.other-topic").expect("a topic")).to_string();
    insta::assert_snapshot!(list.text, @"
    some.other-topic (qf9pd015)
       stopped, draws E[x=0.5]
    ");
    assert!(
        house
            .ask(BOB, BOB, "/workers add some.other-topic")
            .await
            .text
            .contains("already")
    );
    assert!(
        house
            .ask(VERA, VERA, "/workers start some.other-topic")
            .await
            .text
            .contains("needs the role operator")
    );
    let toast = house.press(BOB, &list, BOB, &format!("▶ {short}")).await;
    insta::assert_snapshot!(toast.text, @"The graph worker starts");
    let running = house
        .until_said(BOB, "/workers", BOB, |text| text.contains("running for"))
        .await;
    let pid = pid_in(&running.text);
    assert!(alive(pid), "the child lives");

    // A worker that dies is started again.
    nix_kill(pid);
    let again = house
        .until_said(BOB, "/workers", BOB, |text| {
            text.contains("restarted once") && text.contains("running")
        })
        .await;
    let pid = pid_in(&again.text);

    // A bot that starts again brings it back.
    let house = house.restart().await;
    assert!(!alive(pid), "children die with the bot");
    let back = house
        .until_said(BOB, "/workers", BOB, |text| text.contains("running for"))
        .await;
    let pid = pid_in(&back.text);
    insta::assert_snapshot!(house.ask(BOB, BOB, "/workers stop some.other-topic").await.text, @"The graph worker of some.other-topic stops.");
    house
        .until_said(BOB, "/workers", BOB, |text| text.contains("stopped"))
        .await;
    insta::assert_snapshot!(house.ask(BOB, BOB, "/workers remove some.other-topic").await.text, @"The graph worker of some.other-topic is removed.");
    let none = house
        .until_said(BOB, "/workers", BOB, |text| text.contains("no graph workers"))
        .await;
    assert!(!none.text.contains("some.other"), "{}", none.text);
    while alive(pid) {
        tokio::task::yield_now().await;
    }
    assert!(
        house
            .ask(BOB, BOB, "/workers start some.other-topic")
            .await
            .text
            .contains("no graph worker")
    );
    house.finish().await;
}

#[tokio::test]
async fn a_watched_run_is_drawn_and_a_missing_one_is_an_error() {
    let house = House::new().await;
    let missing = house.ask(BOB, LAB, "/watch nothing").await;
    insta::assert_snapshot!(missing.text, @"There is no run nothing. Name it by its short id or its topic; /runs lists them.");
    let id = run(&[]);
    house.log.create(&id.topic()).await.expect("the topic");
    house.happens(&id, 1, 1, RunEvent::Finished).await;
    house
        .until_said(BOB, "/runs", BOB, |text| text.contains("finished"))
        .await;
    let shown = house.ask(BOB, LAB, "/watch airy E[t=1]").await;
    assert!(
        shown.text.contains("is shown here, drawn as E[t=1]"),
        "{}",
        shown.text
    );
    let workers = house
        .until_said(BOB, "/workers", BOB, |text| text.contains("running for"))
        .await;
    assert!(workers.text.contains("draws E[t=1]"), "{}", workers.text);
    house.finish().await;
}

fn pid_in(text: &str) -> u32 {
    let rest = text.split("pid ").nth(1).expect("a pid");
    rest.split(')')
        .next()
        .and_then(|pid| pid.parse().ok())
        .expect("a number")
}

fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn nix_kill(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(pid.try_into().expect("a pid"));
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("killed");
}
