//! `kymo run`: any command under a watchdog, looking from outside as if it ran alone.

mod kit;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use kit::{House, is_gone};
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
}

#[tokio::test]
async fn a_command_that_cannot_be_started_is_told_once_with_the_code_of_a_shell() {
    let house = House::new().await;
    let folder = house.data().join("bin");
    std::fs::create_dir(&folder).expect("a folder");
    let script = |name: &str, text: &str, mode: u32| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("write");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("mode");
        path.display().to_string()
    };
    let plain = script("plain", "#!/bin/sh\n", 0o644);
    let odd = script("odd", "#!/no/such/interpreter\n", 0o755);
    let directory = folder.display().to_string();
    let cases: [(&str, i32, &str); 5] = [
        (
            "/no/such/program",
            127,
            "there is no \"/no/such/program\"; check its spelling",
        ),
        (
            "no-such-word",
            127,
            "there is no \"no-such-word\"; check its spelling",
        ),
        (&plain, 126, "may not be executed; allow it with chmod +x"),
        (&odd, 126, "the interpreter that the first line of"),
        (&directory, 126, "is a folder; name the program in it"),
    ];
    for (program, code, words) in cases {
        let output = end_of(house.terminal(&["--", program])).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{program}: {errors}");
        assert!(
            errors.starts_with("train: failed: cannot start: ") && errors.contains(words),
            "{program}: {errors}"
        );
        assert_eq!(errors.matches("cannot start").count(), 1, "{errors}");
    }
}

/// A run of this script in a terminal that has said that it is ready.
async fn ready(house: &House, script: &str) -> (std::process::Child, Pid) {
    let terminal = house.terminal(&["--", "sh", "-c", script]);
    let pid = Pid::from_raw(i32::try_from(terminal.id()).expect("a pid"));
    let ready = || async {
        let text = std::fs::read_to_string(house.run_folder(&train()).join("output.log")).ok()?;
        text.contains("ready").then_some(())
    };
    assert!(house.wait_for(ready).await.is_some(), "{}", house.what_was_said());
    (terminal, pid)
}

#[tokio::test]
async fn what_ends_the_terminal_is_passed_on_as_it_came() {
    for (signal, word) in [
        (Signal::SIGINT, "INT"),
        (Signal::SIGTERM, "TERM"),
        (Signal::SIGHUP, "HUP"),
    ] {
        let house = House::new().await;
        let script =
            format!("trap 'echo heard {word}; exit 42' {word}; echo ready; while :; do sleep 0.02; done");
        let (terminal, pid) = ready(&house, &script).await;
        kill(pid, signal).expect("told to end");
        let output = end_of(terminal).await;
        assert_eq!(output.status.code(), Some(42), "{output:?}");
        assert_eq!(said(&output), format!("ready\nheard {word}\n"));
        let stopped = house.events(&train()).await.pop().expect("events").event;
        assert!(
            matches!(&stopped, RunEvent::Stopped { by } if by.starts_with("the terminal of ")),
            "{stopped:?}"
        );
    }
}

#[tokio::test]
async fn a_program_that_a_signal_ends_gives_the_code_of_that_signal() {
    for (signal, code) in [
        (Signal::SIGINT, 130),
        (Signal::SIGTERM, 143),
        (Signal::SIGHUP, 129),
    ] {
        let house = House::new().await;
        // A shell that runs its last command in its own place.
        let (terminal, pid) = ready(&house, "echo ready; exec sleep 1000").await;
        kill(pid, signal).expect("told to end");
        let output = end_of(terminal).await;
        assert_eq!(output.status.code(), Some(code), "{output:?}");
    }
}

#[tokio::test]
async fn what_a_command_started_dies_with_a_killed_terminal() {
    let house = House::new().await;
    let (terminal, pid) = ready(&house, "sleep 1000 & echo $!; echo ready; wait").await;
    let (_, solver) = house.pids(&train()).expect("somebody lives");
    let text = std::fs::read_to_string(house.run_folder(&train()).join("output.log")).expect("output");
    let sleeper: i32 = text
        .lines()
        .find_map(|line| line.parse().ok())
        .expect("the sleeper's pid");
    assert!(!is_gone(sleeper));
    kill(pid, Signal::SIGKILL).expect("kill -9");
    end_of(terminal).await;
    let gone = || async { (is_gone(sleeper) && is_gone(solver.expect("a solver"))).then_some(()) };
    assert!(
        house.wait_for(gone).await.is_some(),
        "nobody started the run again, and yet what it started must not live on"
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
