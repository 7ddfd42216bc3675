//! Telegram: reachable, the token, privacy mode, a webhook that would swallow updates, the clock.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Check, House};
use crate::telegram::{Telegram, TelegramError};

/// Alerts and ages would be told wrong from here on.
const SKEW: TimeDelta = TimeDelta::seconds(5);

pub(super) async fn check(telegram: &Telegram, house: &House) -> Vec<Check> {
    let me = match telegram.call("getMe", &json!({})).await {
        Ok(me) => me,
        Err(error) => return vec![unreachable(telegram, &error)],
    };
    let mut checks = vec![
        Check::ok("telegram", format!("{} answers", telegram.server())),
        Check::ok(
            "token",
            format!("it is @{}'s", me["username"].as_str().unwrap_or("?")),
        ),
        privacy(&me),
    ];
    if me["can_join_groups"] == json!(false) {
        checks.push(Check::warning(
            "groups",
            "the bot cannot be added to groups",
            "send /setjoingroups to @BotFather",
        ));
    }
    checks.push(webhook(telegram.call("getWebhookInfo", &json!({})).await));
    checks.push(clock(telegram, house).await);
    checks
}

fn unreachable(telegram: &Telegram, error: &TelegramError) -> Check {
    match error {
        TelegramError::Unauthorized => Check::error(
            "token",
            format!("{} does not know it", telegram.server()),
            "ask @BotFather for the bot's token (/mybots) and put it into KYMO_TELEGRAM_TOKEN or its file",
        ),
        error => Check::error(
            "telegram",
            format!("{} does not answer: {error}", telegram.server()),
            "check the network, its proxy and firewall; the bot itself would wait",
        ),
    }
}

fn privacy(me: &Value) -> Check {
    match me["can_read_all_group_messages"].as_bool() {
        Some(true) => Check::warning(
            "privacy mode",
            "it is off: Telegram sends the bot every word of its groups",
            "turn it on with /setprivacy at @BotFather; commands and replies come anyway",
        ),
        Some(false) | None => Check::ok("privacy mode", "it is on: groups send only commands and replies"),
    }
}

fn webhook(info: Result<Value, TelegramError>) -> Check {
    match info {
        Ok(info) if info["url"].as_str().is_some_and(|url| !url.is_empty()) => Check::error(
            "webhook",
            "one is set, so updates do not come here",
            "remove it: call deleteWebhook, or stop the program that set it",
        ),
        Ok(info) => Check::ok("updates", format!("{} are waiting", info["pending_update_count"])),
        Err(error) => Check::warning("webhook", format!("getWebhookInfo failed: {error}"), "try again"),
    }
}

async fn clock(telegram: &Telegram, house: &House) -> Check {
    let asked = Utc::now();
    match date(telegram.server(), house.api_url.is_some()).await {
        Some(theirs) => judge_clock(theirs, asked, Utc::now()),
        None => Check::warning(
            "clock",
            "Telegram's server told no time to compare with",
            "check by hand that the clock is synchronised (timedatectl)",
        ),
    }
}

/// The Date header of the server's front page; no token is sent.
async fn date(server: &str, own_server: bool) -> Option<DateTime<Utc>> {
    let mut http = reqwest::Client::builder().timeout(Duration::from_secs(10));
    if own_server {
        http = http.no_proxy();
    }
    let answer = http.build().ok()?.head(server).send().await.ok()?;
    let date = answer.headers().get("date")?.to_str().ok()?;
    Some(DateTime::parse_from_rfc2822(date).ok()?.to_utc())
}

/// Their time has whole seconds and was told between `asked` and `answered`.
fn judge_clock(theirs: DateTime<Utc>, asked: DateTime<Utc>, answered: DateTime<Utc>) -> Check {
    let behind = theirs - answered;
    let ahead = asked - (theirs + TimeDelta::seconds(1));
    let skew = behind.max(ahead);
    if skew <= SKEW {
        return Check::ok("clock", "it agrees with Telegram's");
    }
    let which = if behind > ahead { "slow" } else { "fast" };
    Check::warning(
        "clock",
        format!("it is {} s {which} against Telegram's", skew.num_seconds()),
        "synchronise it: timedatectl set-ntp true",
    )
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn clocks() {
        let at = |s: i64| DateTime::from_timestamp(1_800_000_000 + s, 0).expect("a time");
        assert_eq!(judge_clock(at(0), at(0), at(3)).level, Level::Ok);
        assert_eq!(judge_clock(at(0), at(4), at(4)).level, Level::Ok);
        let slow = judge_clock(at(60), at(0), at(0));
        assert!(slow.reason.contains("60 s slow"), "{slow}");
        let fast = judge_clock(at(0), at(61), at(62));
        assert!(fast.reason.contains("60 s fast"), "{fast}");
    }

    #[test]
    fn what_botfather_was_told() {
        assert_eq!(
            privacy(&json!({"can_read_all_group_messages": true})).level,
            Level::Warning
        );
        assert_eq!(
            privacy(&json!({"can_read_all_group_messages": false})).level,
            Level::Ok
        );
        assert_eq!(
            webhook(Ok(json!({"url": "https://x", "pending_update_count": 0}))).level,
            Level::Error
        );
        assert_eq!(
            webhook(Ok(json!({"url": "", "pending_update_count": 3}))).level,
            Level::Ok
        );
    }
}
