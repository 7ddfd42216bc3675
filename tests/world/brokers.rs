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

/// The brokers; whoever is lost comes back with its end, so that the next story finds all three.
#[derive(Default)]
pub struct Brokers {
    lost: Vec<u32>,
}

impl Brokers {
    pub async fn lose(&mut self, number: u32, loss: Loss) {
        self.lost.push(number);
        let order = match loss {
            Loss::Killed => "kill",
            Loss::Frozen => "freeze",
        };
        apart(move || cluster(&[order, &number.to_string()])).await;
    }

    /// Back, and with all that was written meanwhile.
    pub async fn revive(&mut self, number: u32) {
        apart(move || cluster(&["revive", &number.to_string()])).await;
        self.lost.retain(|lost| *lost != number);
    }

    /// All that are lost come back at once.
    pub async fn revive_all(&mut self) {
        let back = |number: u32| apart(move || cluster(&["revive", &number.to_string()]));
        futures::future::join_all(self.lost.iter().copied().map(back)).await;
        self.lost.clear();
    }

    /// Waits until every broker has every record.
    pub async fn until_in_sync() {
        let lagging = || cluster(&["tool", "topics", "--describe", "--under-replicated-partitions"]);
        super::until("all copies in sync", || async {
            apart(lagging).await.trim().is_empty().then_some(())
        })
        .await;
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        for number in &self.lost {
            cluster(&["revive", &number.to_string()]);
        }
    }
}

/// On a thread of its own: a broker's start takes seconds, and the others go on meanwhile.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("it does not panic")
}

fn cluster(words: &[&str]) -> String {
    let folder = std::env::var("KYMO_KAFKA_DIR").expect("./test starts Kafka and sets KYMO_KAFKA_DIR");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kafka/cluster");
    let mut command = Command::new(script);
    // What comes after a tool's name is the tool's own.
    match words {
        ["tool", rest @ ..] => command.args(["tool", "--dir", &folder]).args(rest),
        words => command.args(words).args(["--dir", &folder]),
    };
    let output = command.output().expect("run deploy/kafka/cluster");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cluster {words:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
