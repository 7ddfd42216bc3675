//! Brokers are lost while two runs, their graph workers and the bot work: nothing is lost, and nothing is shown twice.

use kymo_runlog::{Named, RunId, Topic};

use crate::world::{Brokers, Loss, World, lab};

async fn ends_undisturbed(world: &World, topic: &Topic, iterations: u64) {
    world.reaches(topic, iterations).await;
    let Ok(Named::Whole(run)) = RunId::of_topic(topic) else {
        panic!("{topic} names a run")
    };
    let undisturbed = kymo_solver::undisturbed_digest(&run).expect("a built-in solver");
    let replay = world.replay(topic).await;
    assert_eq!(replay.digest(), undisturbed);
    assert_eq!(replay.attempt(), 1, "the solver lived through it");
}

#[tokio::test]
#[ignore = "needs a Kafka; ./test starts one"]
async fn each_broker_is_killed_or_frozen_in_turn() {
    let (world, _turn) = World::on_kafka().await;
    let wave = world
        .run(lab::ADA, lab::GROUP, "airy h=0.02 window=50 pace=0.8")
        .await;
    let weather = world
        .run(lab::ADA, lab::COFFEE, "lorenz iterations=100 pace=0.8")
        .await;
    world.reaches(&wave, 3).await;
    world.reaches(&weather, 3).await;
    let mut brokers = Brokers::default();
    // Leader and controller are among them, whoever they are.
    for (broker, loss) in [
        (1, Loss::Killed),
        (2, Loss::Frozen),
        (3, Loss::Killed),
        (1, Loss::Frozen),
    ] {
        brokers.lose(broker, loss).await;
        for topic in [&wave, &weather] {
            let now = world.replay(topic).await.iterations();
            world.reaches(topic, (now + 4).min(100)).await;
        }
        brokers.revive(broker).await;
        Brokers::until_in_sync().await;
    }
    ends_undisturbed(&world, &wave, 101).await;
    ends_undisturbed(&world, &weather, 100).await;
    let panel = world.panel(lab::GROUP).await;
    world.panel_says(&panel, "finished").await;
    assert_eq!(world.pictures(lab::GROUP).await, 1, "one panel");
    world.finish().await;
}

#[tokio::test]
#[ignore = "needs a Kafka; ./test starts one"]
async fn two_of_three_are_away_the_chat_hears_it_once_and_the_run_goes_on_by_itself() {
    let (world, _turn) = World::on_kafka().await;
    let topic = world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=1.2").await;
    let panel = world.panel(lab::GROUP).await;
    world.reaches(&topic, 5).await;

    let mut brokers = Brokers::default();
    brokers.lose(1, Loss::Killed).await;
    brokers.lose(2, Loss::Killed).await;
    let alert = world.hears(lab::GROUP, "waits: the Kafka").await;
    world.panel_says(&panel, "the log is slow").await;
    brokers.revive_all().await;

    world
        .says(lab::GROUP, alert.id, "the log takes records again")
        .await;
    ends_undisturbed(&world, &topic, 51).await;
    world.panel_says(&panel, "finished").await;
    Brokers::until_in_sync().await;
    let chat = world.phone().chat(lab::GROUP).await.expect("the sandbox answers");
    let told = chat.messages.iter().filter(|message| {
        message.text.contains("waits: the Kafka") || message.text.contains("takes records again")
    });
    assert_eq!(told.count(), 1, "told once");
    world.finish().await;
}
