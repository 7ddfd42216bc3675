//! The disk is full, the log's or the whole house's: people are told, nothing that was acknowledged is lost, and the
//! run goes on by itself.

use kymo_door::{Alert, DoorError};
use kymo_runlog::{Named, RunId, ShortId, Topic};
use serde_json::json;

use crate::world::{World, lab};

#[tokio::test]
async fn a_full_disk_is_told_and_the_run_goes_on_when_there_is_space_again() {
    let world = World::with_small_log(24).await;
    let topic = world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=0.1").await;
    world.reaches(&topic, 5).await;

    let filler = world.disk().fill();
    let alert = world.hears(lab::GROUP, "space").await;
    std::fs::remove_file(filler).expect("remove the filler");

    world.reaches(&topic, 51).await;
    world.panel_says(&world.panel(lab::GROUP).await, "finished").await;
    world.says(lab::GROUP, alert.id, "goes on").await;
    assert_eq!(world.replay(&topic).await.digest(), undisturbed(&topic));
    world.finish().await;
}

#[tokio::test]
async fn a_house_whose_disk_is_full_says_so_and_goes_on_when_there_is_space_again() {
    let world = World::on_small_disk(32).await;
    let topic = world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=0.1").await;
    world.reaches(&topic, 5).await;
    let panel = world.panel(lab::GROUP).await;

    let filler = world.disk().fill();
    // The watchdog cannot spool it, the bot cannot write it down: it is told.
    let alert = world.hears(lab::GROUP, "waits: no space left").await;
    // Who hands something in keeps it meanwhile, and need not wait to be read.
    let door = world.stage.config.door().expect("the door's token");
    let ours = somebodys_alert();
    let refused = door.alert(&ours).await.expect_err("it cannot be kept");
    assert!(
        matches!(&refused, DoorError::Away(_, why) if why.contains("no space left") && why.contains("free some space")),
        "{refused}"
    );
    let told = world.hears(lab::GROUP, &ours.title).await;
    // So does a person who asks for something.
    world.say(lab::ADA, lab::ADA, "/runs").await;
    world.hears(lab::ADA, "no space left for the database").await;

    std::fs::remove_file(filler).expect("remove the filler");
    world.hears(lab::ADA, ShortId::of(&topic).as_str()).await;
    door.alert(&ours).await.expect("it is kept");
    world.reaches(&topic, 51).await;
    world.panel_says(&panel, "finished").await;
    world.says(lab::GROUP, alert.id, "goes on").await;
    assert_eq!(world.replay(&topic).await.digest(), undisturbed(&topic));
    assert_eq!(world.pictures(lab::GROUP).await, 1, "one panel");
    assert_eq!(
        world.messages_with(lab::GROUP, &ours.title).await,
        [told.id],
        "told once"
    );
    world.finish().await;
}

fn undisturbed(topic: &Topic) -> String {
    let Ok(Named::Whole(run)) = RunId::of_topic(topic) else {
        panic!("{topic} names a run")
    };
    kymo_solver::undisturbed_digest(&run).expect("airy runs")
}

fn somebodys_alert() -> Alert {
    let alert = json!({
        "id": "0192f0c1-2345-7abc-8def-0123456789ab", "key": "cellar", "topic": null, "state": "open",
        "severity": "warning", "title": "The cellar is 31 degrees warm", "at": "2026-11-22T12:00:00Z", "host": "cellar",
    });
    serde_json::from_value(alert).expect("an alert as the door takes it")
}
