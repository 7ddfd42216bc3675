//! Taking turns on the one Kafka cluster that `./test` starts.

use kymo_runlog::LogConfig;

use tokio::sync::{Mutex, MutexGuard};

use super::brokers::Brokers;

static TURN: Mutex<()> = Mutex::const_new(());

/// While it lives, no other story touches the cluster.
pub struct KafkaTurn {
    _turn: MutexGuard<'static, ()>,
}

impl KafkaTurn {
    /// Waits for the turn, and leaves the cluster without a topic.
    pub async fn take() -> (LogConfig, Self) {
        let turn = TURN.lock().await;
        Brokers::until_in_sync().await;
        let config: LogConfig = format!("kafka:{}", Self::brokers())
            .parse()
            .expect("a list of brokers");
        let log = kymo_runlog::open(&config).await.expect("the cluster answers");
        for topic in log.list().await.expect("list the topics") {
            log.delete(&topic)
                .await
                .expect("delete a topic of an earlier test");
        }
        (config, Self { _turn: turn })
    }

    pub fn brokers() -> String {
        std::env::var("KYMO_TEST_KAFKA").expect("./test starts Kafka and sets KYMO_TEST_KAFKA")
    }
}
