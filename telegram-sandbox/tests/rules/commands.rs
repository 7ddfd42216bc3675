//! Menus: limits, scopes, languages.

use serde_json::{Value, json};

use crate::kit::Kit;

fn menu(count: usize) -> Value {
    (0..count)
        .map(|n| json!({ "command": format!("c{n}"), "description": "d" }))
        .collect()
}

#[tokio::test]
async fn a_menu_has_at_most_100_sound_commands() {
    let kit = Kit::new().await;
    kit.ok("setMyCommands", json!({ "commands": menu(100) })).await;
    assert_eq!(
        kit.ok("getMyCommands", json!({})).await.as_array().unwrap().len(),
        100
    );
    for (commands, refusal) in [
        (menu(101), "BOT_COMMANDS_TOO_MUCH"),
        (
            json!([{ "command": "Run", "description": "d" }]),
            "BOT_COMMAND_INVALID",
        ),
        (
            json!([{ "command": "run-it", "description": "d" }]),
            "BOT_COMMAND_INVALID",
        ),
        (
            json!([{ "command": "a".repeat(33), "description": "d" }]),
            "BOT_COMMAND_INVALID",
        ),
        (
            json!([{ "command": "run", "description": "" }]),
            "BOT_COMMAND_DESCRIPTION_INVALID",
        ),
        (
            json!([{ "command": "run", "description": "d".repeat(257) }]),
            "BOT_COMMAND_DESCRIPTION_INVALID",
        ),
    ] {
        let said = kit
            .refused("setMyCommands", json!({ "commands": commands }))
            .await;
        assert_eq!(said, format!("Bad Request: {refusal}"));
    }
}

#[tokio::test]
async fn the_narrowest_scope_is_shown() {
    let kit = Kit::new().await;
    let (ada, grace) = (kit.friend("Ada").await, kit.friend("Grace").await);
    let lab = kit.chat("group", "member", &[grace, ada]).await;
    for (name, scope) in [
        ("default", json!({ "type": "default" })),
        ("private", json!({ "type": "all_private_chats" })),
        ("groups", json!({ "type": "all_group_chats" })),
        ("admins", json!({ "type": "all_chat_administrators" })),
        (
            "member",
            json!({ "type": "chat_member", "chat_id": lab, "user_id": ada }),
        ),
    ] {
        let commands = json!([{ "command": name, "description": "d" }]);
        kit.ok("setMyCommands", json!({ "commands": commands, "scope": scope }))
            .await;
    }
    let shown = async |chat: i64, person: i64| -> String {
        let url = format!("{}/sandbox/menu?chat={chat}&person={person}", kit.running.url());
        let menu: Value = kit.http.get(url).send().await.unwrap().json().await.unwrap();
        menu["commands"][0]["command"]
            .as_str()
            .unwrap_or("none")
            .to_owned()
    };
    assert_eq!(shown(ada, ada).await, "private");
    assert_eq!(shown(lab, grace).await, "admins");
    assert_eq!(shown(lab, ada).await, "member");
    let scope = json!({ "type": "chat_member", "chat_id": lab, "user_id": ada });
    kit.ok("deleteMyCommands", json!({ "scope": scope })).await;
    assert_eq!(shown(lab, ada).await, "groups");
    let odd = kit
        .refused("getMyCommands", json!({ "scope": { "type": "everybody" } }))
        .await;
    assert_eq!(
        odd,
        "Bad Request: can't parse BotCommandScope: Unsupported type specified"
    );
    let odd = kit
        .refused("getMyCommands", json!({ "language_code": "english" }))
        .await;
    assert_eq!(odd, "Bad Request: invalid language code specified");
}

#[tokio::test]
async fn texts_about_the_bot_have_lengths() {
    let kit = Kit::new().await;
    for (set, get, field, longest) in [
        ("setMyName", "getMyName", "name", 64),
        ("setMyDescription", "getMyDescription", "description", 512),
        (
            "setMyShortDescription",
            "getMyShortDescription",
            "short_description",
            120,
        ),
    ] {
        let fits = "n".repeat(longest);
        kit.ok(set, json!({ (field): fits })).await;
        assert_eq!(kit.ok(get, json!({})).await, json!({ (field): fits }));
        assert_eq!(
            kit.call(set, json!({ (field): "n".repeat(longest + 1) }))
                .await
                .unwrap_err()
                .0,
            400
        );
    }
}
