//! What the bot sees in a group, and who is who there.

use serde_json::json;

use crate::kit::{BOT, Kit};

async fn seen(kit: &Kit) -> Vec<String> {
    let texts = kit
        .updates()
        .await
        .into_iter()
        .filter_map(|u| u["message"]["text"].as_str().map(str::to_owned));
    texts.collect()
}

#[tokio::test]
async fn privacy_mode_hides_plain_text_but_no_command_reply_or_mention() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let lab = kit.chat("group", "member", &[ada]).await;
    let panel = kit.message(lab, "panel").await;
    let words = [
        ("plain text", false),
        ("/run airy", true),
        ("/run@sandbox_bot airy", true),
        ("/run@other_bot airy", false),
        ("see /usr/bin", false),
        ("@sandbox_bot look", true),
        ("@somebody look", false),
    ];
    for (text, _) in words {
        kit.control.send(ada, lab, text).await.unwrap();
    }
    let visible: Vec<_> = words
        .iter()
        .filter(|(_, v)| *v)
        .map(|(t, _)| (*t).to_owned())
        .collect();
    assert_eq!(seen(&kit).await, visible);

    kit.control.reply(ada, lab, panel, "to the bot").await.unwrap();
    assert_eq!(seen(&kit).await, ["to the bot"]);

    // An admin bot sees everything, and must tell commands for others from its own.
    kit.control.set_bot(lab, "pinner").await.unwrap();
    kit.updates().await;
    kit.control.send(ada, lab, "plain text").await.unwrap();
    kit.control.send(ada, lab, "/run@other_bot").await.unwrap();
    assert_eq!(seen(&kit).await, ["plain text", "/run@other_bot"]);

    kit.control.set_bot(lab, "member").await.unwrap();
    kit.control.privacy(false).await.unwrap();
    kit.updates().await;
    kit.control.send(ada, lab, "no privacy").await.unwrap();
    assert_eq!(seen(&kit).await, ["no privacy"]);
    assert_eq!(
        kit.ok("getMe", json!({})).await["can_read_all_group_messages"],
        true
    );
}

#[tokio::test]
async fn people_come_and_go_in_service_messages() {
    let kit = Kit::new().await;
    let (ada, grace) = (kit.friend("Ada").await, kit.person("Grace").await);
    let lab = kit.chat("group", "member", &[ada]).await;
    kit.control.join(grace, lab).await.unwrap();
    kit.control.leave(grace, lab).await.unwrap();
    let updates = kit.updates().await;
    assert_eq!(updates[0]["message"]["new_chat_members"][0]["id"], grace);
    assert_eq!(updates[1]["message"]["left_chat_member"]["id"], grace);
    let outside = kit
        .control
        .send(grace, lab, "psst")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        outside.contains(&format!("person {grace} is not in chat {lab}")),
        "{outside}"
    );
}

#[tokio::test]
async fn members_have_a_standing() {
    let kit = Kit::new().await;
    let (ada, grace, mallory) = (
        kit.friend("Ada").await,
        kit.person("Grace").await,
        kit.person("Mallory").await,
    );
    let lab = kit.chat("supergroup", "pinner", &[grace, ada]).await;
    for (user, status) in [
        (grace, "creator"),
        (ada, "member"),
        (BOT, "administrator"),
        (mallory, "left"),
    ] {
        let member = kit
            .ok("getChatMember", json!({ "chat_id": lab, "user_id": user }))
            .await;
        assert_eq!(member["status"], status);
    }
    let bot = kit
        .ok("getChatMember", json!({ "chat_id": lab, "user_id": BOT }))
        .await;
    assert_eq!(
        (&bot["can_pin_messages"], &bot["can_delete_messages"]),
        (&json!(true), &json!(false))
    );
    let admins = kit.ok("getChatAdministrators", json!({ "chat_id": lab })).await;
    assert_eq!(admins.as_array().unwrap().len(), 2);
    assert_eq!(kit.ok("getChatMemberCount", json!({ "chat_id": lab })).await, 3);
    for (method, params, refusal) in [
        (
            "getChatMember",
            json!({ "chat_id": lab, "user_id": 31337 }),
            "PARTICIPANT_ID_INVALID",
        ),
        (
            "getChatMember",
            json!({ "chat_id": lab }),
            "invalid user_id specified",
        ),
        (
            "getChatAdministrators",
            json!({ "chat_id": ada }),
            "there are no administrators in the private chat",
        ),
    ] {
        assert_eq!(
            kit.refused(method, params).await,
            format!("Bad Request: {refusal}")
        );
    }
}
