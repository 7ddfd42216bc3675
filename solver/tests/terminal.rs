//! `kymo run`: any command under a watchdog, looking from outside as if it ran alone.

mod kit;

use std::io::Write;
use std::process::Output;

use kit::House;
use kymo_runlog::event::RunEvent;
use kymo_runlog::{Parameters, RunId};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Not a test: the other processes of these tests begin here.
#[test]
fn role() {
    kit::play_role();
}

fn train() -> RunId {
    RunId {
        solver: "train".to_owned(),
        parameters: Parameters::default(),
    }
}

/// The test harness in the other process speaks first.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    text.strip_prefix("\nrunning 1 test\ntest role ... ")
        .expect("the harness's first words")
        .to_owned()
}

async fn end_of(child: std::process::Child) -> Output {
    tokio::task::spawn_blocking(move || child.wait_with_output())
        .await
        .expect("no panic")
        .expect("output")
}

#[tokio::test]
async fn output_input_and_exit_code_pass_through_unchanged() {
    let house = House::new().await;
    let script = r#"cat; printf 'no newline, {"loss": 0.25}\n{"loss": 0.25}\n'; printf 'tail \001' ; echo oops >&2; exit 3"#;
    let mut terminal = house.terminal(&["--", "sh", "-c", script]);
    terminal
        .stdin
        .take()
        .expect("a pipe")
        .write_all(b"from the pipe\n")
        .expect("write");
    let output = end_of(terminal).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(
        said(&output),
        "from the pipe\nno newline, {\"loss\": 0.25}\n{\"loss\": 0.25}\ntail \u{1}"
    );
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.starts_with("oops\n") && errors.contains("train: failed: exit code 3"),
        "{errors}"
    );
    let replayed = house.replay(&train()).await;
    assert_eq!(
        (replayed.iterations, replayed.markers),
        (1, vec![(1, 1)]),
        "its records were published on the way"
    );
    let failed = house.events(&train()).await.pop().expect("events").event;
    assert!(
        matches!(failed, RunEvent::Failed { again_at: None, .. }),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_signal_is_told_as_a_shell_tells_it() {
    let house = House::new().await;
    let output = end_of(house.terminal(&["--", "sh", "-c", "kill -SEGV $$"])).await;
    assert_eq!(output.status.code(), Some(139), "{output:?}");
    let output = end_of(house.terminal(&["--", "/no/such/program"])).await;
    assert_eq!(output.status.code(), Some(127), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("/no/such/program"));
}

#[tokio::test]
async fn what_ends_the_terminal_is_passed_on_as_ctrl_c() {
    let house = House::new().await;
    let script = "trap 'echo interrupted; exit 42' INT; echo ready; while :; do sleep 0.02; done";
    let terminal = house.terminal(&["--", "sh", "-c", script]);
    let pid = Pid::from_raw(i32::try_from(terminal.id()).expect("a pid"));
    house
        .wait_for_event(&train(), |event| matches!(event.event, RunEvent::Started { .. }))
        .await;
    let ready = || async {
        let text = std::fs::read_to_string(house.run_folder(&train()).join("output.log")).ok()?;
        text.contains("ready").then_some(())
    };
    assert!(house.wait_for(ready).await.is_some(), "{}", house.what_was_said());
    kill(pid, Signal::SIGTERM).expect("told to end");
    let output = end_of(terminal).await;
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    assert_eq!(said(&output), "ready\ninterrupted\n");
    let stopped = house.events(&train()).await.pop().expect("events").event;
    assert!(
        matches!(&stopped, RunEvent::Stopped { by } if by.starts_with("the terminal of ")),
        "{stopped:?}"
    );
}

#[tokio::test]
async fn a_built_in_solver_needs_no_initiator_and_tells_its_progress() {
    let house = House::new().await;
    let output = end_of(house.terminal(&["lorenz"])).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("(100 %)") && errors.contains("lorenz: finished after iteration"),
        "{errors}"
    );
    let output = end_of(house.terminal(&["lorentz"])).await;
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("did you mean lorenz?"),
        "{output:?}"
    );
}

#[tokio::test]
async fn a_run_that_somebody_has_is_not_started_twice() {
    let house = House::new().await;
    let first = house.terminal(&["--", "sh", "-c", "while :; do sleep 0.02; done"]);
    house
        .wait_for_event(&train(), |event| matches!(event.event, RunEvent::Started { .. }))
        .await;
    let second = end_of(house.terminal(&["--", "true"])).await;
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("train runs already: lab has attempt 1"),
        "{second:?}"
    );
    let pid = Pid::from_raw(i32::try_from(first.id()).expect("a pid"));
    kill(pid, Signal::SIGTERM).expect("told to end");
    end_of(first).await;
}
