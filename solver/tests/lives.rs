//! Solvers, watchdogs and initiators that live, die and are found again, as real processes.

mod kit;

use kit::{House, is_gone};
use kymo_runlog::event::{EventRecord, RunEvent};
use kymo_runlog::order::{Order, When};
use kymo_runlog::{Parameters, RunId, Value};
use kymo_solver::catalogue::Restart;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Not a test: the other processes of these tests begin here.
#[test]
fn role() {
    kit::play_role();
}

/// Prints `last` lines in the short form, going on where the log ends.
fn counting(last: u32, pause: &str) -> String {
    format!(
        r#"read job; after=${{job#*\"resume_after\":}}; i=${{after%%,*}};
        while [ $i -lt {last} ]; do i=$((i+1)); echo "{{\"n\":$i}}"; {pause}; done"#
    )
}

/// The same in Python, as people write it.
const PYTHON: &str = r#"
import json, sys, time
job = json.loads(sys.stdin.readline())
for i in range(job["resume_after"] + 1, 1001):
    print(json.dumps({"iteration": i, "total": 1000, "values": {"loss": 1 / i}}), flush=True)
    time.sleep(float(sys.argv[1]))
"#;

/// Kills a process at once.
fn kill_minus_nine(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill -9");
}

async fn words(house: &House, run: &RunId) -> Vec<String> {
    let word = |event: RunEvent| match event {
        RunEvent::Started { .. } => "started".to_owned(),
        RunEvent::Resumed { .. } => "resumed".to_owned(),
        RunEvent::Finished => "finished".to_owned(),
        RunEvent::Stopped { by } => format!("stopped by {by}"),
        RunEvent::Failed { reason, again_at, .. } => {
            format!(
                "failed: {reason}{}",
                if again_at.is_some() { ", again" } else { "" }
            )
        }
        RunEvent::Silent { .. } => "silent".to_owned(),
        RunEvent::Heard => "heard".to_owned(),
        RunEvent::Refused { reason } => format!("refused: {reason}"),
    };
    house
        .events(run)
        .await
        .into_iter()
        .map(|event| word(event.event))
        .collect()
}

#[tokio::test]
async fn an_ordered_run_starts_and_finishes() {
    let mut house = House::new().await;
    let run = house.teach("count", &counting(20, ":"), |_| {});
    house.start_initiator();
    house.start(&run).await;
    let finished = house.wait_until_finished(&run).await;
    assert_eq!(finished.iteration, 20);
    let replayed = house.replay(&run).await;
    assert_eq!((replayed.iterations, replayed.ended), (20, true));
    assert_eq!(replayed.markers, [(1, 1)]);
    assert_eq!(replayed.reports, [] as [String; 0]);
    assert_eq!(words(&house, &run).await, ["started", "finished"]);
}

#[tokio::test]
async fn a_thousand_lines_of_python_survive_the_death_of_initiator_and_watchdog_in_turn() {
    let mut house = House::new().await;
    let run = house.teach_command("count", &["python3", "-c", PYTHON, "0.003"], |_| {});
    house.start_initiator();
    house.start(&run).await;
    for (round, iteration) in [100, 250, 400, 550, 700, 850].into_iter().enumerate() {
        house.wait_for_iteration(&run, iteration).await;
        let (watchdog, solver) = house.pids(&run).expect("somebody lives");
        if round % 2 == 0 {
            house.kill_initiator();
            house.wait_for_iteration(&run, iteration + 50).await;
            assert_eq!(house.pids(&run), Some((watchdog, solver)), "nobody noticed");
            house.start_initiator();
        } else {
            kill_minus_nine(watchdog);
            let solver = solver.expect("a solver");
            let gone = || async { is_gone(solver).then_some(()) };
            assert!(
                house.wait_for(gone).await.is_some(),
                "the solver dies with its watchdog"
            );
        }
    }
    house.wait_until_finished(&run).await;
    let replayed = house.replay(&run).await;
    assert_eq!(
        (replayed.iterations, replayed.ended),
        (1000, true),
        "{}",
        house.what_was_said()
    );
    assert_eq!(
        replayed.markers.len(),
        4,
        "three watchdogs were killed: {:?}",
        replayed.markers
    );
    assert_eq!(replayed.reports, [] as [String; 0]);

    let mut quiet = House::new().await;
    let same = quiet.teach_command("count", &["python3", "-c", PYTHON, "0"], |_| {});
    quiet.start_initiator();
    quiet.start(&same).await;
    quiet.wait_until_finished(&same).await;
    let undisturbed = quiet.replay(&same).await;
    assert_eq!(undisturbed.digest, replayed.digest, "bit for bit");
}

#[tokio::test]
async fn a_crash_is_told_with_its_reason_and_the_policy_decides() {
    let mut house = House::new().await;
    let three = house.teach("three", "echo oh dear >&2; exit 3", |_| {});
    let segv = house.teach("segv", "kill -SEGV $$", |_| {});
    let missing = house.teach_command("missing", &["/no/such/program"], |_| {});
    let twice = house.teach("twice", "exit 1", |entry| {
        entry.restart = Restart::OnFailure {
            limit: 1,
            backoff: 0.05,
            longest: 1.0,
        };
    });
    house.start_initiator();
    for run in [&three, &segv, &missing, &twice] {
        house.start(run).await;
    }
    let given_up = |event: &EventRecord| matches!(event.event, RunEvent::Failed { again_at: None, .. });
    let failed = house.wait_for_event(&three, given_up).await;
    let RunEvent::Failed { last_lines, .. } = failed.event else {
        unreachable!("waited for it")
    };
    assert_eq!(last_lines, ["oh dear"]);
    house.wait_for_event(&segv, given_up).await;
    let unstarted = house.wait_for_event(&missing, given_up).await;
    house.wait_for_event(&twice, given_up).await;
    assert_eq!(words(&house, &three).await, ["started", "failed: exit code 3"]);
    assert_eq!(
        words(&house, &segv).await,
        ["started", "failed: killed by signal 11 (SIGSEGV)"]
    );
    assert_eq!(
        words(&house, &twice).await,
        [
            "started",
            "failed: exit code 1, again",
            "started",
            "failed: exit code 1"
        ]
    );
    let RunEvent::Failed { reason, .. } = unstarted.event else {
        unreachable!("waited for it")
    };
    assert!(
        reason.starts_with("cannot start") && reason.contains("/no/such/program"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_stop_is_obeyed_and_the_next_start_goes_on() {
    let mut house = House::new().await;
    let run = house.teach("count", &counting(100_000, "sleep 0.01"), |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_for_iteration(&run, 5).await;
    house.stop(&run, When::AfterIteration).await;
    let stopped = house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
    assert!(stopped.iteration >= 5);
    // Even with nobody there, a stop waits in the log for whoever comes.
    house.start(&run).await;
    house.wait_for_iteration(&run, stopped.iteration + 3).await;
    house.kill_initiator();
    house.stop(&run, When::Now).await;
    house
        .wait_for_event(&run, |event| {
            event.attempt == 2 && matches!(event.event, RunEvent::Stopped { .. })
        })
        .await;
    assert_eq!(
        words(&house, &run).await,
        ["started", "stopped by Ada", "resumed", "stopped by Ada"]
    );
    assert_eq!(
        house.replay(&run).await.markers,
        [(1, 1), (2, stopped.iteration + 1)]
    );
}

#[tokio::test]
async fn a_solver_that_ignores_sigterm_is_killed_after_its_grace() {
    let mut house = House::new().await;
    let script = "trap '' TERM; while :; do echo '{\"n\":1}'; sleep 0.05; done";
    let run = house.teach("stubborn", script, |entry| entry.grace = 0.2);
    house.start_initiator();
    house.start(&run).await;
    house.wait_for_iteration(&run, 1).await;
    house.stop(&run, When::Now).await;
    house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
}

#[tokio::test]
async fn starting_afresh_forgets_and_begins_at_one() {
    let mut house = House::new().await;
    let run = house.teach("count", &counting(100_000, "sleep 0.01"), |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_for_iteration(&run, 10).await;
    house
        .order(Order::Start {
            run: run.clone(),
            topic: run.topic(),
            fresh: true,
            pace: None,
            on: Vec::new(),
        })
        .await;
    house
        .wait_for_event(&run, |event| {
            event.attempt == 2 && matches!(event.event, RunEvent::Started { .. })
        })
        .await;
    assert_eq!(house.replay(&run).await.markers, [(2, 1)]);
    house.stop(&run, When::Now).await;
    house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
}

#[tokio::test]
async fn silence_is_told_and_so_is_its_end() {
    let mut house = House::new().await;
    let script = "echo '{\"n\":1}'; sleep 0.6; echo '{\"n\":2}'; sleep 0.05";
    let run = house.teach("quiet", script, |entry| entry.patience = Some(0.2));
    house.start_initiator();
    house.start(&run).await;
    house.wait_until_finished(&run).await;
    assert_eq!(
        words(&house, &run).await,
        ["started", "silent", "heard", "finished"]
    );
}

#[tokio::test]
async fn an_order_that_nobody_can_obey_is_refused_with_the_reason() {
    let mut house = House::new().await;
    house.teach("count", "exit 0", |_| {});
    house.start_initiator();
    let unknown = RunId {
        solver: "cuont".to_owned(),
        parameters: Parameters::default(),
    };
    let wrong = RunId {
        solver: "count".to_owned(),
        parameters: [("eps".to_owned(), Value::Number(4.0))].into_iter().collect(),
    };
    house.start(&unknown).await;
    house.start(&wrong).await;
    for (run, reason) in [(&unknown, "did you mean count?"), (&wrong, "eps")] {
        let refused = house
            .wait_for_event(run, |event| matches!(event.event, RunEvent::Refused { .. }))
            .await;
        assert!(
            matches!(&refused.event, RunEvent::Refused { reason: said } if said.contains(reason)),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn binary_gigabytes_and_broken_records_do_no_harm() {
    let mut house = House::new().await;
    let script = r#"head -c 300000000 /dev/zero; echo; head -c 100000 /dev/urandom; echo;
        echo '{"loss": "0.5 (numpy)"}'; echo '{"n": 1}'; echo '{"broken'; head -c 60000000 /dev/zero >&2; echo '{"n": 2}'"#;
    let run = house.teach("noisy", script, |_| {});
    house.start_initiator();
    house.start(&run).await;
    let finished = house.wait_until_finished(&run).await;
    assert_eq!(finished.iteration, 2);
    let replayed = house.replay(&run).await;
    let (count, reason) = replayed.complaints.last().expect("complaints");
    assert!(*count >= 1 && !reason.is_empty(), "{replayed:?}");
    let kept: u64 = std::fs::read_dir(house.run_folder(&run))
        .expect("the run's folder")
        .map(|entry| entry.expect("an entry").metadata().expect("metadata").len())
        .sum();
    assert!(kept < 50 << 20, "{kept} bytes are kept");
}

#[tokio::test]
async fn a_plain_python_print_is_published_at_once() {
    let mut house = House::new().await;
    let script = "import json, time\nprint(json.dumps({'loss': 0.5}))\ntime.sleep(1000)";
    let run = house.teach_command("plain", &["python3", "-c", script], |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_for_iteration(&run, 1).await;
    house.stop(&run, When::Now).await;
    house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Stopped { .. }))
        .await;
}

#[tokio::test]
async fn a_solver_that_cannot_go_on_begins_again_and_its_failures_are_counted() {
    let mut house = House::new().await;
    let script = "i=0; while [ $i -lt 3 ]; do i=$((i+1)); echo \"{\\\"n\\\":$i}\"; done; exit 1";
    let run = house.teach("forgetful", script, |entry| {
        entry.resumes = false;
        entry.restart = Restart::OnFailure {
            limit: 2,
            backoff: 0.01,
            longest: 0.1,
        };
    });
    house.start_initiator();
    house.start(&run).await;
    house
        .wait_for_event(&run, |event| {
            matches!(event.event, RunEvent::Failed { again_at: None, .. })
        })
        .await;
    let replayed = house.replay(&run).await;
    assert_eq!(
        (replayed.iterations, replayed.markers),
        (3, vec![(1, 1), (2, 1), (3, 1)])
    );
}

#[tokio::test]
async fn every_broken_record_is_counted_although_no_good_one_ever_comes() {
    let mut house = House::new().await;
    let script = r#"for i in 1 2 3 4 5; do echo "{\"loss\": \"np.float64(0.$i)\"}"; done"#;
    let run = house.teach("numpy", script, |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_until_finished(&run).await;
    let replayed = house.replay(&run).await;
    assert_eq!(replayed.iterations, 0);
    let (count, reason) = replayed.complaints.last().expect("complaints");
    assert_eq!(*count, 5);
    assert!(reason.contains("loss"), "{reason}");
    let kept = std::fs::read_to_string(house.run_folder(&run).join("output.log")).expect("output");
    assert_eq!(kept.matches("np.float64").count(), 5, "{kept}");
}

#[tokio::test]
async fn a_solver_sees_nothing_that_is_ours() {
    let mut house = House::new().await;
    let run = house.teach("curious", "env", |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_until_finished(&run).await;
    let kept = std::fs::read_to_string(house.run_folder(&run).join("output.log")).expect("output");
    assert!(!kept.contains("geheim"), "{kept}");
    let mut ours: Vec<&str> = kept.lines().filter(|line| line.starts_with("KYMO_")).collect();
    ours.sort_unstable();
    assert_eq!(ours, ["KYMO_ATTEMPT=1", "KYMO_RUN=curious"]);
}
