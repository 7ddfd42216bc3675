//! `kymo doctor` against a Bot API server that is as strict as Telegram's.

use std::sync::Arc;

use kymo_bot::BotConfig;
use kymo_bot::doctor::{self, Level};
use kymo_runlog::Log;

use crate::house::*;

fn told(checks: &[doctor::Check]) -> String {
    checks
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn a_healthy_house_has_nothing_to_complain_about() {
    let house = House::new().await;
    house.ask(ADA, LAB, "/whoami").await;
    let log: Arc<dyn Log> = house.log.clone();
    let checks = doctor::check(&house.config().into(), Ok(&log), Some(LAB)).await;
    let bad: Vec<_> = checks
        .iter()
        .filter(|check| check.level == Level::Error)
        .cloned()
        .collect();
    assert!(bad.is_empty(), "{}", told(&bad));
    for method in [
        "sendMessage",
        "editMessageMedia",
        "pinChatMessage",
        "sendDocument",
        "answerCallbackQuery",
        "setMyCommands",
    ] {
        assert!(
            checks.iter().any(|check| check.thing == method),
            "{method} was tried"
        );
    }
    // It takes away what it wrote.
    let lab = house.control.chat(LAB).await.expect("the lab");
    assert!(
        !lab.messages.iter().any(|m| m.text.contains("kymo doctor")),
        "{:?}",
        lab.messages
    );
    house.finish().await;
}

#[tokio::test]
async fn what_is_missing_is_named_with_its_remedy_and_never_the_token() {
    let house = House::new().await;
    house.ask(ADA, LAB, "/whoami").await;
    house.control.set_bot(LAB, "powerless").await.expect("done");
    house.control.privacy(false).await.expect("done");
    let config = BotConfig {
        database: "/nowhere/kymo.sqlite".to_owned(),
        ..house.config()
    };
    let checks = doctor::check(&config.into(), Err("the broker refused us".to_owned()), Some(LAB)).await;
    let words = told(&checks);
    for part in [
        "ERROR    log: the broker refused us",
        "ERROR    database",
        "warning  privacy mode",
        "warning  pinChatMessage",
    ] {
        assert!(words.contains(part), "{part} in\n{words}");
    }
    let checks = doctor::check(&house.config().into(), Ok(&house.log), None).await;
    assert!(told(&checks).contains("may not pin"), "{}", told(&checks));
    let wrong = BotConfig {
        token: "123456:not-the-token".into(),
        ..house.config()
    };
    let words = told(&doctor::check(&wrong.into(), Ok(&house.log), None).await);
    assert!(
        words.contains("ERROR    token") && !words.contains("not-the-token"),
        "{words}"
    );
    let nobody = BotConfig {
        api_url: Some("http://127.0.0.1:9/".parse().expect("an address")),
        ..house.config()
    };
    let words = told(&doctor::check(&nobody.into(), Ok(&house.log), None).await);
    assert!(
        words.contains("ERROR    telegram") && !words.contains(house.sandbox.bot_token()),
        "{words}"
    );
    house.finish().await;
}
