//! Several machines that share a log: who takes what, who waits, and who goes on when one of them is gone.

mod kit;

use std::time::{Duration, Instant};

use kit::desk::Desk;
use kit::{House, Machine};
use kymo_runlog::event::{EventRecord, RunEvent};
use kymo_runlog::order::When;
use kymo_runlog::{Parameters, RunId};
use kymo_solver::catalogue::Catalogue;
use nix::sys::signal::Signal;

/// The promise: from the last sign of life of the one to the other's beginning.
const TAKE_OVER: Duration = Duration::from_secs(15);

/// Goes on where the log ends, slowly enough that others have time.
const ENDLESS: &str = r#"read job; after=${job#*\"resume_after\":}; i=${after%%,*};
    while :; do i=$((i+1)); echo "{\"n\":$i}"; sleep 0.05; done"#;

/// Not a test: the other processes of these tests begin here.
#[test]
fn role() {
    kit::play_role();
}

/// A built-in run of 51 iterations.
fn airy() -> RunId {
    let catalogue = Catalogue::built_in();
    let card = &catalogue.find("airy").expect("built in").card;
    card.read(&["h=0.02"]).expect("good parameters")
}

fn begun(event: &EventRecord) -> bool {
    matches!(event.event, RunEvent::Started { .. } | RunEvent::Resumed { .. })
}

/// Waits until the run's attempt has begun, and says where.
async fn begins(house: &House, run: &RunId, attempt: u32) -> String {
    let begins = |event: &EventRecord| event.attempt == attempt && begun(event);
    house.wait_for_event(run, begins).await.host
}

async fn attempts(house: &House, run: &RunId) -> Vec<(u32, String)> {
    let events = house.events(run).await;
    let begun = events.into_iter().filter(begun);
    begun.map(|event| (event.attempt, event.host)).collect()
}

async fn ends_as_if_nothing_had_happened(house: &House, run: &RunId) {
    house.wait_until_finished(run).await;
    let replayed = house.replay(run).await;
    let undisturbed = kymo_solver::undisturbed_digest(run).expect("it runs");
    assert_eq!(replayed.digest, undisturbed, "{:?}", replayed.markers);
    assert_eq!(replayed.reports, [] as [String; 0]);
}

#[tokio::test]
async fn a_machine_is_switched_off_and_another_goes_on_within_fifteen_seconds() {
    let mut house = House::new().await;
    let desk = Desk::open(&house).await;
    let run = airy();
    house.start_machine("anna", &Machine::new());
    house.start_paced(&run, &[], Some(0.2)).await;
    house.wait_for_iteration(&run, 5).await;
    house.start_machine("bert", &Machine::new());
    house.start_machine("carl", &Machine::new());
    house.wait_for_iteration(&run, 10).await;
    let died = Instant::now();
    house.kill_machine("anna");
    let taker = begins(&house, &run, 2).await;
    assert!(
        died.elapsed() < TAKE_OVER,
        "{taker} began after {:?}",
        died.elapsed()
    );
    ends_as_if_nothing_had_happened(&house, &run).await;
    assert_eq!(
        attempts(&house, &run).await,
        [(1, "anna".to_owned()), (2, taker.clone())],
        "one of the two, once"
    );
    // People are told, and told that it is over.
    let told = || async {
        let titles = desk.titles();
        titles
            .iter()
            .any(|title| title.starts_with("resolved"))
            .then_some(titles)
    };
    let titles = house.wait_for(told).await.expect("the recovery is told");
    let short = kymo_runlog::ShortId::of(&run.topic());
    assert_eq!(
        titles,
        [
            format!("open: airy ({short}) is taken over: nothing is heard of anna"),
            format!("resolved: airy ({short}) recovered"),
        ]
    );
}

#[tokio::test]
async fn an_initiator_alone_dies_and_nobody_takes_its_runs() {
    let mut house = House::new().await;
    let run = house.teach("endless", ENDLESS, |_| {});
    house.start_machine("anna", &Machine::new());
    house.start(&run).await;
    house.wait_for_iteration(&run, 3).await;
    house.start_machine("bert", &Machine::new());
    house.kill_initiator_of("anna");
    let before = house.replay(&run).await.iterations;
    // Longer than a claim lasts that is not renewed.
    house.wait_for_iteration(&run, before + 260).await;
    assert_eq!(attempts(&house, &run).await, [(1, "anna".to_owned())]);
    house.start_machine("anna", &Machine::new());
    house.stop(&run, When::Now).await;
    house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
}

#[tokio::test]
async fn a_machine_that_stood_still_comes_back_and_changes_nothing() {
    let mut house = House::new().await;
    let run = airy();
    house.start_machine("anna", &Machine::new());
    house.start_paced(&run, &[], Some(0.2)).await;
    house.wait_for_iteration(&run, 5).await;
    house.signal_machine("anna", Signal::SIGSTOP);
    house.start_machine("bert", &Machine::new());
    assert_eq!(begins(&house, &run, 2).await, "bert");
    let gone_on = house.replay(&run).await.iterations + 3;
    house.wait_for_iteration(&run, gone_on).await;
    // A solver that has stood still goes on at once, whatever its watchdog will hear.
    house.signal_machine("anna", Signal::SIGCONT);
    ends_as_if_nothing_had_happened(&house, &run).await;
    let markers = house.replay(&run).await.markers;
    assert_eq!(markers.len(), 2, "{markers:?}");
    assert_eq!(
        attempts(&house, &run).await,
        [(1, "anna".to_owned()), (2, "bert".to_owned())]
    );
    let ends = house.events(&run).await.into_iter().filter(|event| !begun(event));
    assert_eq!(ends.map(|event| event.host).collect::<Vec<_>>(), ["bert"]);
}

#[tokio::test]
async fn what_finds_no_room_waits_in_order_and_survives_restarts() {
    let mut house = House::new().await;
    let names = ["one", "two", "three", "four"];
    let runs = names.map(|name| house.teach(name, ENDLESS, |_| {}));
    let [one, two, three, four] = &runs;
    house.start_machine("anna", &Machine::new().runs(1));
    for run in &runs {
        house.start(run).await;
    }
    house.wait_for_iteration(one, 3).await;
    // Nobody is in memory only.
    house.kill_initiator_of("anna");
    house.start_machine("anna", &Machine::new().runs(1));
    // One that was never begun leaves the queue without a trace.
    house.stop(two, When::Now).await;
    house.stop(one, When::Now).await;
    house.wait_for_iteration(three, 3).await;
    // Another machine has room for the last one.
    house.start_machine("bert", &Machine::new().runs(1));
    house.wait_for_iteration(four, 3).await;
    assert_eq!(attempts(&house, one).await, [(1, "anna".to_owned())]);
    assert_eq!(attempts(&house, two).await, []);
    assert_eq!(attempts(&house, three).await, [(1, "anna".to_owned())]);
    assert_eq!(attempts(&house, four).await, [(1, "bert".to_owned())]);
    for run in [three, four] {
        house.stop(run, When::Now).await;
        house
            .wait_for_event(run, |event| matches!(event.event, RunEvent::Stopped { .. }))
            .await;
    }
}

#[tokio::test]
async fn nobody_overtakes_a_run_that_waits_for_cores() {
    let mut house = House::new().await;
    let small = house.teach("small", ENDLESS, |entry| entry.card.needs.cores = 1);
    let large = house.teach("large", ENDLESS, |entry| entry.card.needs.cores = 2);
    let last = house.teach("last", ENDLESS, |entry| entry.card.needs.cores = 1);
    house.start_machine("anna", &Machine::new().cores(2));
    for run in [&small, &large, &last] {
        house.start(run).await;
    }
    house.wait_for_iteration(&small, 20).await;
    assert_eq!(attempts(&house, &large).await, []);
    assert_eq!(
        attempts(&house, &last).await,
        [],
        "there is a core, but it is not its turn"
    );
    house.stop(&small, When::Now).await;
    house.wait_for_iteration(&large, 20).await;
    assert_eq!(attempts(&house, &last).await, []);
    house.stop(&large, When::Now).await;
    house.wait_for_iteration(&last, 1).await;
}

#[tokio::test]
async fn a_pinned_run_waits_for_its_host_and_goes_nowhere_else() {
    let mut house = House::new().await;
    let run = house.teach("endless", ENDLESS, |_| {});
    let picky = house.teach("picky", ENDLESS, |entry| {
        entry.card.needs.on = vec!["gpu".to_owned()]
    });
    let probe = house.teach("probe", "exit 0", |_| {});
    house.start_machine("anna", &Machine::new());
    house.start_on(&run, &["gpu"]).await;
    house.start(&picky).await;
    house.start(&probe).await;
    house.wait_until_finished(&probe).await;
    assert_eq!(attempts(&house, &run).await, []);
    house.start_machine("gpu-1", &Machine::new().label("gpu"));
    for run in [&run, &picky] {
        house.wait_for_iteration(run, 3).await;
        assert_eq!(attempts(&house, run).await, [(1, "gpu-1".to_owned())]);
    }
    // Its only host is gone: nobody may have it, and a stop is still obeyed, by whoever is there.
    house.kill_machine("gpu-1");
    house.stop(&run, When::Now).await;
    let stopped = house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
    assert_eq!(stopped.host, "anna");
    house.start_machine("gpu-2", &Machine::new().label("gpu"));
    assert_eq!(begins(&house, &picky, 2).await, "gpu-2");
}

#[tokio::test]
async fn two_machines_never_have_one_run_however_many_are_ordered() {
    let mut house = House::new().await;
    let count = "read job; for i in 1 2 3; do echo \"{\\\"n\\\":$i}\"; done";
    let runs: Vec<RunId> = (0..12)
        .map(|n| house.teach(&format!("count-{n}"), count, |_| {}))
        .collect();
    for host in ["anna", "bert", "carl"] {
        house.start_machine(host, &Machine::new().runs(2));
    }
    for run in &runs {
        house.start(run).await;
    }
    for run in &runs {
        house.wait_until_finished(run).await;
        assert_eq!(house.replay(run).await.markers, [(1, 1)], "{run}");
        assert_eq!(attempts(&house, run).await.len(), 1, "{run}");
    }
}

#[tokio::test]
async fn clocks_that_are_an_hour_apart_are_told_and_harm_nothing() {
    let mut house = House::new().await;
    let desk = Desk::open(&house).await;
    let run = airy();
    house.start_machine("early", &Machine::new().clock_ahead(3600));
    house.start_paced(&run, &[], Some(0.2)).await;
    house.wait_for_iteration(&run, 3).await;
    house.start_machine("late", &Machine::new().clock_ahead(-3600));
    // Long enough that a wall clock would have called the claim lapsed, or held for ever.
    house.wait_for_iteration(&run, 20).await;
    assert_eq!(attempts(&house, &run).await, [(1, "early".to_owned())]);
    let died = Instant::now();
    house.kill_machine("early");
    assert_eq!(begins(&house, &run, 2).await, "late");
    assert!(died.elapsed() < TAKE_OVER, "{:?}", died.elapsed());
    ends_as_if_nothing_had_happened(&house, &run).await;
    for words in ["of early is 3600 s ahead of", "of late is 3600 s behind"] {
        let told = || async {
            let mut alerts = desk.alerts().into_iter();
            alerts.find(|alert| alert.title.contains(words))
        };
        let alert = house
            .wait_for(told)
            .await
            .unwrap_or_else(|| panic!("{:?}", desk.titles()));
        assert!(alert.text.contains("timedatectl set-ntp true"), "{}", alert.text);
    }
}

#[tokio::test]
async fn an_order_that_only_another_machine_understands_is_left_to_it() {
    let mut house = House::new().await;
    let wide = RunId {
        solver: "count".to_owned(),
        parameters: Parameters::default(),
    };
    // The older catalogue needs a parameter that the newer one does not have.
    house.teach("count", "exit 0", |entry| {
        let airy = airy_card();
        entry.card.parameters = vec![kymo_runlog::catalogue::ParameterCard {
            name: "missing".to_owned(),
            default: None,
            optional: false,
            ..airy
        }];
    });
    house.start_machine("old", &Machine::new());
    house.wait_for_hosts(1).await;
    house.forget_catalogue();
    house.teach("count", "echo '{\"n\":1}'", |_| {});
    house.start_machine("new", &Machine::new());
    house.wait_for_hosts(2).await;
    house.start(&wide).await;
    house.wait_until_finished(&wide).await;
    assert_eq!(attempts(&house, &wide).await, [(1, "new".to_owned())]);
}

fn airy_card() -> kymo_runlog::catalogue::ParameterCard {
    let catalogue = Catalogue::built_in();
    catalogue.find("airy").expect("built in").card.parameters[0].clone()
}
