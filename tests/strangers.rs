//! Strangers get silence everywhere, and are counted.

use crate::world::{World, lab};

#[tokio::test]
async fn a_stranger_gets_no_answer_in_private_in_the_group_or_from_buttons() {
    let world = World::new().await;
    world.run(lab::ADA, lab::GROUP, "lorenz pace=0.2").await;
    let panel = world.panel(lab::GROUP).await;
    world
        .phone()
        .join(lab::MALLORY, lab::GROUP)
        .await
        .expect("anybody may be invited");

    for text in [
        "/start",
        "/run airy",
        "/help",
        "/whoami",
        "hello?",
        "/access grant 1666 admin",
    ] {
        world.say(lab::MALLORY, lab::MALLORY, text).await;
    }
    for text in ["/stop", "/run airy", "/panel", "/runs@kymo_bot"] {
        world.say(lab::MALLORY, lab::GROUP, text).await;
    }
    for button in panel
        .buttons
        .iter()
        .flatten()
        .filter_map(|button| button.data.clone())
    {
        world
            .phone()
            .press_data(lab::MALLORY, lab::GROUP, panel.id, &button)
            .await
            .expect("the button is there");
    }
    // Somebody whom the bot knows speaks last: once she is answered, all of the above has been handled.
    world.say(lab::GRACE, lab::GROUP, "/whoami").await;
    world.hears(lab::GROUP, "admin").await;

    let state = world.phone().state().await.expect("the sandbox answers");
    let private = state.chat(lab::MALLORY).expect("her own chat");
    let said: Vec<_> = private
        .messages
        .iter()
        .filter(|m| m.from == state.bot.id)
        .collect();
    assert!(said.is_empty(), "the bot answered a stranger: {said:?}");
    assert!(
        !state
            .toasts
            .iter()
            .any(|toast| toast.person == lab::MALLORY && !toast.text.is_empty())
    );
    assert_eq!(world.topics().await.len(), 1, "no run of hers");
    world.finish().await;
}
