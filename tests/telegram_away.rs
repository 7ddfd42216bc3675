//! Telegram is away at the start, and later: it is waited out, and nothing is lost.

use kymo_telegram_sandbox::{Fault, FaultOrder};

use crate::world::{World, lab};

#[tokio::test]
async fn telegram_away_at_the_start_is_waited_out() {
    let mut world = World::dark(None, "").await;
    world
        .phone()
        .fault(FaultOrder::next(Fault::Server { code: 502 }).times(5))
        .await
        .expect("a fault");
    world.start_bot().await;
    world.say(lab::GRACE, lab::GRACE, "/whoami").await;
    world.hears(lab::GRACE, "admin").await;
    world.finish().await;
}

#[tokio::test]
async fn broken_connections_lose_no_alert() {
    let world = World::new().await;
    let topic = world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=0.2").await;
    world.reaches(&topic, 3).await;
    world
        .phone()
        .fault(FaultOrder::next(Fault::Reset).of("sendMessage").times(3))
        .await
        .expect("a fault");
    crate::world::kill_9(world.pid_of(&topic, "solver").await);
    world.hears(lab::GROUP, "SIGKILL").await;
    world.finish().await;
}
