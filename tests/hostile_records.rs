//! Foreign and broken records in a run's topic stop nobody, and the panel says that they are there.

use kymo_runlog::{Message, header};

use crate::world::{World, lab};

#[tokio::test]
async fn garbage_in_the_topic_is_counted_on_the_panel_and_stops_nobody() {
    let world = World::new().await;
    let topic = world
        .run(lab::ADA, lab::GROUP, "lorenz pace=0.1 iterations=60")
        .await;
    let panel = world.panel(lab::GROUP).await;
    world.reaches(&topic, 3).await;
    let garbage = [
        Message {
            payload: b"hello from somebody else".to_vec(),
            ..Message::default()
        },
        Message {
            payload: vec![0xFF; 100_000],
            ..Message::default()
        },
        Message {
            headers: vec![
                (header::KIND.into(), b"record".to_vec()),
                (header::ATTEMPT.into(), b"-1".to_vec()),
            ],
            payload: b"{\"iteration\":1e400}".to_vec(),
            key: None,
        },
    ];
    world
        .log()
        .append(&topic, garbage.to_vec())
        .await
        .expect("anybody may write here");
    world.panel_says(&panel, "kept aside").await;
    world.reaches(&topic, 60).await;
    world.panel_says(&panel, "finished").await;
    world.finish().await;
}
