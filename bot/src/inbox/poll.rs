//! Asks Telegram for updates, records them, and hands them on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use kymo_store::{ChatId, InboxUpdate, Store};
use serde_json::Value;
use teloxide::types::Update;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::line::{self, Waiting};
use super::{Excuse, Handler, KINDS};
use crate::telegram::{Telegram, TelegramError};

/// Updates taken from Telegram and not handled yet: then it waits.
const AT_ONCE: usize = 256;

/// Takes updates in until `stop`. Ends by itself only when the token is wrong or the database is damaged.
pub async fn run(
    telegram: Telegram,
    store: Store,
    handler: Handler,
    excuse: Excuse,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (lines, waiting) = mpsc::channel(AT_ONCE);
    let working = line::work(store.clone(), handler, excuse.clone(), waiting, stop.clone());
    let polling = poll(telegram, store, lines, excuse, stop);
    let (worked, polled) = tokio::join!(working, polling);
    polled.and(worked)
}

async fn poll(
    telegram: Telegram,
    store: Store,
    lines: mpsc::Sender<Waiting>,
    excuse: Excuse,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let space = Arc::new(Semaphore::new(AT_ONCE));
    let mut offset = store.last_update().await?.map_or(0, |last| last + 1);
    for update in store.recover_updates().await? {
        if stop
            .run_until_cancelled(hand_on(&lines, &space, update))
            .await
            .is_none()
        {
            return Ok(());
        }
    }
    let mut trouble = Trouble::default();
    loop {
        let Some(answer) = stop
            .run_until_cancelled(telegram.get_updates(offset, KINDS))
            .await
        else {
            return Ok(());
        };
        let pause = match answer {
            Ok(updates) => {
                trouble.over("Telegram is back");
                let next = updates
                    .iter()
                    .filter_map(|update| update["update_id"].as_i64())
                    .max();
                let read: Vec<InboxUpdate> = updates.into_iter().filter_map(read).collect();
                match store.record_updates(&read, Utc::now()).await {
                    Ok(new) => {
                        offset = next.map_or(offset, |last| last + 1);
                        for update in new {
                            if stop
                                .run_until_cancelled(hand_on(&lines, &space, update))
                                .await
                                .is_none()
                            {
                                return Ok(());
                            }
                        }
                        None
                    }
                    // Not recorded, so not confirmed: Telegram sends them again.
                    Err(error) if error.is_passing() => {
                        for update in read.iter().filter_map(parse) {
                            excuse(update, error.clone()).await;
                        }
                        Some(trouble.again(format!("updates cannot be recorded: {error}")))
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error @ TelegramError::Unauthorized) => return Err(error.into()),
            Err(TelegramError::Flooded(pause)) => Some(pause),
            Err(TelegramError::Webhook) => {
                // Whoever gave us the token wants the bot to live here.
                tracing::warn!("the bot had a webhook, which is removed now: updates are asked for");
                match telegram.call("deleteWebhook", &serde_json::json!({})).await {
                    Ok(_) => None,
                    Err(error) => Some(trouble.again(format!("the webhook stays for now: {error}"))),
                }
            }
            Err(error) => Some(trouble.again(format!("no updates for now: {error}"))),
        };
        if let Some(pause) = pause
            && stop
                .run_until_cancelled(tokio::time::sleep(pause))
                .await
                .is_none()
        {
            return Ok(());
        }
    }
}

async fn hand_on(lines: &mpsc::Sender<Waiting>, space: &Arc<Semaphore>, update: InboxUpdate) {
    let Ok(place) = space.clone().acquire_owned().await else {
        return;
    };
    // The other side only goes away when the bot stops; the update is recorded.
    let _ = lines
        .send(Waiting {
            update,
            _place: place,
        })
        .await;
}

/// An update as the inbox keeps it. Without a number it cannot be confirmed either.
fn read(update: Value) -> Option<InboxUpdate> {
    let update_id = update["update_id"].as_i64()?;
    let body = update.to_string();
    // From text: teloxide reads an update's kind only from borrowed keys, and finds none in a `Value`.
    let chat = serde_json::from_str::<Update>(&body).ok().and_then(|update| {
        let chat = update.chat().map(|chat| chat.id.0);
        chat.or_else(|| update.from().and_then(|person| i64::try_from(person.id.0).ok()))
    });
    Some(InboxUpdate {
        update_id,
        chat: chat.map(ChatId),
        body,
        tries: 0,
    })
}

/// `None` for what Telegram sends and teloxide does not know.
pub(super) fn parse(update: &InboxUpdate) -> Option<Update> {
    serde_json::from_str(&update.body).ok()
}

/// Says once what is wrong, and once that it is over.
#[derive(Default)]
pub(crate) struct Trouble {
    said: HashMap<String, u32>,
    times: u32,
}

impl Trouble {
    /// How long to wait before the next try.
    pub fn again(&mut self, what: String) -> Duration {
        let times = self.said.entry(what.clone()).or_default();
        *times += 1;
        if *times == 1 {
            tracing::warn!("{what}");
        }
        self.times += 1;
        let pause = Duration::from_millis(250) * 2u32.saturating_pow(self.times.min(6) - 1);
        pause.min(Duration::from_secs(8))
    }

    pub fn over(&mut self, what: &str) {
        if self.times > 0 {
            tracing::info!("{what}");
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_stands_in_the_line_of_its_chat_or_else_of_its_sender() {
        let ada = json!({"id": 1001, "is_bot": false, "first_name": "Ada"});
        let lab = json!({"id": -2001, "type": "group", "title": "Lab"});
        let message = json!({"message_id": 5, "date": 1, "chat": lab, "from": ada, "text": "hello"});
        let cases = [
            (json!({"update_id": 1, "message": message}), Some(-2001)),
            (
                json!({"update_id": 2, "callback_query":
                    {"id": "7", "from": ada, "message": message, "chat_instance": "1", "data": "x"}}),
                Some(-2001),
            ),
            (
                json!({"update_id": 3, "inline_query": {"id": "8", "from": ada, "query": "", "offset": ""}}),
                Some(1001),
            ),
            (json!({"update_id": 4, "something_new": {}}), None),
        ];
        for (update, chat) in cases {
            let kept = read(update.clone()).expect("it has a number");
            assert_eq!(kept.chat, chat.map(ChatId), "{update}");
        }
        assert_eq!(read(json!({"message": message})), None);
    }
}
