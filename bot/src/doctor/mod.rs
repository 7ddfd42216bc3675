//! `kymo doctor`: what a person would get wrong, each with its reason and its remedy.

mod chats;
mod log;
mod machine;
mod picture;
mod telegram;
mod walk;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use kymo_runlog::Log;
use secrecy::SecretString;
use url::Url;

use crate::BotConfig;
use crate::telegram::Telegram;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    /// It works, but not as well as it could.
    Warning,
    /// It does not work.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub level: Level,
    /// What was looked at: `token`, `disk`.
    pub thing: String,
    /// What was found.
    pub reason: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Check {
    pub fn ok(thing: &str, reason: impl Into<String>) -> Self {
        Self {
            level: Level::Ok,
            thing: thing.to_owned(),
            reason: reason.into(),
            remedy: None,
        }
    }

    pub fn warning(thing: &str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self {
            level: Level::Warning,
            remedy,
            ..Self::ok(thing, reason)
        }
    }

    pub fn error(thing: &str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self {
            level: Level::Error,
            remedy,
            ..Self::ok(thing, reason)
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "ERROR",
        };
        write!(f, "{level:7}  {}: {}", self.thing, self.reason)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n         -> {remedy}"),
            None => Ok(()),
        }
    }
}

/// What is looked at.
pub struct House {
    /// Or why there is none.
    pub token: Result<SecretString, String>,
    pub api_url: Option<Url>,
    pub database: String,
    pub data: PathBuf,
}

impl From<BotConfig> for House {
    fn from(config: BotConfig) -> Self {
        Self {
            token: Ok(config.token),
            api_url: config.api_url,
            database: config.database,
            data: config.data,
        }
    }
}

/// Looks at everything. `log` is the opened log, or why it could not be opened; with a `chat`,
/// every method that the bot uses is tried there.
pub async fn check(house: &House, log: Result<&Arc<dyn Log>, String>, chat: Option<i64>) -> Vec<Check> {
    let mut checks = vec![machine::version()];
    checks.extend(machine::check(house).await);
    checks.extend(log::check(log).await);
    let token = match &house.token {
        Ok(token) => token,
        Err(reason) => {
            let remedy = "then `kymo doctor` again: Telegram and the chats are not checked without it";
            checks.push(Check::error("token", reason.clone(), remedy));
            return checks;
        }
    };
    let telegram = match Telegram::new(token, house.api_url.as_ref()) {
        Ok(telegram) => telegram,
        Err(error) => {
            let remedy = "correct the Bot API's address in the configuration or KYMO_TELEGRAM_API";
            checks.push(Check::error("telegram", format!("{error:#}"), remedy));
            return checks;
        }
    };
    checks.extend(telegram::check(&telegram, house).await);
    let Ok(me) = telegram.get_me().await else {
        return checks;
    };
    checks.extend(chats::check(&telegram, house, me.id.0).await);
    if let Some(chat) = chat {
        checks.extend(walk::check(&telegram, chat, me.id.0).await);
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_line_and_its_remedy() {
        let checks = [
            Check::ok("token", "it is @KymoBot's"),
            Check::error("disk", "it is full", "free some space"),
        ];
        insta::assert_snapshot!(checks.map(|check| check.to_string()).join("\n"), @"
        ok       token: it is @KymoBot's
        ERROR    disk: it is full
                 -> free some space
        ");
    }
}
