//! How the demo opens: the group hears alerts, and a paced run is already growing.

use anyhow::Context;
use kymo_telegram_sandbox::{ChatState, MessageState};

use super::stage::{Stage, lab};

/// Grace lets Ada operate, the group subscribes to alerts, and Ada starts a slowed-down airy run there.
pub async fn begin(stage: &Stage) -> anyhow::Result<()> {
    open_the_lab(stage).await?;
    start_run(stage, "airy pace=1").await
}

/// Ada may operate, and the group hears alerts.
pub async fn open_the_lab(stage: &Stage) -> anyhow::Result<()> {
    let phone = stage.sandbox.control();
    phone
        .send(
            lab::GRACE,
            lab::GROUP,
            &format!("/access grant {} operator", lab::ADA),
        )
        .await?;
    hears(stage, lab::GROUP, "operator").await?;
    phone.send(lab::GRACE, lab::GROUP, "/alerts here").await?;
    hears(stage, lab::GROUP, "alerts").await?;
    Ok(())
}

/// Ada orders a run in the group and presses Start on its card; done when its panel is pinned.
pub async fn start_run(stage: &Stage, order: &str) -> anyhow::Result<()> {
    let phone = stage.sandbox.control();
    phone.send(lab::ADA, lab::GROUP, &format!("/run {order}")).await?;
    press(stage, lab::ADA, lab::GROUP, "Start").await?;
    panel(stage, lab::GROUP).await?;
    Ok(())
}

/// Presses the newest button whose label contains this, as soon as there is one.
pub async fn press(stage: &Stage, person: i64, chat: i64, label: &str) -> anyhow::Result<()> {
    let phone = stage.sandbox.control();
    let (message, data) = phone
        .wait_for(&format!("a button {label:?}"), |state| {
            newest_button(state.chat(chat)?, label)
        })
        .await?;
    phone
        .press_data(person, chat, message, &data)
        .await
        .with_context(|| format!("press {label:?}"))?;
    Ok(())
}

/// The newest message with such a button, and what the button sends.
pub fn newest_button(chat: &ChatState, label: &str) -> Option<(i64, String)> {
    let mut newest = chat.messages.iter().rev();
    newest.find_map(|message| Some((message.id, button_of(message, label)?)))
}

/// What the message's button of that name sends.
pub fn button_of(message: &MessageState, label: &str) -> Option<String> {
    let mut buttons = message.buttons.iter().flatten();
    buttons.find(|button| button.text.contains(label))?.data.clone()
}

/// Waits until the bot has said something with these words.
pub async fn hears(stage: &Stage, chat: i64, words: &str) -> anyhow::Result<MessageState> {
    let look = |state: &kymo_telegram_sandbox::State| {
        let bot = state.bot.id;
        let mut said = state
            .chat(chat)?
            .messages
            .iter()
            .rev()
            .filter(|message| message.from == bot);
        said.find(|message| message.text.contains(words)).cloned()
    };
    Ok(stage
        .sandbox
        .control()
        .wait_for(&format!("{words:?} in the chat"), look)
        .await?)
}

/// The pinned message with a picture, as soon as there is one.
pub async fn panel(stage: &Stage, chat: i64) -> anyhow::Result<MessageState> {
    let look = |state: &kymo_telegram_sandbox::State| pinned_panel(state.chat(chat)?).cloned();
    Ok(stage.sandbox.control().wait_for("a pinned panel", look).await?)
}

pub fn pinned_panel(chat: &ChatState) -> Option<&MessageState> {
    chat.messages
        .iter()
        .rev()
        .find(|message| message.pinned && message.kind == "photo")
}
