//! Who is heard: the claim link, roles given and taken, strangers.

use kymo_bot::BotConfig;

use crate::house::*;

#[tokio::test]
async fn the_first_admin_claims_the_bot_by_a_link_that_works_once() {
    let house = House::empty(Vec::new()).await;
    let config = BotConfig {
        admins: Vec::new(),
        ..house.config()
    };
    house
        .control
        .start(EVE, "claim-00000000000000000000000000000000")
        .await
        .expect("sent");
    let link = kymo_bot::greet(&config)
        .await
        .expect("Telegram answers")
        .claim_link
        .expect("there is no admin");
    let name = house.sandbox.username().to_owned();
    let secret = link
        .strip_prefix(&format!("https://t.me/{name}?start="))
        .expect("a link to the bot")
        .to_owned();
    // A newer link ends the older one.
    let newer = kymo_bot::greet(&config)
        .await
        .expect("Telegram answers")
        .claim_link
        .expect("there is no admin");
    house.control.start(EVE, &secret).await.expect("sent");
    let secret = newer.rsplit('=').next().expect("a secret").to_owned();
    let sent = house.control.start(ADA, &secret).await.expect("sent");
    insta::assert_snapshot!(house.next(ADA, sent, "the claim").await.text, @"
    Welcome, Ada. You are the admin of this bot now; the link is used up.
    Let others in with /access grant, start something with /run.
    ");
    assert_eq!(kymo_bot::greet(&config).await.expect("asked").claim_link, None);
    house.control.start(EVE, &secret).await.expect("sent");
    // Eve's updates are dealt with before this answer: nobody answers her.
    let known = house
        .until_said(ADA, "/access list", ADA, |text| {
            text.contains("1 people, 3 times")
        })
        .await;
    assert!(
        known.text.contains("Ada @ada 1001: admin, by claim link"),
        "{}",
        known.text
    );
    assert_eq!(bot_messages(&house, EVE).await, 0);
    house.finish().await;
}

async fn bot_messages(house: &House, chat: i64) -> usize {
    let state = house.control.state().await.expect("a state");
    let bot = state.bot.id;
    state.chat(chat).map_or(0, |chat| {
        chat.messages
            .iter()
            .filter(|m| m.from == bot && m.service.is_none())
            .count()
    })
}

#[tokio::test]
async fn strangers_get_silence_and_are_counted() {
    let house = House::new().await;
    let card = house.ask(ADA, LAB, "/run airy").await;
    let before = bot_messages(&house, LAB).await;
    house.control.send(EVE, EVE, "/start").await.expect("sent");
    house.control.send(EVE, EVE, "/run airy").await.expect("sent");
    house.control.send(EVE, LAB, "/run airy").await.expect("sent");
    house
        .control
        .press(EVE, LAB, card.id, "▶ Start")
        .await
        .expect("pressed");
    let list = house
        .until_said(ADA, "/access list", ADA, |text| text.contains("4 times"))
        .await;
    assert!(list.text.contains("Eve <b> @eve 1666"), "{}", list.text);
    assert_eq!(bot_messages(&house, EVE).await, 0);
    assert_eq!(bot_messages(&house, LAB).await, before);
    let toasts = house.control.state().await.expect("a state").toasts;
    assert!(toasts.iter().all(|toast| toast.person != EVE), "{toasts:?}");
    assert!(house.orders().await.is_empty());
    house.finish().await;
}

#[tokio::test]
async fn roles_are_given_by_number_by_name_and_by_reply() {
    let house = House::new().await;
    house.control.send(EVE, EVE, "let me in").await.expect("sent");
    house
        .until_said(ADA, "/access list", ADA, |text| text.contains("@eve"))
        .await;
    let given = house.ask(ADA, ADA, "/access grant @eve viewer").await;
    insta::assert_snapshot!(given.text, @"Eve <b> (1666) is viewer now.");
    let hello = house.ask(EVE, EVE, "/start").await;
    insta::assert_snapshot!(hello.text, @"Hello Eve <b>. You are viewer here. /help lists what I can do.");
    let refused = house.ask(EVE, EVE, "/run airy").await;
    insta::assert_snapshot!(refused.text, @"/run needs the role operator; you are viewer. An admin can change that: /access grant 1666 operator");
    let word = house.control.send(BOB, LAB, "/runs").await.expect("sent");
    let answer = house.next(LAB, word, "/runs").await;
    insta::assert_snapshot!(answer.text, @"No runs yet. /run starts one.");
    let reply = house
        .control
        .reply(ADA, LAB, word, "/access grant admin")
        .await
        .expect("sent");
    let given = house.next(LAB, reply, "the grant").await.text;
    assert!(given.contains("(1002) is admin now"), "{given}");
    insta::assert_snapshot!(house.ask(BOB, BOB, "/access revoke 1666").await.text, @"Eve <b> (1666) is a stranger now and gets no more answers.");
    house.control.send(EVE, EVE, "/runs").await.expect("sent");
    for (wrong, words) in [
        ("/access grant @nobody viewer", "I have never met @nobody"),
        ("/access grant -5 viewer", "group's number"),
        ("/access grant 5 god", "Write /access list"),
        ("/access revoke 1001", "by the configuration"),
        ("/access revoke 4711", "has no role"),
    ] {
        let answer = house.ask(ADA, ADA, wrong).await;
        assert!(answer.text.contains(words), "{wrong}: {}", answer.text);
    }
    for wrong in ["0", "-3", "51", "abc"] {
        let refused = house.ask(ADA, ADA, &format!("/audit {wrong}")).await.text;
        assert_eq!(
            refused,
            format!("{wrong} is no number of entries. Write /audit, or /audit N with N from 1 to 50.")
        );
    }
    let audit = house.ask(ADA, ADA, "/audit 50").await;
    for line in [
        "/access grant @eve viewer → 1666 is viewer now",
        "/run airy → refused: /run needs the role operator",
    ] {
        assert!(audit.text.contains(line), "{line} in {}", audit.text);
    }
    house.finish().await;
}

#[tokio::test]
async fn groups_hear_only_what_is_meant_for_this_bot() {
    let house = House::new().await;
    let before = bot_messages(&house, LAB).await;
    for text in ["/run@other_bot airy", "/weather", "hello", "/"] {
        // Privacy mode hides some of them; the rest is not ours.
        let _ = house.control.send(ADA, LAB, text).await;
    }
    let ours = format!("/whoami@{}", house.sandbox.username());
    let answer = house.ask(ADA, LAB, &ours).await;
    insta::assert_snapshot!(answer.text, @"
    Ada (@ada)
    Your number: 1001
    Your role: admin
    This chat: -2001
    ");
    assert_eq!(bot_messages(&house, LAB).await, before + 1);
    let unknown = house.ask(ADA, ADA, "/weather").await;
    insta::assert_snapshot!(unknown.text, @"I do not know /weather. /help lists what I can do.");
    let help = house.ask(VERA, VERA, "/help").await;
    assert!(
        help.text.contains("/status") && !help.text.contains("/access"),
        "{}",
        help.text
    );
    house.finish().await;
}
