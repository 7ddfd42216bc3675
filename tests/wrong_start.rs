//! What is wrong at the start gets a clear message: the thing, the reason, the remedy.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

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
