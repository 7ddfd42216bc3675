//! A Kafka that is set up wrongly, or breaks: each time the chat hears what it is and what to do, and nothing that was
//! acknowledged is lost. Each story has a broker of its own.

use kymo_runlog::{Named, RunId, Topic};

use crate::world::{OwnKafka, SmallDisk, World, lab, until};

fn undisturbed(topic: &Topic) -> String {
    let Ok(Named::Whole(run)) = RunId::of_topic(topic) else {
        panic!("{topic} names a run")
    };
    kymo_solver::undisturbed_digest(&run).expect("airy runs")
}

fn airy(parameter: &str) -> Topic {
    let solver = kymo_solver::find_built_in("airy").expect("it is built in");
    solver.card.read(&[parameter]).expect("a good run").topic()
}

/// Somebody made the topic before, with a retention of seconds: it is said before the start, and what it eats is missed
/// aloud instead of being computed with.
#[tokio::test]
#[ignore = "starts a Kafka broker; ./test has what it needs"]
async fn retention_of_seconds_is_said_before_the_start_and_what_it_ate_is_told() {
    let kafka = OwnKafka::start(
        39490,
        &[
            "--set",
            "log.retention.check.interval.ms=1000",
            "--set",
            "log.segment.delete.delay.ms=0",
        ],
    );
    let topic = airy("h=0.02");
    let name = topic.as_str();
    kafka.tool(&[
        "topics",
        "--create",
        "--topic",
        name,
        "--config",
        "retention.ms=4000",
        "--config",
        "segment.ms=1000",
    ]);
    let world = World::on(kafka.log()).await;

    // In the chat's confirmation.
    world.say(lab::ADA, lab::GROUP, "/run airy h=0.02 pace=0.7").await;
    let card = world
        .hears(lab::GROUP, "forgets what is older than 4 seconds")
        .await;
    assert!(card.text.contains("retention.ms=-1"), "{}", card.text);
    world.press_on(lab::ADA, &card, "Resume").await;
    // And as an alert, for runs that no card started.
    let alert = world.hears(lab::GROUP, "may lose results").await;
    assert!(alert.text.contains("kafka-configs.sh"), "{}", alert.text);

    let beginning_is_gone = || async {
        let all = world.log().survey().await.ok()?;
        let span = all.into_iter().find(|it| it.name == name)?.span?;
        (span.first.0 > 0).then_some(())
    };
    until("its beginning is eaten", beginning_is_gone).await;
    // Put right as advised, then another attempt must read the past.
    kafka.tool(&[
        "configs",
        "--alter",
        "--entity-type",
        "topics",
        "--entity-name",
        name,
        "--add-config",
        "retention.ms=-1",
    ]);
    crate::world::kill_9(world.pid_of(&topic, "watchdog").await);
    let alert = world.hears(lab::GROUP, "has lost its results").await;
    assert!(
        alert.text.contains("starts again from iteration 1"),
        "{}",
        alert.text
    );
    world.reaches(&topic, 51).await;
    assert_eq!(world.replay(&topic).await.digest(), undisturbed(&topic));
    world.finish().await;
}

/// Partitions mean no order: it is said, and the first is used.
#[tokio::test]
#[ignore = "starts a Kafka broker; ./test has what it needs"]
async fn a_topic_with_partitions_of_others_is_told() {
    let kafka = OwnKafka::start(39590, &[]);
    let topic = airy("h=0.02");
    kafka.tool(&[
        "topics",
        "--create",
        "--topic",
        topic.as_str(),
        "--partitions",
        "3",
    ]);
    let world = World::on(kafka.log()).await;
    world.say(lab::ADA, lab::GROUP, "/run airy h=0.02").await;
    let card = world.hears(lab::GROUP, "has 3 partitions").await;
    assert!(card.text.contains("let kymo make it"), "{}", card.text);
    world.press_on(lab::ADA, &card, "Resume").await;
    world.hears(lab::GROUP, "may lose results").await;
    world.reaches(&topic, 51).await;
    assert_eq!(world.replay(&topic).await.digest(), undisturbed(&topic));
    world.finish().await;
}

/// A broker whose disk is full ends itself.
#[tokio::test]
#[ignore = "starts a Kafka broker on a small disk of its own; ./test has what it needs"]
async fn a_brokers_full_disk_is_told_and_the_run_goes_on_when_there_is_space_again() {
    let disk = SmallDisk::mount(160);
    let kafka = OwnKafka::start_in(disk.path(), 39690, &[]);
    let world = World::on(kafka.log()).await;
    // The broker takes its time to notice.
    let topic = world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=0.8").await;
    world.reaches(&topic, 4).await;
    let filler = disk.fill();
    let alert = world.hears(lab::GROUP, "cannot be reached").await;
    assert!(
        alert.text.contains("disk is full ends itself") && alert.text.contains("goes on by itself"),
        "{}",
        alert.text
    );
    std::fs::remove_file(filler).expect("remove the filler");
    kafka.order(&["revive", "1"]);
    world.reaches(&topic, 51).await;
    world.says(lab::GROUP, alert.id, "goes on").await;
    assert_eq!(world.replay(&topic).await.digest(), undisturbed(&topic));
    world.finish().await;
    drop(kafka);
}

/// The password is changed under a run, and the broker restarts: the run ends with the reason in the chat, and what was
/// acknowledged is there for whoever knows the new one.
#[tokio::test]
#[ignore = "starts a Kafka broker with passwords; ./test has what it needs"]
async fn a_password_that_is_changed_under_a_run_is_told() {
    let kafka = OwnKafka::start(39790, &["--secure"]);
    let table = std::fs::read_to_string(kafka.file("secure/client.toml")).expect("the sample");
    let world = World::with_configuration(&table).await;
    // It outlives what is done to the broker.
    let topic = world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=5").await;
    world.reaches(&topic, 2).await;
    kafka.tool(&[
        "configs",
        "--alter",
        "--entity-type",
        "users",
        "--entity-name",
        "kymo",
        "--add-config",
        "SCRAM-SHA-256=[password=another]",
    ]);
    kafka.order(&["kill", "1"]);
    kafka.order(&["revive", "1"]);
    let alert = world.hears(lab::GROUP, "user or password is wrong").await;
    assert!(
        alert.text.contains("password-file") && !alert.text.contains("another"),
        "{}",
        alert.text
    );
    std::fs::write(kafka.file("secure/kymo.password"), "another").expect("write the new password");
    let log = kymo_runlog::open(&world.stage.config.log)
        .await
        .expect("the new one is right");
    let kept = kymo::role::replay::read(&*log, &topic, |_| Ok(()))
        .await
        .expect("read");
    assert!(kept.iterations() >= 2, "{} iterations", kept.iterations());
}
