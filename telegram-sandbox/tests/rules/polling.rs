//! How updates are fetched and confirmed.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::kit::Kit;

fn ids(updates: &Value) -> Vec<i64> {
    updates
        .as_array()
        .unwrap()
        .iter()
        .map(|u| u["update_id"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn updates_come_again_until_a_higher_offset_confirms_them() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for n in 0..3 {
        kit.control.send(ada, ada, &n.to_string()).await.unwrap();
    }
    let all = ids(&kit.ok("getUpdates", json!({})).await);
    assert_eq!(all.len(), 3);
    assert_eq!(all[2], all[0] + 2, "numbers are sequential");
    assert_eq!(ids(&kit.ok("getUpdates", json!({})).await), all);
    assert_eq!(ids(&kit.ok("getUpdates", json!({ "limit": 1 })).await), all[..1]);
    assert_eq!(
        ids(&kit.ok("getUpdates", json!({ "offset": all[1] })).await),
        all[1..]
    );
    assert_eq!(
        ids(&kit.ok("getUpdates", json!({})).await),
        all[1..],
        "the first is confirmed for good"
    );
    assert_eq!(
        ids(&kit.ok("getUpdates", json!({ "offset": -1 })).await),
        all[2..]
    );
    assert_eq!(kit.control.state().await.unwrap().unconfirmed, 1);
}

#[tokio::test]
async fn a_long_poll_returns_as_soon_as_something_happens() {
    let kit = Arc::new(Kit::new().await);
    let ada = kit.friend("Ada").await;
    let poller = kit.clone();
    let poll = tokio::spawn(async move { poller.ok("getUpdates", json!({ "timeout": 50 })).await });
    kit.control.send(ada, ada, "news").await.unwrap();
    assert_eq!(poll.await.unwrap()[0]["message"]["text"], "news");
}

#[tokio::test]
async fn a_second_poller_ends_the_first() {
    let kit = Arc::new(Kit::new().await);
    let ada = kit.friend("Ada").await;
    let first = {
        let kit = kit.clone();
        tokio::spawn(async move { kit.call("getUpdates", json!({ "timeout": 50 })).await })
    };
    let second = {
        let kit = kit.clone();
        tokio::spawn(async move { kit.call("getUpdates", json!({ "timeout": 50 })).await })
    };
    // Whichever came first is ended by the other.
    let (ended, other) = match futures::future::select(first, second).await {
        futures::future::Either::Left((ended, other)) | futures::future::Either::Right((ended, other)) => {
            (ended.unwrap(), other)
        }
    };
    let words =
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running";
    assert_eq!(ended.unwrap_err(), (409, words.to_owned()));
    kit.control.send(ada, ada, "for the newer one").await.unwrap();
    assert_eq!(other.await.unwrap().unwrap().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn only_the_kinds_asked_for_are_kept() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    kit.ok("getUpdates", json!({ "allowed_updates": ["callback_query"] }))
        .await;
    kit.control.send(ada, ada, "unwanted").await.unwrap();
    assert!(kit.updates().await.is_empty());
    // An empty list asks for the default again.
    kit.ok("getUpdates", json!({ "allowed_updates": [] })).await;
    kit.control.send(ada, ada, "wanted").await.unwrap();
    assert_eq!(kit.updates().await.len(), 1);
    let said = kit
        .refused("getUpdates", json!({ "allowed_updates": ["mesage"] }))
        .await;
    assert_eq!(
        said,
        "Bad Request: the sandbox knows no kind of update \"mesage\""
    );
}
