//! The log's disk is full: people are told, nothing that was acknowledged is lost, and the run goes on by itself.

use kymo_runlog::{Named, RunId};

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
    let Ok(Named::Whole(run)) = RunId::of_topic(&topic) else {
        panic!("{topic} names a run")
    };
    let undisturbed = kymo_solver::undisturbed_digest(&run).expect("airy runs");
    assert_eq!(world.replay(&topic).await.digest(), undisturbed);
    world.finish().await;
}
