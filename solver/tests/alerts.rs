//! What people are told when something goes wrong, through a door that may be closed.

mod kit;

use kit::House;
use kit::desk::Desk;
use kymo_runlog::event::RunEvent;
use kymo_runlog::order::When;
use kymo_solver::catalogue::Restart;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Not a test: the other processes of these tests begin here.
#[test]
fn role() {
    kit::play_role();
}

/// Waits until so many different alerts have come.
async fn titles(house: &House, desk: &Desk, count: usize) -> Vec<String> {
    let enough = || async { (desk.titles().len() >= count).then(|| desk.titles()) };
    match house.wait_for(enough).await {
        Some(titles) => titles,
        None => panic!("only {:?} came\n{}", desk.titles(), house.what_was_said()),
    }
}

#[tokio::test]
async fn a_crash_is_told_with_the_last_words_and_its_recovery_resolves_it() {
    let mut house = House::new().await;
    let desk = Desk::open(&house).await;
    // Crashes at iteration 3 once.
    let script = r#"read job; i=0; case $job in *'"resume_after":0'*) last=2;; *) i=2; last=5;; esac
        while [ $i -lt $last ]; do i=$((i+1)); echo "{\"n\":$i}"; done
        [ $i -eq 5 ] || { echo "Traceback: <it> & broke" >&2; kill -SEGV $$; }"#;
    let run = house.teach("fragile", script, |entry| {
        entry.restart = Restart::OnFailure {
            limit: 3,
            backoff: 0.05,
            longest: 1.0,
        };
    });
    house.start_initiator();
    house.start(&run).await;
    house.wait_until_finished(&run).await;
    let short = kymo_runlog::ShortId::of(&run.topic());
    assert_eq!(
        titles(&house, &desk, 2).await,
        [
            format!("open: fragile ({short}) failed: killed by signal 11 (SIGSEGV)"),
            format!("resolved: fragile ({short}) recovered"),
        ]
    );
    let alerts = desk.alerts();
    assert_eq!(alerts[0].key, alerts[1].key, "one incident, one message");
    assert_eq!(alerts[0].last_lines, ["Traceback: <it> & broke"]);
    assert!(
        alerts[0].text.contains("Iterations 1 to 2 are saved"),
        "{}",
        alerts[0].text
    );
}

#[tokio::test]
async fn a_row_of_failures_is_one_incident_until_a_person_ends_it() {
    let mut house = House::new().await;
    let desk = Desk::open(&house).await;
    let run = house.teach("hopeless", "exit 7", |entry| {
        entry.restart = Restart::OnFailure {
            limit: 5,
            backoff: 0.01,
            longest: 600.0,
        };
    });
    let waiting = |entry: &mut kymo_solver::catalogue::Entry| {
        entry.restart = Restart::OnFailure {
            limit: 5,
            backoff: 600.0,
            longest: 600.0,
        };
    };
    let patient = house.teach("patient", "exit 7", waiting);
    house.start_initiator();
    house.start(&run).await;
    house
        .wait_for_event(&run, |event| {
            matches!(event.event, RunEvent::Failed { again_at: None, .. })
        })
        .await;
    titles(&house, &desk, 6).await;
    let keys: std::collections::BTreeSet<String> = desk.alerts().into_iter().map(|alert| alert.key).collect();
    assert_eq!(keys.len(), 1, "{keys:?}");
    house.start(&patient).await;
    house
        .wait_for_event(&patient, |event| matches!(event.event, RunEvent::Failed { .. }))
        .await;
    house.stop(&patient, When::Now).await;
    house
        .wait_for_event(&patient, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
    let last = titles(&house, &desk, 8).await.pop().expect("eight");
    assert!(
        last.starts_with("resolved: patient") && last.ends_with("was stopped by Ada"),
        "{last}"
    );
}

#[tokio::test]
async fn alerts_wait_on_disk_while_the_bot_is_away_and_arrive_in_order() {
    let mut house = House::new().await;
    let mut desk = Desk::open(&house).await;
    desk.close();
    let spool = house.data().join("spool");
    std::fs::create_dir(&spool).expect("the spool");
    std::fs::write(spool.join("00000000000000000001-damaged.json"), "{").expect("write");
    let script = r#"sleep 0.3; echo '{"n":1}'; sleep 0.05; exit 4"#;
    let run = house.teach("lonely", script, |entry| entry.patience = Some(0.1));
    house.start_initiator();
    house.start(&run).await;
    house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Failed { .. }))
        .await;
    let count = |ending: &str| {
        let names = std::fs::read_dir(&spool)
            .expect("the spool")
            .flatten()
            .map(|entry| entry.path());
        names
            .filter(|path| path.extension().is_some_and(|found| found == ending))
            .count()
    };
    let spooled = || async { (count("json") >= 3).then_some(()) };
    assert!(house.wait_for(spooled).await.is_some(), "silent, heard, failed");
    // The watchdog has ended and the initiator dies: only the files remember.
    house.kill_initiator();
    desk.reopen().await;
    house.start_initiator();
    let kinds: Vec<String> = titles(&house, &desk, 3).await;
    assert!(kinds[0].contains("is silent"), "{kinds:?}");
    assert!(kinds[1].contains("is heard again"), "{kinds:?}");
    assert!(kinds[2].contains("failed: exit code 4"), "{kinds:?}");
    let empty = || async { (count("json") == 0).then_some(()) };
    assert!(
        house.wait_for(empty).await.is_some(),
        "what was delivered is removed"
    );
    assert_eq!(
        count("refused"),
        1,
        "what is damaged is set aside and stops nobody"
    );
}

#[tokio::test]
async fn the_death_of_a_watchdog_is_told_and_resolved() {
    let mut house = House::new().await;
    let desk = Desk::open(&house).await;
    let script = "read job; i=0; while :; do i=$((i+1)); echo \"{\\\"n\\\":$i}\"; sleep 0.02; done";
    let run = house.teach("endless", script, |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_for_iteration(&run, 3).await;
    let (watchdog, _) = house.pids(&run).expect("somebody lives");
    kill(Pid::from_raw(watchdog), Signal::SIGKILL).expect("kill -9");
    let told = titles(&house, &desk, 2).await;
    assert!(
        told[0].starts_with("open: the watchdog of endless") && told[1].starts_with("resolved: endless"),
        "{told:?}"
    );
    assert_eq!(desk.alerts()[0].key, desk.alerts()[1].key);
    house.stop(&run, When::Now).await;
    house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
}

#[tokio::test]
async fn an_alert_that_cannot_be_spooled_is_sent_all_the_same() {
    let mut house = House::new().await;
    let desk = Desk::open(&house).await;
    // As on a full disk: there is no place for it.
    std::fs::write(house.data().join("spool"), "in the way").expect("write");
    let run = house.teach("unlucky", "exit 9", |_| {});
    house.start_initiator();
    house.start(&run).await;
    let told = titles(&house, &desk, 1).await;
    assert!(told[0].contains("failed: exit code 9"), "{told:?}");
}
