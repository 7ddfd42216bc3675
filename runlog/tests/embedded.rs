//! What only the embedded log promises.

use std::time::{Duration, Instant};

use futures::StreamExt;
use kymo_runlog::{LogConfig, LogError, Message, Position, Topic, open};

fn message(text: &str) -> Message {
    Message {
        key: None,
        headers: vec![("a".to_owned(), b"1".to_vec())],
        payload: text.as_bytes().to_vec(),
    }
}

#[tokio::test]
async fn what_is_appended_is_read_and_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(&LogConfig::embedded(folder.path())).await.expect("a log");
    let other = open(&LogConfig::embedded(folder.path())).await.expect("a log");
    let topic = Topic::parse("airy-eps.4").expect("a topic");
    assert!(matches!(log.end(&topic).await, Err(LogError::UnknownTopic(..))));
    log.create(&topic).await.expect("create");
    let mut news = other.follow(&topic, Position::START).await.expect("follow");
    let positions = log
        .append(&topic, vec![message("a"), message("b")])
        .await
        .expect("append");
    assert_eq!(positions, [Position(0), Position(1)]);
    for text in ["a", "b"] {
        assert_eq!(
            news.next().await.expect("endless").expect("news").message,
            message(text)
        );
    }
    let begin = Instant::now();
    log.append(&topic, vec![message("c")]).await.expect("append");
    assert_eq!(
        news.next().await.expect("endless").expect("news").message,
        message("c")
    );
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "the bell did not ring: {:?}",
        begin.elapsed()
    );
}
