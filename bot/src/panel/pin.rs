//! Pinning quietly, and taking away Telegram's line about it.

use kymo_store::{Destination, Panel, Pin, Store, StoreError};
use teloxide::types::{MessageKind, Update, UpdateKind, UserId};
use tokio_util::sync::CancellationToken;

use crate::html::escape;
use crate::outbox::{Class, Outbox, SendError, TextMessage};
use crate::telegram::TelegramError;
use crate::written::written;

/// Pins a panel that was posted; what is missing is said once per chat.
pub(super) async fn pin(
    store: &Store,
    outbox: &Outbox,
    panel: &Panel,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    let current = store.find_panel(&panel.topic, panel.chat).await?;
    // Once pinned, what people do to the pin is theirs.
    let wanted = current.is_some_and(|now| now.generation == panel.generation && now.pin == Pin::Wanted);
    let (Some(message), true) = (panel.message, wanted) else {
        return Ok(());
    };
    let pin = match outbox.pin(panel.chat, message).await {
        // Gone while it was to be pinned: the next edit finds out and posts it anew.
        Ok(()) | Err(SendError::Telegram(TelegramError::PinGone | TelegramError::MessageGone)) => Pin::Pinned,
        Err(SendError::Telegram(TelegramError::NoRight(reason))) => {
            tell_missing_right(store, outbox, panel, &reason).await?;
            Pin::Refused
        }
        Err(error) => {
            tracing::warn!(
                "the panel of {} in chat {} is not pinned yet: {error}",
                panel.topic,
                panel.chat
            );
            return Ok(());
        }
    };
    let write = || store.set_panel_pin(panel, pin);
    written("a pin", stop, write).await
}

async fn tell_missing_right(
    store: &Store,
    outbox: &Outbox,
    panel: &Panel,
    reason: &str,
) -> Result<(), StoreError> {
    if store.tell_missing_pin(panel.chat).await? {
        let to = Destination {
            chat: panel.chat,
            thread: panel.thread,
        };
        let html = format!(
            "I may not pin messages here, so panels stay unpinned. Make me an admin with “Pin messages”, \
             then /panel. <i>({})</i>",
            escape(reason)
        );
        if let Err(error) = outbox
            .send_text(Class::Reply, TextMessage::new(to, html).silent())
            .await
        {
            tracing::warn!(
                "the chat {} does not know that the right to pin is missing: {error}",
                panel.chat
            );
        }
    }
    Ok(())
}

/// Whether an update is Telegram's line "... pinned a message" about a pin of the bot itself.
pub fn is_pin_notice(update: &Update, bot: UserId) -> bool {
    match &update.kind {
        UpdateKind::Message(message) => {
            matches!(message.kind, MessageKind::Pinned(_))
                && message.from.as_ref().is_some_and(|person| person.id == bot)
        }
        _ => false,
    }
}
