//! Kafka keeps what both logs promise. Needs a cluster (docs/kafka.md, "Tests"); `./test` starts one.

mod suite;

use suite::Subject;

fn subject() -> Subject {
    let brokers =
        std::env::var("KYMO_TEST_KAFKA").expect("set KYMO_TEST_KAFKA=host:port,... to a cluster's brokers");
    Subject {
        address: format!("kafka:{brokers}"),
        _folder: None,
    }
}

conforms!(subject(), #[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]);
