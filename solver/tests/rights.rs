//! Who may run a run: claims that are lost, watchdogs that are told to end, processes that were left over.

mod kit;

use chrono::Utc;
use kit::{House, is_gone};
use kymo_runlog::event::RunEvent;
use kymo_runlog::order::When;
use kymo_runlog::{Message, claim};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const ENDLESS: &str = r#"read job; after=${job#*\"resume_after\":}; i=${after%%,*};
    while :; do i=$((i+1)); echo "{\"n\":$i}"; sleep 0.02; done"#;

/// Not a test: the other processes of these tests begin here.
#[test]
fn role() {
    kit::play_role();
}

#[tokio::test]
async fn a_watchdog_that_lost_its_claim_kills_its_solver_and_writes_nothing_more() {
    let mut house = House::new().await;
    let run = house.teach("endless", ENDLESS, |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_for_iteration(&run, 3).await;
    house.kill_initiator();
    let (watchdog, solver) = house.pids(&run).expect("somebody lives");
    // Another host has good reason to think that this one is gone.
    let claims = claim::topic();
    let ours: claim::Claim = house.messages(&claims).await[0]
        .json()
        .expect("the winning claim");
    let release = claim::claim(&run.topic(), 1, "lab", ours.holder, Utc::now(), true);
    let theirs = claim::claim(&run.topic(), 2, "other", uuid::Uuid::new_v4(), Utc::now(), false);
    let messages = vec![Message::json("test", &release), Message::json("test", &theirs)];
    house.log.append(&claims, messages).await.expect("append");
    let dead = || async { (is_gone(watchdog) && is_gone(solver.expect("a solver"))).then_some(()) };
    assert!(house.wait_for(dead).await.is_some(), "{}", house.what_was_said());
    // A new initiator here leaves the run to the other host.
    house.start_initiator();
    let other = house.teach("probe", "exit 0", |_| {});
    house.kill_initiator();
    house.start_initiator();
    house.start(&other).await;
    house.wait_until_finished(&other).await;
    assert_eq!(house.events(&run).await.len(), 1, "started, and nothing after it");
    assert_eq!(house.replay(&run).await.markers, [(1, 1)]);
}

#[tokio::test]
async fn sigterm_to_a_watchdog_stops_the_solver_and_leaves_the_run_wanted() {
    let mut house = House::new().await;
    let run = house.teach("endless", ENDLESS, |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_for_iteration(&run, 3).await;
    house.kill_initiator();
    let (watchdog, solver) = house.pids(&run).expect("somebody lives");
    let lived = kymo_solver::watchdog::stop_all(house.data(), std::time::Duration::from_secs(20)).await;
    assert_eq!(lived, 1);
    assert!(
        is_gone(watchdog) && is_gone(solver.expect("a solver")),
        "{}",
        house.what_was_said()
    );
    let before = house.replay(&run).await.iterations;
    house.start_initiator();
    house.wait_for_iteration(&run, before + 3).await;
    assert_eq!(house.replay(&run).await.markers, [(1, 1), (2, before + 1)]);
    house.stop(&run, When::Now).await;
    house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
}

#[tokio::test]
async fn what_a_killed_watchdogs_solver_left_behind_is_killed_before_the_next_attempt() {
    let mut house = House::new().await;
    // The shell dies with its watchdog; its child does not hear of it, and the keeper that would end it is killed first.
    let script = format!("sleep 1000 & echo \"left over $!\"; {ENDLESS}");
    let run = house.teach("messy", &script, |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_for_iteration(&run, 3).await;
    let (watchdog, solver) = house.pids(&run).expect("somebody lives");
    let said = std::fs::read_to_string(house.run_folder(&run).join("output.log")).expect("output");
    let left_over: i32 = said
        .lines()
        .find_map(|line| line.strip_prefix("left over "))
        .and_then(|pid| pid.parse().ok())
        .expect("a pid");
    kill(keeper_of(solver.expect("a solver")), Signal::SIGKILL).expect("kill -9");
    kill(Pid::from_raw(watchdog), Signal::SIGKILL).expect("kill -9");
    house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Resumed { .. }))
        .await;
    assert!(
        is_gone(left_over),
        "the left-over process must not live beside the next attempt"
    );
    house.stop(&run, When::Now).await;
    house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
}

/// The process that ends a solver's group when its watchdog dies.
fn keeper_of(solver: i32) -> Pid {
    let command = format!("\0kymo-keeper\0{solver}\0");
    let mut processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    let keeper = processes.find_map(|process| {
        let line = std::fs::read_to_string(process.path().join("cmdline")).ok()?;
        let pid = process.file_name().to_str()?.parse().ok()?;
        line.ends_with(&command).then_some(Pid::from_raw(pid))
    });
    keeper.expect("each solver has a keeper")
}

#[tokio::test]
async fn a_built_in_solver_that_is_killed_goes_on_bit_for_bit() {
    let mut house = House::new().await;
    let airy = kymo_solver::catalogue::Catalogue::built_in();
    let card = &airy.find("airy").expect("built in").card;
    let run = card.read(&["h=0.02"]).expect("good parameters");
    house.start_initiator();
    let topic = run.topic();
    house
        .order(kymo_runlog::order::Order::Start {
            run: run.clone(),
            topic,
            fresh: false,
            pace: Some(0.1),
            on: Vec::new(),
        })
        .await;
    for iteration in [10, 25] {
        house.wait_for_iteration(&run, iteration).await;
        let (watchdog, _) = house.pids(&run).expect("somebody lives");
        kill(Pid::from_raw(watchdog), Signal::SIGKILL).expect("kill -9");
        house.wait_for_iteration(&run, iteration + 5).await;
    }
    house.wait_until_finished(&run).await;
    let replayed = house.replay(&run).await;
    assert_eq!(replayed.markers.len(), 3, "{:?}", replayed.markers);
    assert_eq!(
        replayed.digest,
        kymo_solver::undisturbed_digest(&run).expect("it can be computed")
    );
}

#[tokio::test]
async fn of_several_machines_one_gets_each_run() {
    let mut house = House::new().await;
    let script = r#"echo '{"n":1}'; echo '{"n":2}'"#;
    let runs: Vec<_> = (0..12)
        .map(|number| house.teach(&format!("quick{number}"), script, |_| {}))
        .collect();
    house.start_initiator();
    for host in ["north", "south"] {
        house.start_other_machine(host);
    }
    for run in &runs {
        house.start(run).await;
    }
    for run in &runs {
        house.wait_until_finished(run).await;
        assert_eq!(
            house.replay(run).await.markers,
            [(1, 1)],
            "{}",
            house.what_was_said()
        );
        assert_eq!(house.events(run).await.len(), 2, "started and finished once");
    }
}
