//! A run moves to another log and goes on there, and a large topic passes through little memory.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kymo_runlog::{LogConfig, Message, Named, RunId, Topic};
use serde_json::Value;

use crate::world::KYMO;

fn kymo(log: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(KYMO);
    command.arg("--log").arg(log).args(arguments);
    command
}

fn prints(data: &Path, log: &str, arguments: &[&str]) -> String {
    let output = kymo(log, arguments)
        .env("KYMO_DATA", data)
        .output()
        .expect("start kymo");
    assert!(
        output.status.success(),
        "kymo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn refuses(data: &Path, log: &str, arguments: &[&str]) -> String {
    let output = kymo(log, arguments)
        .env("KYMO_DATA", data)
        .output()
        .expect("start kymo");
    assert!(!output.status.success(), "kymo {arguments:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

fn topics(data: &Path, log: &str) -> Vec<Value> {
    prints(data, log, &["topics", "--json"])
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Half a run, made by a solver that is killed on the way.
fn half_a_run(data: &Path, log: &str) -> Topic {
    let mut run = kymo(log, &["run", "airy", "h=0.02", "pace=0.05"])
        .env("KYMO_DATA", data)
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("start kymo");
    let topic = loop {
        let found = topics(data, log).into_iter().find(|topic| {
            topic["kind"] == "run" && topic["records"].as_u64().is_some_and(|records| records > 10)
        });
        if let Some(found) = found {
            break Topic::parse(found["topic"].as_str().expect("a name")).expect("a topic");
        }
        assert!(
            run.try_wait().expect("ask").is_none(),
            "it ended before it was half done"
        );
    };
    // As a power cut would.
    run.kill().expect("kill -9");
    run.wait().expect("gone");
    topic
}

fn a_run_moves_and_goes_on(there: &str, back: impl Fn(&Path) -> String) {
    let folders = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
    let [here, away, home] = folders.each_ref().map(|folder| folder.path());
    let log = format!("embedded:{}", here.display());
    let topic = half_a_run(here, &log);
    let replay = |data: &Path, log: &str| -> Value {
        serde_json::from_str(&prints(data, log, &["replay", topic.as_str()])).expect("JSON")
    };
    let before = replay(here, &log);
    let file = here.join("run.ndjson");
    let file = file.to_str().expect("a plain path");
    prints(here, &log, &["export", topic.as_str(), file]);
    let said = refuses(here, &log, &["export", topic.as_str(), file]);
    assert!(said.contains("--force"), "{said}");
    prints(away, there, &["import", file]);
    assert_eq!(replay(away, there), before, "in the other log");
    let said = refuses(away, there, &["import", file]);
    assert!(said.contains("holds records already"), "{said}");

    // Out of the other log through a pipe, and on with the run in a third one.
    let third = back(home);
    let mut out = kymo(there, &["export", topic.as_str(), "-"])
        .env("KYMO_DATA", away)
        .stdout(Stdio::piped())
        .spawn()
        .expect("start kymo");
    let pipe = out.stdout.take().expect("piped");
    let taken = kymo(&third, &["import", "-"])
        .env("KYMO_DATA", home)
        .stdin(pipe)
        .output()
        .expect("start kymo");
    assert!(
        taken.status.success() && out.wait().expect("ended").success(),
        "{}",
        String::from_utf8_lossy(&taken.stderr)
    );
    assert_eq!(replay(home, &third), before);
    prints(home, &third, &["run", "airy", "h=0.02"]);
    let after = replay(home, &third);
    let Ok(Named::Whole(run)) = RunId::of_topic(&topic) else {
        panic!("{topic} names a run")
    };
    let undisturbed = kymo_solver::undisturbed_digest(&run).expect("airy runs");
    assert_eq!(after["digest"].as_str(), Some(undisturbed.as_str()));
    let attempt = after["attempt"].as_u64().expect("a number");
    assert!(attempt > before["attempt"].as_u64().expect("a number"), "{after}");
    let listed = topics(home, &third);
    let listed = listed
        .iter()
        .find(|it| it["topic"] == topic.as_str())
        .expect("listed");
    assert_eq!(
        (listed["state"].as_str(), listed["kind"].as_str()),
        (Some("finished"), Some("run"))
    );
    prints(away, there, &["topics"]);
}

#[test]
fn a_run_moves_to_another_log_and_back_and_goes_on_there() {
    let other = tempfile::tempdir().expect("a folder");
    let there = format!("embedded:{}", other.path().display());
    a_run_moves_and_goes_on(&there, |home| format!("embedded:{}", home.display()));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Kafka; ./test starts one"]
async fn a_run_moves_to_kafka_and_back_and_goes_on_there() {
    let (config, _turn) = crate::world::KafkaTurn::take().await;
    let there = config.to_text().expect("plain");
    tokio::task::block_in_place(|| {
        a_run_moves_and_goes_on(&there, |home| format!("embedded:{}", home.display()));
    });
}

const MANY: usize = 100_000;

/// The largest part of the memory that a process has had so far, in megabytes.
fn peak(child: &Child) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1e3)
}

/// A hundred megabytes in a hundred thousand records: both ends hold a small part of it at a time.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_records_stream_through_little_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = kymo_runlog::open(&LogConfig::embedded(folder.path()))
        .await
        .expect("open");
    let topic = Topic::parse("large").expect("a name");
    log.create(&topic).await.expect("create");
    for chunk in 0..100 {
        let message = |i: usize| Message {
            key: Some((chunk * 1000 + i).to_string().into_bytes()),
            headers: vec![("kymo-kind".to_owned(), b"record".to_vec())],
            payload: vec![b'a' + (i % 26) as u8; 1000],
        };
        log.append(&topic, (0..MANY / 100).map(message).collect())
            .await
            .expect("append");
    }
    drop(log);
    let address = format!("embedded:{}", folder.path().display());
    let other = tempfile::tempdir().expect("a folder");
    let there = format!("embedded:{}", other.path().display());
    let mut out = kymo(&address, &["export", "large", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("start kymo");
    let mut into = kymo(&there, &["import", "-"])
        .env("KYMO_DATA", other.path())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start kymo");
    let mut lines = BufReader::new(out.stdout.take().expect("piped"));
    let mut pipe = into.stdin.take().expect("piped");
    let (mut text, mut count, mut peaks) = (Vec::new(), 0, (0.0_f64, 0.0_f64));
    while lines.read_until(b'\n', &mut text).expect("read") > 0 {
        pipe.write_all(&text).expect("write");
        text.clear();
        count += 1;
        if count % 1000 == 0 {
            // Both wait for this test now and then, so they are alive here.
            peaks = (
                peaks.0.max(peak(&out).unwrap_or_default()),
                peaks.1.max(peak(&into).unwrap_or_default()),
            );
        }
    }
    drop(pipe);
    assert!(out.wait().expect("ended").success());
    let taken = into.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&taken.stderr);
    assert!(taken.status.success(), "{said}");
    assert!(said.contains("imported large: 100000 messages"), "{said}");
    assert_eq!(count, MANY + 2, "a header and a last line beside them");
    assert!(peaks.0 > 1.0 && peaks.1 > 1.0, "they were looked at: {peaks:?}");
    assert!(
        peaks.0 < 60.0 && peaks.1 < 60.0,
        "of more than 100 MB, they held {peaks:?} MB at once"
    );
}
