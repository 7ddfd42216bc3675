//! From `/run` to an order in the log.

use kymo_runlog::event::RunEvent;
use kymo_runlog::order::{Order, When};

use crate::house::*;

#[tokio::test]
async fn a_run_is_ordered_through_its_card() {
    let house = House::new().await;
    let card = house.ask(BOB, LAB, "/run airy eps=9 pace=0.5").await;
    insta::assert_snapshot!(format!("{}\n{}", card.text, labels(&card)), @"
    Start airy? an Airy pulse enters a layer
    eps = 9 (default 4)
    h = 0.01 L
    orientation = front_first
    note = empty
    Slowed down on purpose: 0.5 s after each iteration
    A new run.
    Short id est8vpge
    eps 9 | h 0.01 | orientation front_first
    note empty
    ▶ Start | ✖ Cancel
    ");
    let open = house.press(BOB, &card, LAB, &label(&card, "eps")).await;
    assert_eq!(open.text, "");
    let card = house
        .until_shown(LAB, card.id, "eps is open", |m| m.text.contains("what eps means"))
        .await;
    insta::assert_snapshot!(format!("{}\n{}", card.text, labels(&card)), @"
    eps: what eps means
    a number, 1 … 25
    Now: 9
    default 4 | − 8
    + 10 | ½ 4.5
    2× 18 | least 1
    most 25
    ✏ Type a value | ‹ Back
    ");
    house.press(BOB, &card, LAB, "− 8").await;
    let card = house
        .until_shown(LAB, card.id, "eps is 8", |m| m.text.contains("eps = 8"))
        .await;

    // The card survives the bot.
    let house = house.restart().await;
    house
        .until_said(ADA, "/solvers", ADA, |text| text.contains("airy"))
        .await;
    let toast = house.press(BOB, &card, LAB, "▶ Start").await;
    assert_eq!(toast.text, "Ordered");
    let wanted = Order::Start {
        run: run(&["eps=8"]),
        topic: run(&["eps=8"]).topic(),
        fresh: false,
        pace: Some(0.5),
        on: Vec::new(),
    };
    assert_eq!(house.order(1).await, wanted);
    let closed = house
        .until_shown(LAB, card.id, "the card is closed", |m| m.buttons.is_empty())
        .await;
    insta::assert_snapshot!(closed.text, @"▶ airy eps=8 (rgcghjmj) starts, ordered by Bob.");

    // A second press of the same card orders nothing.
    let again = house
        .control
        .press_data(BOB, LAB, card.id, &start_data(&card))
        .await;
    assert!(again.is_err(), "the button is gone");
    assert_eq!(house.orders().await.len(), 1);
    house.finish().await;
}

fn start_data(card: &kymo_telegram_sandbox::MessageState) -> String {
    let button = card
        .buttons
        .iter()
        .flatten()
        .find(|button| button.text.contains("Start"))
        .expect("a button");
    button.data.clone().expect("data")
}

#[tokio::test]
async fn only_who_opened_a_card_or_an_admin_may_use_it() {
    let house = House::new().await;
    let card = house.ask(ADA, LAB, "/run airy").await;
    insta::assert_snapshot!(house.press(BOB, &card, LAB, "▶ Start").await.text, @"This card is somebody else's. /run opens one of your own.");
    insta::assert_snapshot!(house.press(VERA, &card, LAB, "▶ Start").await.text, @"That button needs the role operator; you are viewer. An admin can change that: /access grant 1003 operator");
    let card = house.ask(BOB, LAB, "/run airy").await;
    assert_eq!(house.press(ADA, &card, LAB, "▶ Start").await.text, "Ordered");
    assert!(matches!(house.order(1).await, Order::Start { .. }));
    assert_eq!(house.orders().await.len(), 1);
    house.finish().await;
}

#[tokio::test]
async fn a_value_is_typed_as_a_reply() {
    let house = House::new().await;
    let card = house.ask(BOB, LAB, "/run airy").await;
    house.press(BOB, &card, LAB, &label(&card, "note")).await;
    let card = house
        .until_shown(LAB, card.id, "note is open", |m| {
            m.text.contains("what note means")
        })
        .await;
    house.press(BOB, &card, LAB, "✏ Type a value").await;
    let question = house.next(LAB, card.id, "the question").await;
    insta::assert_snapshot!(question.text, @"Reply to this message with the value of note (a text of at most 300 characters).");
    let bad = house
        .control
        .reply(BOB, LAB, question.id, &"x".repeat(301))
        .await
        .expect("sent");
    insta::assert_snapshot!(house.next(LAB, bad, "too long").await.text, @"
    note has 301 characters; at most 300 are allowed, so shorten it
    Reply to the question again with a shorter text.
    ");
    let good = house
        .control
        .reply(BOB, LAB, question.id, "<b>🙂 שלום</b>")
        .await
        .expect("sent");
    assert_eq!(
        house.next(LAB, good, "the value").await.text,
        "note is \u{2068}<b>🙂 שלום</b>\u{2069} now."
    );
    let card = house
        .until_shown(LAB, card.id, "the note", |m| m.text.contains("🙂"))
        .await;
    assert_eq!(house.press(BOB, &card, LAB, "▶ Start").await.text, "Ordered");
    let Order::Start { run, .. } = house.order(1).await else {
        panic!("a start")
    };
    assert_eq!(run.parameters.get("note"), Some(&"<b>🙂 שלום</b>".into()));
    house.finish().await;
}

#[tokio::test]
async fn a_bare_run_offers_the_solvers_and_wrong_parameters_are_explained() {
    let house = House::new().await;
    let solvers = house.ask(BOB, BOB, "/run").await;
    let sent = house.control.press(BOB, BOB, solvers.id, "airy").await;
    assert!(sent.is_ok());
    let card = house.next(BOB, solvers.id, "the card").await;
    assert!(card.text.starts_with("Start airy?"), "{}", card.text);
    for (wrong, words) in [
        ("/run airy eps=99 h=2s hh=1", "eps=99 is out of range"),
        ("/run airi", "Did you mean airy?"),
        ("/run <script>", "There is no solver <script>"),
        ("/run airy pace=-1", "pace=-1 is out of range"),
        ("/run airy eps=4 eps=5", "given twice"),
        ("/run airy 🙂=1", "no parameter"),
    ] {
        let answer = house.ask(BOB, BOB, wrong).await;
        assert!(answer.text.contains(words), "{wrong}: {}", answer.text);
    }
    let long = house.ask(BOB, BOB, &format!("/run {}", "n".repeat(300))).await;
    assert!(
        long.text.contains("There is no solver") && long.text.len() < 300,
        "{}",
        long.text
    );
    assert!(house.orders().await.is_empty());
    house.finish().await;
}

#[tokio::test]
async fn a_run_with_results_is_resumed_or_begun_afresh() {
    let house = House::new().await;
    let id = run(&[]);
    house.log.create(&id.topic()).await.expect("the topic");
    house.happens(&id, 1, 0, RunEvent::Started { pid: 1 }).await;
    house
        .until_said(BOB, "/runs", BOB, |text| text.contains("running"))
        .await;
    let busy = house.ask(BOB, BOB, "/run airy").await;
    assert!(busy.text.contains("computed already"), "{}", busy.text);
    assert_eq!(labels(&busy).lines().last(), Some("✖ Cancel"));

    // A Stop asks first, and is void for a later attempt.
    let ask = house.ask(BOB, BOB, "/stop airy").await;
    insta::assert_snapshot!(format!("{}\n{}", ask.text.replace(short(&id).as_str(), "SHORT"), labels(&ask)), @"
    Stop airy (SHORT)? What it has computed is kept; Start goes on from there.
    After this iteration | Now
    Keep it running
    ");
    house.happens(&id, 2, 40, RunEvent::Resumed { pid: 2 }).await;
    house
        .until_said(BOB, "/runs", BOB, |text| text.contains("iteration 40"))
        .await;
    insta::assert_snapshot!(house.press(BOB, &ask, BOB, "Now").await.text, @"It was started again since; ask anew");
    let ask = house.ask(BOB, BOB, &format!("/stop {}", short(&id))).await;
    house.press(BOB, &ask, BOB, "After this iteration").await;
    assert_eq!(
        house.order(1).await,
        Order::Stop {
            topic: id.topic(),
            when: When::AfterIteration
        }
    );
    house
        .happens(&id, 2, 41, RunEvent::Stopped { by: "Bob".to_owned() })
        .await;
    house
        .until_said(BOB, "/runs", BOB, |text| text.contains("stopped by Bob"))
        .await;

    let card = house.ask(BOB, BOB, "/run airy").await;
    assert!(card.text.contains("results up to iteration 41"), "{}", card.text);
    house.press(BOB, &card, BOB, "⟲ Start afresh").await;
    let Order::Start { fresh, .. } = house.order(2).await else {
        panic!("a start")
    };
    assert!(fresh);
    house.finish().await;
}

fn short(id: &kymo_runlog::RunId) -> String {
    kymo_runlog::ShortId::of(&id.topic()).to_string()
}
