//! A group becomes a supergroup.

use serde_json::json;

use crate::kit::Kit;

#[tokio::test]
async fn the_old_id_answers_with_the_new_one_and_old_message_ids_mean_other_messages() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let lab = kit.chat("group", "administrator", &[ada]).await;
    let panel = kit.message(lab, "panel").await;
    let new = kit.control.migrate(lab).await.unwrap();

    let updates = kit.updates().await;
    assert_eq!(updates[0]["message"]["migrate_to_chat_id"], new);
    assert_eq!(updates[1]["message"]["migrate_from_chat_id"], lab);

    let answer = kit
        .raw("sendMessage", json!({ "chat_id": lab, "text": "hi" }))
        .await;
    assert_eq!(
        answer,
        json!({ "ok": false, "error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat", "parameters": { "migrate_to_chat_id": new } })
    );
    let edit = kit
        .raw(
            "editMessageText",
            json!({ "chat_id": lab, "message_id": panel, "text": "x" }),
        )
        .await;
    assert_eq!(edit["parameters"]["migrate_to_chat_id"], new);

    // The new chat counts from one again, so an old number may be somebody else's message.
    assert_eq!(
        kit.refused(
            "editMessageText",
            json!({ "chat_id": new, "message_id": 90, "text": "x" })
        )
        .await,
        "Bad Request: message to edit not found"
    );
    let first = kit.message(new, "panel again").await;
    assert!(first < panel + 3, "numbers begin anew: {first}");
    assert_eq!(
        kit.ok("getChat", json!({ "chat_id": new })).await["type"],
        "supergroup"
    );
    assert!(kit.control.send(ada, lab, "hello?").await.is_err());
}
