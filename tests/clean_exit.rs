//! Every role ends on SIGTERM by itself, with exit code 0.

use crate::world::{Gone, Process, World, lab, until};

#[tokio::test]
async fn bot_initiator_watchdog_and_graph_worker_end_when_asked() {
    let world = World::new().await;
    let topic = world.run(lab::ADA, lab::GROUP, "lorenz pace=0.2").await;
    world.panel(lab::GROUP).await;
    let worker = Process::start(&world, "graph-worker", &["--topic", topic.as_str()]);
    world.reaches(&topic, 3).await;
    worker.end_cleanly().await;

    let watchdog = world.pid_of(&topic, "watchdog").await;
    let solver = world.pid_of(&topic, "solver").await;
    // Bot and initiator are asked by `finish`, which fails unless they end well; then the watchdogs.
    let gone = Gone::of(&[watchdog, solver]);
    world.finish().await;
    gone.check();
}

#[tokio::test]
async fn the_sandbox_ends_when_asked() {
    let world = World::dark(None, "").await;
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a free port")
        .local_addr()
        .expect("bound");
    let sandbox = Process::start(&world, "telegram-sandbox", &["--listen", &address.to_string()]);
    until("the sandbox listens", || async {
        std::net::TcpStream::connect(address).ok()
    })
    .await;
    sandbox.end_cleanly().await;
    world.finish().await;
}
