//! The outpost at its own stdin and stdout, as ssh would connect it: one per folder, and bad input does no harm.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::world::KYMO;

struct Outpost {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Outpost {
    fn start() -> Self {
        let mut child = Command::new(KYMO)
            .arg("outpost")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("start an outpost");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, output }
    }

    fn open(gateway: &str, folder: &Path) -> Self {
        let mut outpost = Self::start();
        let log = serde_json::json!({ "tunnel": { "socket": folder.join("relay/1.sock") } });
        outpost.say(
            &serde_json::json!({ "open": { "gateway": gateway, "folder": folder, "log": log } }).to_string(),
        );
        outpost
    }

    fn say(&mut self, line: &str) {
        writeln!(self.input, "{line}").expect("it listens");
    }

    /// Its next word that is not only a sign of life.
    fn hears(&mut self) -> serde_json::Value {
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).expect("read a line");
            let word: serde_json::Value = serde_json::from_str(&line).expect("a word");
            if word != "alive" {
                return word;
            }
        }
    }

    fn ends(mut self) -> bool {
        drop(self.input);
        self.child.wait().expect("it ends").success()
    }
}

#[test]
fn the_same_initiator_takes_its_place_again_and_another_is_told_who_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut first = Outpost::open("lab", folder.path());
    assert!(first.hears().get("ready").is_some());
    // Its connection was cut, but nobody has told it so.
    let mut second = Outpost::open("lab", folder.path());
    assert!(second.hears().get("ready").is_some());
    assert!(first.ends(), "it was asked to end, and did");
    let mut stranger = Outpost::open("other", folder.path());
    let refused = stranger.hears();
    let reason = refused["refused"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("in use by the initiator on lab"), "{reason}");
    assert!(second.ends());
    let mut follower = Outpost::open("other", folder.path());
    assert!(follower.hears().get("ready").is_some(), "it is free now");
    assert!(follower.ends());
}

#[test]
fn lines_that_are_no_orders_are_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut outpost = Outpost::start();
    for line in [
        "Welcome to lab1!",
        "{}",
        "{\"start\":{}}",
        "\u{fffd}",
        "[[[[",
        "\"alive",
    ] {
        outpost.say(line);
    }
    let log = serde_json::json!({ "tunnel": { "socket": "/nowhere" } });
    let open = serde_json::json!({ "open": { "gateway": "lab", "folder": folder.path(), "log": log } });
    outpost.say(&open.to_string());
    assert!(outpost.hears().get("ready").is_some());
    outpost.say("{\"start\":{\"topic\":7}}");
    assert!(outpost.ends());
}

#[test]
fn a_folder_that_is_not_there_is_refused_with_the_reason() {
    let mut outpost = Outpost::open("lab", Path::new("/no/such/folder"));
    let refused = outpost.hears();
    let reason = refused["refused"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("/no/such/folder"), "{reason}");
    assert!(outpost.ends());
}

#[test]
fn an_outpost_that_nobody_opens_ends() {
    assert!(!Outpost::start().ends());
}
