//! Runs with long iterations, killed inside of them: the next attempt goes on at the last step, and the results are an
//! undisturbed run's.

mod kit;

use kit::House;
use kymo_runlog::{FoundStep, RunId, RunWriter, Step, Value, find_step, output_tail};
use kymo_solver::catalogue::{Feed, Restart};
use kymo_solver::{find_built_in, undisturbed_digest};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Not a test: the other processes of these tests begin here.
#[test]
fn role() {
    kit::play_role();
}

const PRIMES: &str = include_str!("../../examples/python/primes.py");

/// The example with long iterations.
fn teach_primes(house: &mut House, span: u32, iterations: u32) -> RunId {
    let mut run = house.teach_command("primes", &["python3", "-c", PRIMES], |entry| {
        entry.replay = Feed::State;
        entry.restart = Restart::default();
        entry.step_interval = Some(0.1);
        let whole = |name: &str| kymo_runlog::catalogue::ParameterCard {
            name: name.to_owned(),
            kind: kymo_runlog::catalogue::ParameterKind::Integer {
                min: Some(1),
                max: None,
            },
            unit: None,
            default: None,
            optional: false,
            help: String::new(),
            aliases: Vec::new(),
        };
        entry.card.parameters = vec![whole("iterations"), whole("span")];
    });
    for (name, value) in [("span", span), ("iterations", iterations)] {
        run.parameters
            .0
            .insert(name.to_owned(), Value::Number(value.into()));
    }
    run
}

/// The step that an attempt would go on from now.
async fn last_step(house: &House, run: &RunId) -> Option<Step> {
    let replayed = house.replay(run).await;
    let (attempt, _) = *replayed.markers.last()?;
    let found = find_step(&*house.log, &run.topic(), attempt, replayed.iterations + 1).await;
    let FoundStep { step, .. } = found.expect("readable");
    step
}

/// Waits for a step of the attempt itself, not the one it was given.
async fn next_step(house: &House, run: &RunId, attempt: u32) -> Step {
    let fresh = || async {
        let (newest, _) = *house.replay(run).await.markers.last()?;
        last_step(house, run)
            .await
            .filter(|step| newest == attempt && step.number > 0)
    };
    match house.wait_for(fresh).await {
        Some(step) => step,
        None => panic!("no step of attempt {attempt}\n{}", house.what_was_said()),
    }
}

fn kill_minus_nine(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("kill -9");
}

/// Kills watchdog or solver inside an iteration, and checks that the next attempt goes on where the last step was.
/// `place` reads how far a step, and how far the solver's own words, are.
async fn kill_inside(house: &House, run: &RunId, attempt: u32, said: &str, place: fn(&Step) -> u64) {
    let known = next_step(house, run, attempt).await;
    let (watchdog, solver) = house.pids(run).expect("somebody lives");
    kill_minus_nine(match attempt % 2 {
        0 => watchdog,
        _ => solver.expect("a solver"),
    });
    let told = || async {
        let output = house.output(run);
        let words: Vec<u64> = output
            .split(said)
            .skip(1)
            .filter_map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok())
            .collect();
        (words.len() == attempt as usize).then(|| words[words.len() - 1])
    };
    let Some(begun) = house.wait_for(told).await else {
        panic!(
            "attempt {} did not say where it goes on\n{}",
            attempt + 1,
            house.what_was_said()
        )
    };
    assert!(
        begun >= place(&known) || house.replay(run).await.iterations >= known.iteration,
        "nothing that was kept is computed again: {begun} after {known:?}"
    );
}

fn sweep_of(step: &Step) -> u64 {
    let standing: serde_json::Value = serde_json::from_str(&step.state).expect("JSON");
    standing["swept"].as_u64().expect("a number")
}

fn number_of(step: &Step) -> u64 {
    let state = step.state.strip_prefix("json:").expect("a list");
    serde_json::from_str::<(u64, u64)>(state).expect("two numbers").0
}

async fn heat_is_killed_inside_its_iterations(mut house: House) {
    house.change_built_in("heat", |entry| entry.step_interval = Some(0.1));
    let card = find_built_in("heat").expect("built in").card;
    let run = card
        .read(&["n=40", "sweeps=300000", "iterations=3"])
        .expect("a good run");
    house.start_initiator();
    house.start(&run).await;
    for attempt in 1..=3 {
        kill_inside(&house, &run, attempt, ", after sweep ", sweep_of).await;
    }
    house.wait_until_finished(&run).await;
    let replayed = house.replay(&run).await;
    assert_eq!(replayed.markers.len(), 4, "{:?}", replayed.markers);
    assert_eq!(replayed.reports, [] as [String; 0]);
    assert_eq!(replayed.digest, undisturbed_digest(&run).expect("heat runs"));
    let cleared = || async {
        house
            .messages(&run.topic().steps())
            .await
            .is_empty()
            .then_some(())
    };
    assert!(
        house.wait_for(cleared).await.is_some(),
        "steps are left: {}",
        house.what_was_said()
    );
}

async fn a_python_program_is_killed_inside_its_iterations(mut house: House) {
    // Long enough to be killed three times, also by a quick machine.
    let run = teach_primes(&mut house, 1_000_000, 3);
    house.start_initiator();
    house.start(&run).await;
    for attempt in 1..=3 {
        kill_inside(&house, &run, attempt, " at ", number_of).await;
    }
    house.wait_until_finished(&run).await;
    let replayed = house.replay(&run).await;
    assert_eq!(replayed.markers.len(), 4, "{:?}", replayed.markers);
    let counted: Vec<String> = replayed
        .records
        .iter()
        .filter_map(|record| record.state.clone())
        .collect();
    // pi(1e6), pi(2e6) and pi(3e6), as every table has them.
    assert_eq!(counted, ["json:78498", "json:148933", "json:216816"]);
    assert_eq!(replayed.complaints, []);
    let cleared = || async {
        house
            .messages(&run.topic().steps())
            .await
            .is_empty()
            .then_some(())
    };
    assert!(
        house.wait_for(cleared).await.is_some(),
        "steps are left: {}",
        house.what_was_said()
    );
}

#[tokio::test]
async fn heat_goes_on_inside_its_iterations() {
    heat_is_killed_inside_its_iterations(House::new().await).await;
}

#[tokio::test]
async fn a_python_program_goes_on_inside_its_iterations() {
    a_python_program_is_killed_inside_its_iterations(House::new().await).await;
}

#[tokio::test]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn on_kafka_both_go_on_inside_their_iterations_and_output_is_a_topic() {
    heat_is_killed_inside_its_iterations(House::on_kafka().await).await;
    a_python_program_is_killed_inside_its_iterations(House::on_kafka().await).await;
    what_is_printed_is_a_topic_too(House::on_kafka().await).await;
}

#[tokio::test]
async fn zombies_and_strangers_in_the_steps_topic_change_nothing() {
    let mut house = House::new().await;
    let run = teach_primes(&mut house, 300_000, 1);
    house.start_initiator();
    house.start(&run).await;
    next_step(&house, &run, 1).await;
    kill_minus_nine(house.pids(&run).and_then(|(_, solver)| solver).expect("a solver"));
    next_step(&house, &run, 2).await;
    // Attempt 1 comes back; somebody else is mistaken in his topic; a byte is lost.
    let writer = |attempt| RunWriter::new(run.clone(), attempt, "1");
    let mut broken = writer(2).step(1, 1 << 40, 0, "json:[299999,0]");
    broken[0].payload.pop();
    let lies = [
        writer(1).step(1, 1 << 40, 0, "json:[299999,0]"),
        writer(2).step(2, 1 << 40, 0, "json:[299999,0]"),
        writer(7).step(1, 1 << 40, 0, "json:[299999,0]"),
        vec![kymo_runlog::Message::default()],
        broken,
    ];
    house
        .log
        .append(&run.topic().steps(), lies.concat())
        .await
        .expect("append");
    let honest = last_step(&house, &run).await.expect("a step");
    assert!(honest.number < 1 << 40, "{honest:?}");
    kill_minus_nine(
        house
            .pids(&run)
            .map(|(watchdog, _)| watchdog)
            .expect("a watchdog"),
    );
    house.wait_until_finished(&run).await;
    let replayed = house.replay(&run).await;
    assert_eq!(replayed.records[0].state.as_deref(), Some("json:25997"));
    assert_eq!(replayed.markers.len(), 3, "{}", house.what_was_said());
    let output = house.output(&run);
    assert!(
        output.contains("attempt 3 goes on after iteration 0, inside iteration 1 from its last step"),
        "{output}"
    );
    for reason in ["it has no header kymo-kind", "its checksum is crc32:"] {
        assert!(output.contains(reason), "{reason} in {output}");
    }
}

#[tokio::test]
async fn a_step_that_kills_its_solver_is_given_up_and_the_run_gets_through() {
    let mut house = House::new().await;
    // Whoever is handed the step dies of it.
    let script = r#"read job; case "$job" in *'"step":'*) exit 1;; esac
        if [ "$KYMO_ATTEMPT" = 1 ]; then echo '{"step":{"state":"deadly"}}'; sleep 1; exit 1; fi
        echo '{"n":1}'"#;
    let run = house.teach("fragile", script, |entry| {
        entry.step_interval = Some(0.01);
        entry.restart = Restart::OnFailure {
            limit: 9,
            backoff: 0.01,
            longest: 0.05,
        };
    });
    house.start_initiator();
    house.start(&run).await;
    house.wait_until_finished(&run).await;
    let markers = house.replay(&run).await.markers;
    assert_eq!(markers.last(), Some(&(5, 1)), "{markers:?}");
    assert!(
        house
            .output(&run)
            .contains("3 attempts began at its last step and none got further")
    );
}

#[tokio::test]
async fn broken_steps_are_counted_on_the_panel_and_stop_nobody() {
    let mut house = House::new().await;
    let script = r#"read job; echo '{"step":{}}'; echo '{"step":{"state":1},"x":2}'; echo '{"n":1}'; echo '{"step":'; echo '{"n":2}'"#;
    let run = house.teach("clumsy", script, |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_until_finished(&run).await;
    let replayed = house.replay(&run).await;
    assert_eq!((replayed.iterations, replayed.ended), (2, true));
    assert_eq!(replayed.complaints.last().map(|(count, _)| *count), Some(3));
}

/// Prints a lot and little, in two attempts, and afresh.
async fn what_is_printed_is_a_topic_too(mut house: House) {
    let script = r#"read job; echo "attempt $KYMO_ATTEMPT says hello"; echo "an error" >&2
        [ "$KYMO_ATTEMPT" = 2 ] && seq 200000; echo '{"n":1}'; echo bye; [ "$KYMO_ATTEMPT" != 1 ]"#;
    let run = house.teach("chatty", script, |entry| {
        entry.log_bytes = Some(1 << 20);
        entry.resumes = false;
        entry.restart = Restart::OnFailure {
            limit: 3,
            backoff: 0.05,
            longest: 0.05,
        };
    });
    house.start_initiator();
    house.start(&run).await;
    house.wait_until_finished(&run).await;
    let read = async || {
        let tail = output_tail(&*house.log, &run.topic(), 1 << 30)
            .await
            .expect("readable");
        String::from_utf8(tail.expect("a topic").0).expect("text")
    };
    let ended = || async {
        read()
            .await
            .contains("the solver ended: exit code 0")
            .then_some(())
    };
    assert!(house.wait_for(ended).await.is_some(), "{}", house.what_was_said());
    // 1.3 MB were printed: what is there is the newest, as it was printed.
    let (copy, file) = (read().await, house.output(&run));
    assert!(
        copy.len() <= 1 << 20 && copy.len() > 1 << 19,
        "{} bytes",
        copy.len()
    );
    assert!(file.ends_with(&copy), "another end than the file's");
    let messages = house.messages(&run.topic().output()).await.len();
    assert!(messages < 100, "{messages} messages for 200 000 lines");
    house
        .order(kymo_runlog::order::Order::Start {
            run: run.clone(),
            topic: run.topic(),
            fresh: true,
            pace: None,
            on: Vec::new(),
        })
        .await;
    let third = || async { read().await.contains("attempt 3 says hello").then_some(()) };
    assert!(house.wait_for(third).await.is_some(), "{}", house.what_was_said());
    assert!(
        !read().await.contains("199999"),
        "afresh forgets what was printed before"
    );
}

#[tokio::test]
async fn what_is_printed_is_a_topic_if_the_catalogue_says_so() {
    what_is_printed_is_a_topic_too(House::new().await).await;
    let mut house = House::new().await;
    let run = house.teach("quiet", "read job; echo hello; echo '{\"n\":1}'", |_| {});
    house.start_initiator();
    house.start(&run).await;
    house.wait_until_finished(&run).await;
    assert!(!house.log.exists(&run.topic().output()).await.expect("exists"));
}
