//! `kymo demo --story` plays a whole day, on both logs; its exit code says whether all went as told.

use std::path::Path;
use std::process::Command;

use crate::world::{KYMO, KafkaTurn};

fn plays(more: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let leave_in = folder.path().join("day");
    let output = Command::new(KYMO)
        .args([
            "demo",
            "--listen",
            "127.0.0.1:0",
            "--story",
            leave_in.to_str().expect("a plain path"),
        ])
        .args(more)
        .output()
        .expect("start the demo");
    let told =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{}", transcript(&leave_in));
    let pictures = std::fs::read_dir(&leave_in).expect("the folder").flatten();
    let pictures = pictures
        .filter(|file| file.path().extension().is_some_and(|kind| kind == "png"))
        .count();
    assert!(pictures >= 5, "{pictures} pictures");
    assert!(
        std::fs::metadata(leave_in.join("topic.ndjson"))
            .expect("the topic")
            .len()
            > 1_000_000
    );
    assert!(transcript(&leave_in).contains("\"as_told\": true"));
}

fn transcript(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("transcript.json")).unwrap_or_default()
}

#[test]
fn on_the_embedded_log() {
    plays(&[]);
}

#[tokio::test]
#[ignore = "needs a Kafka; ./test starts one"]
async fn on_kafka() {
    let (_, _turn) = KafkaTurn::take().await;
    plays(&["--kafka", &KafkaTurn::brokers()]);
}
