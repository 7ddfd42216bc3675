//! The phone page in a real Chromium: what a person with a phone does and sees.

use crate::world::{Browser, World, kill_9, lab};

#[tokio::test]
async fn a_person_starts_a_run_sees_it_grow_and_hears_of_its_crash() {
    let world = World::new().await;
    let phone = Browser::open(world.stage.sandbox.url()).await;
    phone.reads(".banner", "This is not Telegram").await;
    phone.screenshot("chats").await;

    phone.click_words("#chats button", "Airy lab").await;
    phone.write("#composer textarea", "/run airy pace=0.3").await;
    phone.click("#composer .send").await;
    phone.reads("article .key", "Start").await;
    phone.screenshot("card").await;
    phone.click_words("article .key", "Start").await;

    phone.wait("#pinned:not([hidden]) .jump").await;
    let topic = crate::world::until("the run's topic", || async { world.topics().await.pop() }).await;
    world.reaches(&topic, 25).await;
    phone.reads("article", "/101").await;
    phone.screenshot("panel").await;
    phone.click_words("article .key", "Status").await;
    phone.reads("#toasts, dialog[open]", "airy").await;
    phone.screenshot("status").await;
    phone.click("dialog[open] .buttons button").await;

    kill_9(world.pid_of(&topic, "solver").await);
    phone.reads("article", "SIGKILL").await;
    phone.screenshot("alert").await;
    phone.reads("article", "ecovered").await;
    phone.screenshot("recovered").await;

    phone.click_words("article .picture", "").await;
    phone.wait("dialog[open]").await;
    phone.screenshot("full-screen").await;
    world.finish().await;
}

#[tokio::test]
async fn a_stranger_sees_no_answer_on_the_page() {
    let world = World::new().await;
    let phone = Browser::open(world.stage.sandbox.url()).await;
    phone.click("#who").await;
    phone.click_words("dialog.people li button", "Mallory").await;
    phone.click_words("#chats button", "Kymograph").await;
    phone.click("#composer .start").await;
    world.say(lab::GRACE, lab::GROUP, "/whoami").await;
    world.hears(lab::GROUP, "admin").await;
    phone.screenshot("stranger").await;
    let chat = world.phone().chat(lab::MALLORY).await.expect("her chat");
    assert!(
        chat.messages.iter().all(|message| message.from == lab::MALLORY),
        "{chat:?}"
    );
    world.finish().await;
}
