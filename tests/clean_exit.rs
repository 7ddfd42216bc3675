//! Every role ends on SIGTERM by itself, with exit code 0.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::{Gone, KYMO, Process, World, catches, lab, until};

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

/// What `kymo run` answers when it gets these signals while its command sleeps.
fn code_after(launcher: &str, signals: &[Signal]) -> (bool, Option<i32>) {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut run = Command::new("sh")
        .args([
            "-c",
            &format!("{launcher} exec \"$0\" run -- sh -c 'echo ready; exec sleep 1000'"),
            KYMO,
        ])
        .env("KYMO_DATA", data.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start kymo");
    let mut lines = BufReader::new(run.stdout.take().expect("a pipe")).lines();
    let ready = lines.next().expect("a line").expect("text");
    assert_eq!(ready, "ready");
    let pid = run.id().cast_signed();
    let hears_hang_up = catches(pid, Signal::SIGHUP);
    for signal in signals {
        kill(Pid::from_raw(pid), *signal).expect("a signal to a child of ours");
    }
    (hears_hang_up, run.wait().expect("reap").code())
}

#[test]
fn a_terminal_that_closes_ends_its_run_unless_that_was_started_with_nohup() {
    assert_eq!(code_after("", &[Signal::SIGTERM]), (true, Some(143)));
    assert_eq!(code_after("", &[Signal::SIGHUP]), (true, Some(129)));
    // nohup does the same before it runs a command.
    let nohup = "trap '' HUP;";
    assert_eq!(
        code_after(nohup, &[Signal::SIGHUP, Signal::SIGTERM]),
        (false, Some(143))
    );
}
