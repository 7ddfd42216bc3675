//! From a chat message to a live pinned picture, and what the buttons under it do.

use kymo_runlog::{Named, RunId};

use crate::world::{KYMO, World, lab};

#[tokio::test]
async fn a_chat_message_becomes_a_pinned_picture_that_is_replaced_in_place() {
    let world = World::new().await;
    let topic = world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=0.1").await;

    let first = world.panel(lab::GROUP).await;
    let first_picture = first.file.clone().expect("a panel has a picture");
    world
        .sees("another picture in the same message", |state| {
            let now = state.chat(lab::GROUP)?.message(first.id)?.file.clone()?;
            (now.sha256 != first_picture.sha256).then_some(())
        })
        .await;
    world.panel_says(&first, "finished").await;

    assert_eq!(
        world.pictures(lab::GROUP).await,
        1,
        "one panel, replaced in place"
    );
    let replay = world.replay(&topic).await;
    let Ok(Named::Whole(run)) = RunId::of_topic(&topic) else {
        panic!("{topic} names a run")
    };
    assert_eq!(replay.iterations(), 51);
    assert_eq!(
        replay.digest(),
        kymo_solver::undisturbed_digest(&run).expect("airy runs")
    );
    world.finish().await;
}

#[tokio::test]
async fn a_hot_plate_is_drawn_as_a_map() {
    let world = World::new().await;
    let topic = world
        .run(lab::ADA, lab::GROUP, "heat n=40 sweeps=50 iterations=6 pace=0.2")
        .await;
    let panel = world.panel(lab::GROUP).await;
    world.panel_says(&panel, "finished").await;
    let Ok(Named::Whole(run)) = RunId::of_topic(&topic) else {
        panic!("{topic} names a run")
    };
    let undisturbed = kymo_solver::undisturbed_digest(&run).expect("heat runs");
    assert_eq!(world.replay(&topic).await.digest(), undisturbed);
    // The card's own view fits its records: a picture came, and no sentence instead of one.
    let png = world.path("plate.png");
    let drawn = std::process::Command::new(KYMO)
        .args([
            "graph-worker",
            "--topic",
            topic.as_str(),
            "--view",
            "heat:u",
            "--png",
        ])
        .arg(&png)
        .envs(world.stage.environment.variables())
        .output()
        .expect("start kymo");
    assert!(
        drawn.status.success() && png.exists(),
        "{}",
        String::from_utf8_lossy(&drawn.stderr)
    );
    world.finish().await;
}

#[tokio::test]
async fn stop_and_start_under_the_panel_act_on_the_run() {
    let world = World::new().await;
    let topic = world.run(lab::ADA, lab::GROUP, "lorenz pace=0.05").await;
    let panel = world.panel(lab::GROUP).await;
    world.reaches(&topic, 3).await;

    world.press(lab::ADA, lab::GROUP, "Stop").await;
    world.press(lab::ADA, lab::GROUP, "After this iteration").await;
    world.panel_says(&panel, "stopped").await;
    let stopped_at = world.replay(&topic).await.iterations();

    world.press_on(lab::ADA, &panel, "Start").await;
    world.reaches(&topic, stopped_at + 3).await;
    let replay = world.replay(&topic).await;
    assert_eq!(replay.attempt(), 2, "resumed, not started afresh");
    assert_eq!(world.pictures(lab::GROUP).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_deleted_panel_comes_back_and_an_unpinned_one_stays_unpinned() {
    let world = World::new().await;
    world.run(lab::ADA, lab::GROUP, "lorenz pace=0.2").await;
    let panel = world.panel(lab::GROUP).await;

    world
        .phone()
        .unpin(lab::GRACE, lab::GROUP, panel.id)
        .await
        .expect("Grace may unpin");
    let picture = panel.file.clone().expect("a picture").sha256;
    let edited = world
        .sees("the next picture", |state| {
            let message = state.chat(lab::GROUP)?.message(panel.id)?;
            (message.file.as_ref()?.sha256 != picture).then(|| message.clone())
        })
        .await;
    assert!(!edited.pinned, "a person unpinned it");

    world
        .phone()
        .delete(lab::GRACE, lab::GROUP, panel.id, false)
        .await
        .expect("Grace may delete");
    world
        .sees("the panel posted anew", |state| {
            state
                .chat(lab::GROUP)?
                .messages
                .iter()
                .find(|m| m.kind == "photo" && m.id > panel.id)
                .cloned()
        })
        .await;
    world.finish().await;
}

#[tokio::test]
async fn without_the_right_to_pin_the_panel_works_and_says_once_what_is_missing() {
    let world = World::new().await;
    let topic = world
        .run(lab::ADA, lab::COFFEE, "lorenz pace=0.05 iterations=200")
        .await;
    world.hears(lab::COFFEE, "pin").await;
    world.reaches(&topic, 20).await;
    let chat = world.phone().chat(lab::COFFEE).await.expect("the chat");
    let about_pins = chat
        .messages
        .iter()
        .filter(|m| m.kind == "text" && m.text.contains("may not pin"))
        .count();
    assert_eq!(about_pins, 1);
    assert_eq!(world.pictures(lab::COFFEE).await, 1);
    world.finish().await;
}
