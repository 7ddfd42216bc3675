//! The three brokers that `./test` started, lost and found again.

use std::path::Path;
use std::process::Command;

/// What may happen to a broker.
#[derive(Clone, Copy, Debug)]
pub enum Loss {
    /// kill -9, as a power cut would.
    Killed,
    /// SIGSTOP: it hangs, and no connection notices.
    Frozen,
}

pub async fn lose(number: u32, loss: Loss) {
    match loss {
        Loss::Killed => cluster("kill", number).await,
        Loss::Frozen => cluster("freeze", number).await,
    }
}

pub async fn revive(number: u32) {
    cluster("revive", number).await;
}

/// On a thread of its own: a broker's start takes seconds, and the others go on meanwhile.
async fn cluster(order: &'static str, number: u32) {
    let work = move || {
        let folder = std::env::var("KYMO_KAFKA_DIR").expect("./test starts Kafka and sets KYMO_KAFKA_DIR");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kafka/cluster");
        let output = Command::new(script)
            .args([order, &number.to_string(), "--dir", &folder])
            .output()
            .expect("run deploy/kafka/cluster");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cluster {order} {number}: {said}");
    };
    tokio::task::spawn_blocking(work)
        .await
        .expect("it does not panic");
}
