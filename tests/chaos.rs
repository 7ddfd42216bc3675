//! Any role is killed with -9 at moments drawn from a seed: a short `kymo bench chaos` on each log. The long one is
//! told in docs/reliability.md.

use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::world::{KYMO, KafkaTurn};

async fn chaos(words: &[&str]) -> Value {
    let output = Command::new(KYMO)
        .args(["bench", "chaos", "--json"])
        .args(words)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("start kymo bench");
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{messages}");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn value(figures: &Value, name: &str) -> f64 {
    figures[name]["value"]
        .as_f64()
        .unwrap_or_else(|| panic!("{name} in {figures}"))
}

#[tokio::test]
#[ignore = "needs python3; ./test installs it"]
async fn an_external_solver_ends_as_if_nothing_had_happened() {
    let figures = chaos(&["--seed", "7", "--kills", "30", "--solver", "walk"]).await;
    assert!(value(&figures, "chaos.embedded.walk.kills") >= 30.0);
    assert!(value(&figures, "chaos.embedded.walk.in_windows") >= 4.0);
    assert!(value(&figures, "chaos.embedded.walk.attempts") > 5.0);
}

#[tokio::test]
#[ignore = "needs a Kafka; ./test starts one"]
async fn on_kafka_a_run_ends_as_if_nothing_had_happened() {
    let (_log, _turn) = KafkaTurn::take().await;
    let brokers = KafkaTurn::brokers();
    let figures = chaos(&[
        "--seed", "7", "--kills", "15", "--solver", "airy", "--kafka", &brokers,
    ])
    .await;
    assert!(value(&figures, "chaos.kafka.airy.kills") >= 15.0);
    assert!(value(&figures, "chaos.kafka.airy.attempts") > 3.0);
}
