//! The panel in the chat: one pinned picture, edited in place.

use kymo_bot::panel::{Attached, RunState};
use kymo_store::Pin;

use crate::kit::{ADA, Bot, Kit, LAB, facts, lab, photos, picture, topic};

#[tokio::test]
async fn a_panel_is_posted_once_pinned_quietly_and_edited_in_place() {
    let kit = Kit::new(Bot::Admin).await;
    let attached = kit.panels.attach(&topic(), lab()).await.expect("attached");
    assert_eq!(attached, Attached::WithFirstPicture);
    let answer = kit
        .door
        .show_panel(&topic(), &facts(1), picture(1).to_vec())
        .await
        .expect("shown");
    assert_eq!((answer.shown_in, answer.theme.as_str()), (1, "light"));
    let wanted = kit.door.panel(&topic()).await.expect("answered");
    assert_eq!((wanted.shown_in, wanted.theme.as_str()), (1, "light"));
    let first = kit
        .wait("the pinned panel", |m| m.kind == "photo" && m.pinned)
        .await;
    assert!(first.silent, "nobody is woken by a picture");
    assert!(
        first.text.starts_with("airy eps=4\niteration 1/101 · 0 %"),
        "{}",
        first.text
    );
    assert_eq!(first.buttons[0][0].text, "Stop");

    kit.door
        .show_panel(&topic(), &facts(2), picture(2).to_vec())
        .await
        .expect("shown");
    let second = kit
        .wait("the second picture", |m| m.text.contains("iteration 2/101"))
        .await;
    assert_eq!(second.id, first.id);
    assert_ne!(
        second.file.expect("a file").sha256,
        first.file.expect("a file").sha256
    );
    kit.wait_until_no_service_message().await;
    assert_eq!(photos(&kit.lab().await).len(), 1);
    kit.finish().await;
}

#[tokio::test]
async fn an_unchanged_picture_changes_nothing() {
    let kit = Kit::new(Bot::Admin).await;
    kit.panels.attach(&topic(), lab()).await.expect("attached");
    for _ in 0..3 {
        kit.door
            .show_panel(&topic(), &facts(1), picture(1).to_vec())
            .await
            .expect("shown");
    }
    kit.wait("the pinned panel", |m| m.kind == "photo" && m.pinned)
        .await;
    kit.door
        .show_panel(&topic(), &facts(1), picture(1).to_vec())
        .await
        .expect("shown");
    kit.door
        .show_panel(&topic(), &facts(2), picture(2).to_vec())
        .await
        .expect("shown");
    kit.wait("the second picture", |m| m.text.contains("iteration 2/101"))
        .await;
    let calls = kit.control.calls(0).await.expect("calls");
    let posts = calls.iter().filter(|call| call.method == "sendPhoto").count();
    let edits = calls
        .iter()
        .filter(|call| call.method.starts_with("editMessage"))
        .count();
    assert_eq!((posts, edits), (1, 1));
    kit.finish().await;
}

#[tokio::test]
async fn a_deleted_panel_is_posted_anew_and_a_restart_goes_on_with_the_message() {
    let kit = Kit::new(Bot::Admin).await;
    kit.panels.attach(&topic(), lab()).await.expect("attached");
    kit.door
        .show_panel(&topic(), &facts(1), picture(1).to_vec())
        .await
        .expect("shown");
    let first = kit
        .wait("the pinned panel", |m| m.kind == "photo" && m.pinned)
        .await;
    kit.control
        .delete(ADA, LAB, first.id, false)
        .await
        .expect("deleted");
    kit.door
        .show_panel(&topic(), &facts(2), picture(2).to_vec())
        .await
        .expect("shown");
    let second = kit
        .wait("the panel again", |m| {
            m.kind == "photo" && m.pinned && m.id != first.id
        })
        .await;
    assert!(second.text.contains("iteration 2/101"));
    assert!(kit.shows(&second, 2).await, "with the newest picture");

    let kit = kit.restart().await;
    kit.door
        .show_panel(&topic(), &facts(3), picture(3).to_vec())
        .await
        .expect("shown");
    let third = kit
        .wait("the third picture", |m| m.text.contains("iteration 3/101"))
        .await;
    assert_eq!(third.id, second.id);
    kit.finish().await;
}

#[tokio::test]
async fn a_panel_that_a_person_unpinned_stays_unpinned_until_asked() {
    let kit = Kit::new(Bot::Admin).await;
    kit.panels.attach(&topic(), lab()).await.expect("attached");
    kit.door
        .show_panel(&topic(), &facts(1), picture(1).to_vec())
        .await
        .expect("shown");
    let first = kit
        .wait("the pinned panel", |m| m.kind == "photo" && m.pinned)
        .await;
    kit.control.unpin(ADA, LAB, first.id).await.expect("unpinned");
    kit.door
        .show_panel(&topic(), &facts(2), picture(2).to_vec())
        .await
        .expect("shown");
    let edited = kit
        .wait("the second picture", |m| m.text.contains("iteration 2/101"))
        .await;
    assert!(!edited.pinned);

    let anew = kit.panels.post_anew(&topic(), lab()).await.expect("posted");
    assert_eq!(anew, Attached::Showing);
    let posted = kit
        .wait("the panel anew", |m| m.kind == "photo" && m.pinned)
        .await;
    assert_ne!(posted.id, first.id);
    assert!(posted.text.contains("iteration 2/101"));
    kit.finish().await;
}

#[tokio::test]
async fn without_the_right_to_pin_the_panel_works_and_says_so_once() {
    let kit = Kit::new(Bot::Member).await;
    kit.panels.attach(&topic(), lab()).await.expect("attached");
    kit.door
        .show_panel(&topic(), &facts(1), picture(1).to_vec())
        .await
        .expect("shown");
    kit.wait("the word about the right", |m| {
        m.text.contains("I may not pin messages here")
    })
    .await;
    kit.panels.post_anew(&topic(), lab()).await.expect("posted");
    kit.control
        .wait_for("two panels", |s| (photos(s.chat(LAB)?).len() == 2).then_some(()))
        .await
        .expect("they come");
    kit.door
        .show_panel(&topic(), &facts(2), picture(2).to_vec())
        .await
        .expect("shown");
    kit.wait("the second picture", |m| m.text.contains("iteration 2/101"))
        .await;
    let said = kit
        .lab()
        .await
        .messages
        .iter()
        .filter(|m| m.text.contains("I may not pin"))
        .count();
    assert_eq!(said, 1);
    let panel = kit
        .store
        .find_panel(&topic(), lab().chat)
        .await
        .expect("read")
        .expect("a panel");
    assert_eq!(panel.pin, Pin::Refused);
    kit.finish().await;
}

#[tokio::test]
async fn what_the_run_does_is_told_without_a_new_picture() {
    let kit = Kit::new(Bot::Admin).await;
    kit.panels.attach(&topic(), lab()).await.expect("attached");
    kit.panels
        .set_state(&topic(), RunState::Running)
        .await
        .expect("kept");
    kit.door
        .show_panel(&topic(), &facts(5), picture(1).to_vec())
        .await
        .expect("shown");
    let panel = kit
        .wait("the running panel", |m| m.text.contains("▶️ running"))
        .await;
    kit.panels
        .set_state(&topic(), RunState::Stopped { by: "Ada".into() })
        .await
        .expect("kept");
    let stopped = kit
        .wait("the stopped panel", |m| m.text.contains("⏹ stopped by Ada"))
        .await;
    assert_eq!(stopped.id, panel.id);
    assert_eq!(stopped.file, panel.file);
    kit.finish().await;
}

#[tokio::test]
async fn a_group_that_becomes_a_supergroup_is_followed_with_panel_and_alerts() {
    let kit = Kit::new(Bot::Admin).await;
    kit.store.subscribe(lab()).await.expect("subscribed");
    kit.panels.attach(&topic(), lab()).await.expect("attached");
    kit.door
        .show_panel(&topic(), &facts(1), picture(1).to_vec())
        .await
        .expect("shown");
    kit.wait("the pinned panel", |m| m.kind == "photo" && m.pinned)
        .await;
    let new = kit.control.migrate(LAB).await.expect("migrated");
    kit.door
        .show_panel(&topic(), &facts(2), picture(2).to_vec())
        .await
        .expect("shown");
    kit.door
        .alert(&crate::kit::alert("airy", "airy crashed"))
        .await
        .expect("taken");
    let control = &kit.control;
    control
        .wait_for("the panel in the supergroup", |s| {
            crate::kit::find(s, new, |m| {
                m.kind == "photo" && m.pinned && m.text.contains("iteration 2/101")
            })
        })
        .await
        .expect("it comes");
    control
        .wait_for("the alert in the supergroup", |s| {
            crate::kit::find(s, new, |m| m.text.contains("airy crashed"))
        })
        .await
        .expect("it comes");
    kit.finish().await;
}
