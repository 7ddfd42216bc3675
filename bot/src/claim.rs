//! The one-time link by which the first admin claims the bot: `t.me/<bot>?start=claim-<secret>`.

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use kymo_store::{Person as Member, Role, Store, StoreError};
use rand::RngCore;
use sha2::{Digest, Sha256};

use crate::BotConfig;
use crate::access::Person;
use crate::telegram::Telegram;

const PREFIX: &str = "claim-";
const VALID: TimeDelta = TimeDelta::days(1);

/// What `kymo up` says once Telegram has said who the bot is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The bot's name without the `@`.
    pub username: String,
    /// The link for the first admin; `None` when there is an admin already.
    pub claim_link: Option<String>,
}

/// Asks Telegram who the bot is. Each call makes a new link, and earlier ones end.
pub async fn greet(config: &BotConfig) -> anyhow::Result<Greeting> {
    let me = Telegram::new(&config.token, config.api_url.as_ref())?
        .get_me()
        .await
        .context("ask Telegram for the bot's name")?;
    let mut greeting = Greeting {
        username: me.username().to_owned(),
        claim_link: None,
    };
    if config.admins.is_empty() {
        let store = Store::open(&config.database).await?;
        greeting.claim_link = make_link(&store, me.username(), Utc::now()).await?;
    }
    Ok(greeting)
}

/// Makes a new link; earlier ones end. `None` when there is an admin already.
async fn make_link(
    store: &Store,
    bot_username: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    if store.has_admin().await? {
        return Ok(None);
    }
    let mut secret = [0u8; 16];
    rand::rng().fill_bytes(&mut secret);
    let secret = hex::encode(secret);
    store.put_claim_link(&hash(&secret), now, now + VALID).await?;
    Ok(Some(format!(
        "https://t.me/{bot_username}?start={PREFIX}{secret}"
    )))
}

/// The secret in what a person sent: `/start claim-<secret>`.
pub fn find_secret(arguments: &str) -> Option<String> {
    let secret = arguments.trim().strip_prefix(PREFIX)?;
    (secret.len() == 32 && secret.bytes().all(|b| b.is_ascii_hexdigit())).then(|| secret.to_owned())
}

/// Makes the person the first admin if the link is good. `false`: nothing happened.
pub async fn redeem(
    store: &Store,
    person: &Person,
    secret: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let admin = Member {
        id: person.id,
        role: Role::Admin,
        name: person.name.clone(),
        username: person.username.clone(),
        granted_by: "claim link".to_owned(),
        granted_at: now,
    };
    // The secret is looked up by its hash, so how long that takes tells nothing about it.
    store.redeem_claim_link(&hash(secret), &admin).await
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_secret_is_taken() {
        let secret = "0123456789abcdef0123456789abcdef";
        assert_eq!(find_secret(&format!(" claim-{secret} ")).as_deref(), Some(secret));
        for text in [
            "",
            "claim-",
            "claim-12",
            secret,
            "claim-0123456789abcdef0123456789abcde'",
            "CLAIM-",
        ] {
            assert_eq!(find_secret(text), None, "{text}");
        }
    }
}
