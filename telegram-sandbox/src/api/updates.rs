//! `getUpdates`: long polling with confirmation by offset.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::args::Args;
use super::error::ApiError;
use super::method::{Answer, polling};
use crate::server::lock;
use crate::world::World;
use crate::world::news::EventKind;

const LONGEST_POLL: i64 = 50;
const TERMINATED: &str =
    "terminated by other getUpdates request; make sure that only one bot instance is running";
const WEBHOOK_ACTIVE: &str =
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first";
const TERMINATED_BY_WEBHOOK: &str = "terminated by setWebhook request";

pub(crate) async fn get_updates(world: &Mutex<World>, args: &Args) -> Answer {
    let limit = match args.integer("limit")?.unwrap_or(100) {
        limit @ 1..=100 => usize::try_from(limit).unwrap_or(100),
        _ => 100,
    };
    let timeout = args.integer("timeout")?.unwrap_or(0).clamp(0, LONGEST_POLL);
    let until = Instant::now() + Duration::from_secs(u64::try_from(timeout).unwrap_or(0));
    let (turn, mut news) = {
        let mut world = lock(world);
        if world.bot.webhook.is_some() {
            return Err(ApiError::conflict(WEBHOOK_ACTIVE));
        }
        if let Some(kinds) = polling::allowed_updates(args)? {
            world.updates.allowed = kinds;
        }
        if let Some(offset) = args.integer("offset")? {
            let before = world.updates.len();
            world.updates.confirm(offset);
            if world.updates.len() != before {
                world.news.tell(EventKind::Confirmed, None, None, None);
            }
        }
        world.updates.poll += 1;
        let news = world.news.follow();
        world.news.nudge();
        (world.updates.poll, news)
    };
    loop {
        {
            let mut world = lock(world);
            if world.updates.poll != turn {
                let by_webhook = world.bot.webhook.is_some();
                return Err(ApiError::conflict(if by_webhook {
                    TERMINATED_BY_WEBHOOK
                } else {
                    TERMINATED
                }));
            }
            let found = world.pending_updates(limit);
            if !found.is_empty() || Instant::now() >= until {
                return Ok(found.iter().map(|u| u.to_json()).collect::<Vec<Value>>().into());
            }
        }
        // Whoever holds the sender is the world itself, so this never fails while we run.
        let _ = tokio::time::timeout_at(until, news.changed()).await;
    }
}
