//! What goes wrong on command.

use kymo_telegram_sandbox::{Fault, FaultOrder};
use serde_json::json;

use crate::kit::Kit;

#[tokio::test]
async fn a_429_hits_one_chat_as_often_as_ordered() {
    let kit = Kit::new().await;
    let (ada, grace) = (kit.friend("Ada").await, kit.friend("Grace").await);
    let order = FaultOrder::next(Fault::TooMany { retry_after: 7 })
        .of("sendMessage")
        .in_chat(ada)
        .times(2);
    kit.control.fault(order).await.unwrap();
    for _ in 0..2 {
        let whole = kit
            .raw("sendMessage", json!({ "chat_id": ada, "text": "x" }))
            .await;
        assert_eq!(
            (&whole["error_code"], &whole["parameters"]["retry_after"]),
            (&json!(429), &json!(7))
        );
        kit.message(grace, "others go on").await;
    }
    kit.message(ada, "over").await;
}

#[tokio::test]
async fn servers_fail_in_several_ways() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (code, words) in [
        (500, "Internal Server Error"),
        (502, "Bad Gateway"),
        (504, "Gateway Timeout"),
    ] {
        kit.control
            .fault(FaultOrder::next(Fault::Server { code }))
            .await
            .unwrap();
        let answer = kit
            .call("sendMessage", json!({ "chat_id": ada, "text": "x" }))
            .await;
        assert_eq!(answer, Err((u64::from(code), words.to_owned())));
    }
    let refusal = Fault::Refuse {
        code: 400,
        description: "Bad Request: chat not found".into(),
    };
    kit.control.fault(FaultOrder::next(refusal)).await.unwrap();
    assert_eq!(
        kit.refused("getMe", json!({})).await,
        "Bad Request: chat not found"
    );
}

#[tokio::test]
async fn a_reset_does_nothing_and_a_lost_answer_did_it() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (fault, text) in [(Fault::Reset, "never"), (Fault::LostAnswer, "done")] {
        kit.control
            .fault(FaultOrder::next(fault).of("sendMessage"))
            .await
            .unwrap();
        let request = kit
            .http
            .post(kit.method_url("sendMessage"))
            .json(&json!({ "chat_id": ada, "text": text }));
        assert!(request.send().await.is_err(), "the connection breaks");
    }
    let chat = kit.control.chat(ada).await.unwrap();
    assert!(chat.find("never").is_none());
    assert!(chat.find("done").is_some());
    let calls = kit.control.calls(0).await.unwrap();
    let sends: Vec<_> = calls
        .iter()
        .filter(|c| c.method == "sendMessage")
        .map(|c| (c.code, c.answer_lost))
        .collect();
    assert_eq!(sends, [(500, true), (200, true)]);
}

#[tokio::test]
async fn a_delayed_call_is_carried_out_later() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    kit.control
        .fault(FaultOrder::next(Fault::Delay { ms: 50 }).of("sendMessage"))
        .await
        .unwrap();
    let began = std::time::Instant::now();
    kit.message(ada, "late").await;
    assert!(began.elapsed().as_millis() >= 50);
    kit.control
        .fault(FaultOrder::next(Fault::Reset).times(100))
        .await
        .unwrap();
    kit.control.clear_faults().await.unwrap();
    kit.ok("getMe", json!({})).await;
}
