//! Each role is killed with -9 in the middle of a run; the results are an undisturbed run's, bit for
//! bit, and there is one panel.

use std::time::{Duration, Instant};

use kymo_runlog::{Named, RunId, Topic};

use crate::world::{World, kill_9, lab};

/// Slow enough that the run outlives what is done to it, on a busy machine, too.
async fn begin(world: &World) -> Topic {
    begin_with(world, "airy h=0.02 pace=0.3").await
}

async fn begin_with(world: &World, order: &str) -> Topic {
    let topic = world.run(lab::ADA, lab::GROUP, order).await;
    world.panel(lab::GROUP).await;
    world.reaches(&topic, 4).await;
    topic
}

async fn ends_as_if_nothing_had_happened(world: World, topic: Topic) {
    world.reaches(&topic, 51).await;
    let panel = world.panel(lab::GROUP).await;
    world.panel_says(&panel, "finished").await;
    let Ok(Named::Whole(run)) = RunId::of_topic(&topic) else {
        panic!("{topic} names a run")
    };
    let undisturbed = kymo_solver::undisturbed_digest(&run).expect("airy runs");
    assert_eq!(world.replay(&topic).await.digest(), undisturbed);
    assert_eq!(world.pictures(lab::GROUP).await, 1, "one panel");
    world.finish().await;
}

#[tokio::test]
async fn the_solver_is_killed_and_the_group_hears_within_two_seconds() {
    let world = World::new().await;
    let topic = begin(&world).await;
    let killed = Instant::now();
    kill_9(world.pid_of(&topic, "solver").await);
    let alert = world.hears(lab::GROUP, "SIGKILL").await;
    assert!(
        killed.elapsed() < Duration::from_secs(2),
        "the group heard after {:?}",
        killed.elapsed()
    );
    world.says(lab::GROUP, alert.id, "ecovered").await;
    ends_as_if_nothing_had_happened(world, topic).await;
}

#[tokio::test]
async fn the_watchdog_is_killed_its_solver_dies_too_and_both_start_again() {
    let world = World::new().await;
    let topic = begin(&world).await;
    let solver = world.pid_of(&topic, "solver").await;
    kill_9(world.pid_of(&topic, "watchdog").await);
    world.dies(solver).await;
    ends_as_if_nothing_had_happened(world, topic).await;
}

#[tokio::test]
async fn the_initiator_is_killed_and_the_solver_does_not_notice() {
    let mut world = World::new().await;
    let topic = begin(&world).await;
    let solver = world.pid_of(&topic, "solver").await;
    world.initiator.take().expect("running").kill().await;
    let before = world.replay(&topic).await.iterations();
    world.reaches(&topic, before + 3).await;
    world.start_initiator().await;
    world.reaches(&topic, before + 8).await;
    assert_eq!(world.pid_of(&topic, "solver").await, solver, "the same solver");
    assert_eq!(world.replay(&topic).await.attempt(), 1);
    ends_as_if_nothing_had_happened(world, topic).await;
}

#[tokio::test]
async fn the_bot_is_killed_and_goes_on_with_the_same_message() {
    let mut world = World::new().await;
    let topic = begin(&world).await;
    let panel = world.panel(lab::GROUP).await;
    world.bot.take().expect("running").kill().await;
    let before = world.replay(&topic).await.iterations();
    world.reaches(&topic, before + 3).await;
    world.start_bot().await;
    let picture = panel.file.clone().expect("a picture").sha256;
    world
        .sees("the same message with a newer picture", |state| {
            let now = state.chat(lab::GROUP)?.message(panel.id)?.file.clone()?;
            (now.sha256 != picture).then_some(())
        })
        .await;
    ends_as_if_nothing_had_happened(world, topic).await;
}

#[tokio::test]
async fn the_graph_worker_is_killed_and_draws_on() {
    let world = World::new().await;
    let topic = begin(&world).await;
    kill_9(world.graph_worker().await);
    ends_as_if_nothing_had_happened(world, topic).await;
}

/// The same five, on the real Kafka.
#[tokio::test]
#[ignore = "needs a Kafka; ./test starts one"]
async fn on_kafka_solver_watchdog_and_initiator_are_killed_in_turn() {
    let (mut world, _turn) = World::on_kafka().await;
    let topic = begin_with(&world, "airy h=0.02 pace=1").await;
    kill_9(world.pid_of(&topic, "solver").await);
    world.attempt(&topic, 2).await;
    kill_9(world.pid_of(&topic, "watchdog").await);
    world.attempt(&topic, 3).await;
    world.initiator.take().expect("running").kill().await;
    world.start_initiator().await;
    ends_as_if_nothing_had_happened(world, topic).await;
}
