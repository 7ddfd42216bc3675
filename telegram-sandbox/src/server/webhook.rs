//! Posts updates to the bot's webhook, in order, and again until it answers 2xx.

use std::sync::Arc;
use std::time::Duration;

use super::{Shared, lock};
use crate::world::bot::Webhook;
use crate::world::news::EventKind;
use crate::world::update::Update;

const PATIENCE: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) async fn deliver(shared: Arc<Shared>) {
    let client = match reqwest::Client::builder().timeout(PATIENCE).no_proxy().build() {
        Ok(client) => client,
        Err(e) => {
            tracing::error!(error = %e, "no webhooks: the HTTP client cannot be built");
            return std::future::pending().await;
        }
    };
    let mut news = lock(&shared.world).news.follow();
    let mut pause = FIRST_PAUSE;
    loop {
        let next = {
            let mut world = lock(&shared.world);
            let webhook = world.bot.webhook.clone();
            webhook.and_then(|hook| world.pending_updates(1).pop().map(|update| (hook, update)))
        };
        let Some((hook, update)) = next else {
            if news.changed().await.is_err() {
                return;
            }
            continue;
        };
        match post(&client, &hook, &update).await {
            Ok(()) => {
                pause = FIRST_PAUSE;
                let mut world = lock(&shared.world);
                world.updates.confirm(update.id + 1);
                world.news.tell(EventKind::Confirmed, None, None, None);
            }
            Err(reason) => {
                note_failure(&shared, reason);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn post(client: &reqwest::Client, hook: &Webhook, update: &Update) -> Result<(), String> {
    let mut request = client.post(&hook.url).json(&update.to_json());
    if let Some(secret) = &hook.secret_token {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    let response = request.send().await.map_err(|e| match e.is_timeout() {
        true => "Read timeout expired".to_owned(),
        false => "Connection refused".to_owned(),
    })?;
    match response.status().is_success() {
        true => Ok(()),
        false => Err(format!("Wrong response from the webhook: {}", response.status())),
    }
}

fn note_failure(shared: &Shared, reason: String) {
    let mut world = lock(&shared.world);
    let now = world.now();
    if let Some(webhook) = &mut world.bot.webhook {
        webhook.last_error = Some((now, reason));
    }
}
