//! Telegram in trouble: nothing is lost, and nothing that people see is doubled.

use std::time::Duration;

use kymo_bot::outbox::{Answer, Class, Edited, TextMessage};
use kymo_store::{ChatId, Destination};
use kymo_telegram_sandbox::{Fault, FaultOrder};
use tokio::time::Instant;

use crate::kit::{ADA, Bot, Kit, LAB, facts, find, lab, photos, picture, topic};

#[tokio::test]
async fn a_flooded_chat_rests_for_as_long_as_telegram_says_and_the_others_go_on() {
    let kit = Kit::new(Bot::Admin).await;
    kit.control.start(ADA, "").await.expect("started");
    let flood = FaultOrder::next(Fault::TooMany { retry_after: 2 }).in_chat(LAB);
    kit.control.fault(flood).await.expect("ordered");
    let asked = Instant::now();
    let outbox = kit.outbox.clone();
    let flooded = tokio::spawn(async move {
        outbox
            .send_text(Class::Reply, TextMessage::new(lab(), "to the lab"))
            .await
    });
    kit.control
        .wait_for_call(0, |call| call.code == 429)
        .await
        .expect("it is refused");
    let ada = Destination {
        chat: ChatId(ADA),
        thread: None,
    };
    kit.outbox
        .send_text(Class::Reply, TextMessage::new(ada, "to Ada"))
        .await
        .expect("sent");
    assert!(!flooded.is_finished(), "Ada did not wait for the lab");
    flooded.await.expect("no panic").expect("sent after all");
    assert!(asked.elapsed() >= Duration::from_secs(2));
    let lab = kit.lab().await;
    assert_eq!(lab.messages.iter().filter(|m| m.text == "to the lab").count(), 1);
    kit.finish().await;
}

#[tokio::test]
async fn a_panel_whose_first_answer_was_lost_leaves_at_most_one_unpinned_copy() {
    let kit = Kit::new(Bot::Admin).await;
    kit.control
        .fault(FaultOrder::next(Fault::LostAnswer).of("sendPhoto"))
        .await
        .expect("ordered");
    kit.panels.attach(&topic(), lab()).await.expect("attached");
    kit.door
        .show_panel(&topic(), &facts(1), picture(1).to_vec())
        .await
        .expect("shown");
    let panel = kit
        .wait("the pinned panel", |m| m.kind == "photo" && m.pinned)
        .await;
    for iteration in 2..4 {
        let shade = u8::try_from(iteration).expect("small");
        kit.door
            .show_panel(&topic(), &facts(iteration), picture(shade).to_vec())
            .await
            .expect("shown");
    }
    let edited = kit
        .wait("the third picture", |m| m.text.contains("iteration 3/101"))
        .await;
    assert_eq!(edited.id, panel.id);
    let lab = kit.lab().await;
    let copies: Vec<_> = photos(&lab).iter().map(|m| m.pinned).collect();
    assert_eq!(copies, [false, true]);
    kit.finish().await;
}

#[tokio::test]
async fn an_edit_is_repeated_until_it_is_certain() {
    for fault in [Fault::LostAnswer, Fault::Reset, Fault::Server { code: 502 }] {
        let kit = Kit::new(Bot::Admin).await;
        kit.panels.attach(&topic(), lab()).await.expect("attached");
        kit.door
            .show_panel(&topic(), &facts(1), picture(1).to_vec())
            .await
            .expect("shown");
        kit.wait("the pinned panel", |m| m.kind == "photo" && m.pinned)
            .await;
        kit.control
            .fault(FaultOrder::next(fault).of("editMessageMedia").times(2))
            .await
            .expect("ordered");
        kit.door
            .show_panel(&topic(), &facts(2), picture(2).to_vec())
            .await
            .expect("shown");
        kit.wait("the second picture", |m| m.text.contains("iteration 2/101"))
            .await;
        kit.control
            .wait_for_call(0, |call| {
                let unchanged = call
                    .error
                    .as_deref()
                    .is_some_and(|error| error.contains("not modified"));
                call.method == "editMessageMedia" && !call.answer_lost && (call.code == 200 || unchanged)
            })
            .await
            .expect("it is certain in the end");
        assert_eq!(photos(&kit.lab().await).len(), 1);
        kit.finish().await;
    }
}

#[tokio::test]
async fn a_stale_picture_is_never_sent() {
    let kit = Kit::new(Bot::Admin).await;
    kit.panels.attach(&topic(), lab()).await.expect("attached");
    kit.door
        .show_panel(&topic(), &facts(1), picture(1).to_vec())
        .await
        .expect("shown");
    kit.wait("the pinned panel", |m| m.kind == "photo" && m.pinned)
        .await;
    for iteration in 2..=50 {
        let shade = u8::try_from(iteration).expect("small");
        kit.door
            .show_panel(&topic(), &facts(iteration), picture(shade).to_vec())
            .await
            .expect("shown");
    }
    kit.wait("the newest picture", |m| m.text.contains("iteration 50/101"))
        .await;
    let calls = kit.control.calls(0).await.expect("calls");
    let edits = calls
        .iter()
        .filter(|call| call.method == "editMessageMedia")
        .count();
    assert!(edits <= 3, "{edits} edits for 49 pictures");
    assert!(calls.iter().all(|call| {
        call.error
            .as_deref()
            .is_none_or(|error| !error.contains("Canceled"))
    }));
    kit.finish().await;
}

#[tokio::test]
async fn an_edit_that_changes_nothing_and_a_press_that_is_too_old_are_no_errors() {
    let kit = Kit::new(Bot::Admin).await;
    let message = kit
        .outbox
        .send_text(Class::Reply, TextMessage::new(lab(), "hello"))
        .await
        .expect("sent");
    let edited = kit
        .outbox
        .edit_text(Class::Reply, lab().chat, message, "hello", None)
        .await
        .expect("edited");
    assert_eq!(edited, Edited::Unchanged);
    kit.outbox
        .answer_callback("12345", Answer::Toast("too late".into()))
        .await
        .expect("nobody looks");
    assert!(kit.outbox.delete(lab().chat, message).await.expect("deleted"));
    assert!(
        !kit.outbox
            .delete(lab().chat, message)
            .await
            .expect("gone already")
    );
    let seen = kit.control.state().await.expect("the state");
    assert!(find(&seen, LAB, |m| m.text == "hello").is_none());
    kit.finish().await;
}
