//! Somebody deletes a run's topic while it is computed: people are told what that means, and nobody begins anew
//! without being asked.

use crate::world::{KafkaTurn, World, lab, until};

async fn a_deleted_topic_is_told(world: World) {
    let topic = world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=1").await;
    world.reaches(&topic, 3).await;
    let watchdog = world.pid_of(&topic, "watchdog").await;
    world.log().delete(&topic).await.expect("anybody may delete it");
    let alert = world.hears(lab::GROUP, "its topic was deleted from the").await;
    assert!(
        alert.text.contains("Press Start to compute it anew") && alert.text.contains("kymo import"),
        "{}",
        alert.text
    );
    world.dies(watchdog).await;
    assert!(
        !world.log().exists(&topic).await.expect("exists"),
        "nobody makes it again by himself"
    );
    // A person who wants it again gets it.
    world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=1").await;
    world.reaches(&topic, 2).await;
    world.finish().await;
}

#[tokio::test]
async fn a_topic_deleted_under_a_run_is_told_and_not_begun_again() {
    a_deleted_topic_is_told(World::new().await).await;
}

#[tokio::test]
#[ignore = "needs a Kafka; ./test starts one"]
async fn on_kafka_a_topic_deleted_under_a_run_is_told_and_not_begun_again() {
    let (world, _turn): (World, KafkaTurn) = World::on_kafka().await;
    a_deleted_topic_is_told(world).await;
}

/// What is written behind a run's back is copied once, whoever reads along and however often its watchdog starts.
#[tokio::test]
async fn garbage_is_kept_aside_once_over_restarts_and_several_readers() {
    let mut world = World::new().await;
    let topic = world
        .run(lab::ADA, lab::GROUP, "lorenz pace=0.2 iterations=60")
        .await;
    world.reaches(&topic, 2).await;
    let garbage = |text: &str| kymo_runlog::Message {
        payload: text.into(),
        headers: vec![("from".to_owned(), b"a stranger".to_vec())],
        key: None,
    };
    let written = world
        .log()
        .append(&topic, vec![garbage("one"), garbage("two")])
        .await
        .expect("append");
    let copies = |count: usize| {
        let (world, rejected) = (&world, topic.rejected());
        async move {
            until(&format!("{count} copies"), || async {
                let page = world
                    .log()
                    .read(&rejected, kymo_runlog::Position::START, 1 << 20)
                    .await
                    .ok()?;
                (page.len() >= count).then_some(page)
            })
            .await
        }
    };
    let kept = copies(2).await;
    assert_eq!(kept[0].message.payload, b"one");
    assert_eq!(kept[0].message.header("from"), Some("a stranger"));
    assert_eq!(
        kept[0].message.header("kymo-rejected-position"),
        Some(written[0].0.to_string().as_str())
    );
    assert!(kept[0].message.header("kymo-rejected-reason").is_some());
    // Another watchdog, another graph worker: both read everything again.
    crate::world::kill_9(world.pid_of(&topic, "watchdog").await);
    crate::world::kill_9(world.graph_worker().await);
    world.attempt(&topic, 2).await;
    world
        .log()
        .append(&topic, vec![garbage("three")])
        .await
        .expect("append");
    let kept = copies(3).await;
    let texts: Vec<_> = kept
        .iter()
        .map(|stored| String::from_utf8_lossy(&stored.message.payload).into_owned())
        .collect();
    assert_eq!(texts, ["one", "two", "three"]);
    world.reaches(&topic, 60).await;
    world.panel_says(&world.panel(lab::GROUP).await, "finished").await;
    assert_eq!(copies(3).await.len(), 3);
    if let Some(initiator) = world.initiator.take() {
        initiator.end_cleanly().await;
    }
    world.finish().await;
}
