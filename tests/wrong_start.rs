//! What is wrong at the start gets a clear message: the thing, the reason, the remedy.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::world::KYMO;

fn kymo(data: &Path, arguments: &[&str]) -> Output {
    Command::new(KYMO)
        .args(arguments)
        .env("KYMO_DATA", data)
        .env_remove("KYMO_TELEGRAM_TOKEN")
        .output()
        .expect("start kymo")
}

fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!text.contains("panicked"), "{text}");
    text
}

#[test]
fn without_a_token_up_says_where_to_get_one() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let said = complaint(&kymo(data.path(), &["up"]));
    assert!(
        said.contains("@BotFather") && said.contains("token-file"),
        "{said}"
    );
}

#[test]
fn without_a_token_the_doctor_checks_the_rest_and_says_where_to_get_one() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let output = kymo(data.path(), &["doctor"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for part in [
        "data folder",
        "disk",
        "database",
        "log",
        "ERROR    token",
        "@BotFather",
    ] {
        assert!(told.contains(part), "{part} in\n{told}");
    }
}

#[test]
fn a_broken_configuration_is_named_with_its_line() {
    let data = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(
        data.path().join("kymo.toml"),
        "[telegram]\nadmins = [1, \"two\"]\n",
    )
    .expect("write");
    let said = complaint(&kymo(data.path(), &["up"]));
    assert!(said.contains("kymo.toml") && said.contains("line 2"), "{said}");
}

#[test]
fn a_port_in_use_is_named_with_the_remedy() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound");
    std::fs::write(
        data.path().join("kymo.toml"),
        format!("[door]\nlisten = \"{address}\"\n"),
    )
    .expect("write");
    std::fs::write(data.path().join("token"), "1:x").expect("write");
    let output = Command::new(KYMO)
        .arg("up")
        .env("KYMO_DATA", data.path())
        .env("KYMO_TELEGRAM_TOKEN_FILE", data.path().join("token"))
        .output()
        .expect("start kymo");
    let said = complaint(&output);
    assert!(
        said.contains(&address.to_string()) && said.contains("listen"),
        "{said}"
    );
}

#[test]
fn a_topic_that_is_not_there_is_named() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let png = data.path().join("out.png");
    let png = png.to_str().expect("a plain path");
    let said = complaint(&kymo(
        data.path(),
        &["graph-worker", "--topic", "no-such.run", "--png", png],
    ));
    assert!(
        said.contains("no-such.run") && said.contains("kymo topics"),
        "{said}"
    );
}

#[test]
fn a_damaged_log_is_named() {
    let data = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(data.path().join("log.sqlite"), vec![0x55; 8192]).expect("write");
    let said = complaint(&kymo(data.path(), &["topics"]));
    assert!(said.contains("log.sqlite"), "{said}");
}

#[test]
fn a_data_folder_that_cannot_be_made_is_named() {
    let said = complaint(&kymo(Path::new("/proc/no/such"), &["topics"]));
    assert!(said.contains("/proc/no/such"), "{said}");
}

/// A demo whose page is open.
fn open_demo(data: &Path) -> Child {
    let mut demo = Command::new(KYMO)
        .args(["demo", "--listen", "127.0.0.1:0"])
        .env("KYMO_DATA", data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("start kymo");
    let mut lines = BufReader::new(demo.stdout.take().expect("a pipe")).lines();
    let open = lines.any(|line| line.is_ok_and(|line| line.contains("Ctrl-C ends all of it")));
    assert!(open, "the demo ended before its page was open");
    demo
}

#[test]
fn a_second_house_on_a_data_folder_is_refused_until_the_first_is_gone() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let mut first = open_demo(data.path());
    let holder = format!("(process {})", first.id());
    let up = Command::new(KYMO)
        .arg("up")
        .env("KYMO_DATA", data.path())
        .env("KYMO_TELEGRAM_TOKEN", "1:x")
        .output()
        .expect("start kymo");
    for second in [kymo(data.path(), &["demo"]), up] {
        let said = complaint(&second);
        assert!(
            said.contains(&data.path().display().to_string())
                && said.contains(&holder)
                && said.contains("--data DIR"),
            "{said}"
        );
    }
    first.kill().expect("kill -9");
    first.wait().expect("reap");
    let mut next = open_demo(data.path());
    kill(Pid::from_raw(next.id().cast_signed()), Signal::SIGTERM).expect("told to end");
    assert!(
        next.wait().expect("reap").success(),
        "its end was not asked for in vain"
    );
}

#[test]
fn a_demo_listens_where_it_is_told_or_says_why_not() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let busy = taken.local_addr().expect("bound").to_string();
    let cases = [
        (busy.as_str(), "choose another port"),
        ("0.0.0.0:8780", "it stays on loopback; choose 127.0.0.1:8780"),
    ];
    for (address, remedy) in cases {
        let data = tempfile::tempdir().expect("a temporary folder");
        let said = complaint(&kymo(data.path(), &["demo", "--listen", address]));
        assert!(
            said.contains(&format!("cannot listen on {address}")) && said.contains(remedy),
            "{said}"
        );
    }
}
