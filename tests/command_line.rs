//! What the program prints by itself.

use std::process::Command;

use kymo_runlog::Record;

use crate::world::KYMO;

fn prints(arguments: &[&str]) -> String {
    let output = Command::new(KYMO).args(arguments).output().expect("start kymo");
    assert!(
        output.status.success(),
        "kymo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn help_shows_every_role_and_examples() {
    let help = prints(&["--help"]);
    for role in [
        "demo",
        "up",
        "init",
        "doctor",
        "run",
        "solver",
        "graph-worker",
        "bench",
        "completions",
    ] {
        assert!(help.contains(role), "{role} is not in the help");
    }
    assert!(help.contains("Examples:"));
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            prints(&["completions", shell]).contains("graph-worker"),
            "{shell}"
        );
    }
}

#[test]
fn a_reader_who_has_gone_is_no_reason_to_panic() {
    for arguments in [&["completions", "bash"][..], &["solver"], &["init"], &["doctor"]] {
        let data = tempfile::tempdir().expect("a folder");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = Command::new(KYMO)
            .args(arguments)
            .env("KYMO_DATA", data.path())
            .env("KYMO_TELEGRAM_TOKEN", "1:x")
            .env("KYMO_TELEGRAM_API", "http://127.0.0.1:1")
            .stdout(writer)
            .output()
            .expect("start kymo");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains("panicked"), "kymo {arguments:?}: {said}");
        assert!(
            output.status.code().is_some_and(|code| code <= 1),
            "{arguments:?}: {}",
            output.status
        );
    }
}

#[test]
fn a_solver_prints_its_records_as_ndjson_and_needs_no_log() {
    let text = prints(&["solver", "airy", "h=0.02", "kerr=0.5", "amp=1.5"]);
    let records: Vec<Record> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a record"))
        .collect();
    assert_eq!(records.len(), 51);
    assert_eq!(records[50].iteration, 51);
    assert_eq!(records[0].total, Some(51));
}

#[test]
fn init_writes_a_configuration_and_never_over_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("kymo.toml");
    let path = file.to_str().expect("a plain path");
    prints(&["init", "--yes", "--file", path]);
    assert!(
        std::fs::read_to_string(&file)
            .expect("written")
            .contains("[telegram]")
    );
    let again = Command::new(KYMO)
        .args(["init", "--yes", "--file", path])
        .output()
        .expect("start kymo");
    assert!(String::from_utf8_lossy(&again.stderr).contains("--force"));
}

#[test]
fn a_command_under_kymo_run_passes_output_and_exit_code_through() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(KYMO)
        .args([
            "run",
            "--name",
            "try",
            "--",
            "sh",
            "-c",
            "echo out; echo err >&2; exit 7",
        ])
        .env("KYMO_DATA", data.path())
        .output()
        .expect("start kymo");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "out\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("err"));
}

#[test]
fn a_catalogued_solver_runs_from_a_terminal_and_its_digest_is_the_undisturbed_one() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let kymo = |arguments: &[&str]| {
        let output = Command::new(KYMO)
            .args(arguments)
            .env("KYMO_DATA", data.path())
            .output()
            .expect("start kymo");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    kymo(&["run", "airy", "h=0.02"]);
    let listed = kymo(&["topics", "--json"]);
    let topic = listed
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .find_map(|topic| {
            topic["topic"]
                .as_str()
                .filter(|name| name.starts_with("airy"))
                .map(str::to_owned)
        })
        .expect("the run's topic");
    let replay: serde_json::Value = serde_json::from_str(&kymo(&["replay", &topic])).expect("JSON");
    assert_eq!(replay["iterations"], 51);

    let png = data.path().join("airy.png");
    kymo(&[
        "graph-worker",
        "--topic",
        &topic,
        "--png",
        png.to_str().expect("a plain path"),
    ]);
    assert!(std::fs::read(&png).expect("drawn").starts_with(b"\x89PNG"));
}
