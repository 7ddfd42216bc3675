//! How updates reach the bot: `getUpdates`, or a webhook, never both.

use serde_json::{Value, json};
use url::Url;

use super::{Answer, Method, Run, kind::*, may, must};
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::world::World;
use crate::world::bot::Webhook;
use crate::world::update::KINDS;

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "getUpdates",
        params: &[
            may("offset", INT),
            may("limit", INT),
            may("timeout", INT),
            may("allowed_updates", STRINGS),
        ],
        run: Run::GetUpdates,
    },
    Method {
        name: "setWebhook",
        params: &[
            must("url", STR),
            may("max_connections", INT),
            may("allowed_updates", STRINGS),
            may("drop_pending_updates", BOOL),
            may("secret_token", STR),
        ],
        run: Run::Now(set_webhook),
    },
    Method {
        name: "deleteWebhook",
        params: &[may("drop_pending_updates", BOOL)],
        run: Run::Now(delete_webhook),
    },
    Method {
        name: "getWebhookInfo",
        params: &[],
        run: Run::Now(webhook_info),
    },
];

/// The kinds asked for; unknown ones are refused.
pub(crate) fn allowed_updates(args: &Args) -> Result<Option<Vec<String>>, ApiError> {
    let given: Option<Vec<String>> = args.object("allowed_updates")?;
    if let Some(odd) = given.iter().flatten().find(|k| !KINDS.contains(&k.as_str())) {
        return Err(ApiError::bad(format!(
            "the sandbox knows no kind of update \"{odd}\""
        )));
    }
    Ok(given)
}

fn set_webhook(world: &mut World, args: &Args) -> Answer {
    let url = args.text("url").unwrap_or_default();
    if url.is_empty() {
        return delete_webhook(world, args);
    }
    let parsed = Url::parse(&url).map_err(|_| ApiError::bad("bad webhook: invalid URL"))?;
    // Telegram wants HTTPS on 443, 80, 88 or 8443; a sandbox posts to this machine in the clear, on any port.
    let local = matches!(parsed.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if parsed.scheme() != "http" || !local {
        return Err(ApiError::bad(
            "bad webhook: the sandbox posts to http://127.0.0.1:<port>/... only",
        ));
    }
    let secret_token = args.text("secret_token").filter(|t| !t.is_empty());
    if let Some(secret) = &secret_token {
        if secret.len() > 256 {
            return Err(ApiError::bad("secret token is too long"));
        }
        if !secret
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        {
            return Err(ApiError::bad("secret token contains unallowed characters"));
        }
    }
    let max_connections = args.integer("max_connections")?.unwrap_or(40);
    if !(1..=100).contains(&max_connections) {
        return Err(ApiError::bad("max_connections must be between 1 and 100"));
    }
    if let Some(kinds) = allowed_updates(args)? {
        world.updates.allowed = kinds;
    }
    if args.flag("drop_pending_updates")? {
        world.updates.clear();
    }
    let allowed_updates = world.updates.allowed.clone();
    world.bot.webhook = Some(Webhook {
        url,
        secret_token,
        max_connections,
        allowed_updates,
        last_error: None,
    });
    // A poll that is under way ends with 409.
    world.updates.poll += 1;
    world.news.nudge();
    Ok(true.into())
}

fn delete_webhook(world: &mut World, args: &Args) -> Answer {
    if args.flag("drop_pending_updates")? {
        world.updates.clear();
    }
    world.bot.webhook = None;
    world.news.nudge();
    Ok(true.into())
}

fn webhook_info(world: &mut World, _: &Args) -> Answer {
    let pending = world.pending_updates(usize::MAX).len();
    let mut info: Value =
        json!({ "url": "", "has_custom_certificate": false, "pending_update_count": pending });
    if let Some(webhook) = &world.bot.webhook {
        info["url"] = webhook.url.as_str().into();
        info["max_connections"] = webhook.max_connections.into();
        if !webhook.allowed_updates.is_empty() {
            info["allowed_updates"] = json!(webhook.allowed_updates);
        }
        if let Some((date, message)) = &webhook.last_error {
            info["last_error_date"] = (*date).into();
            info["last_error_message"] = message.as_str().into();
        }
    }
    Ok(info)
}
