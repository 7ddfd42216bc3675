//! Presses of inline buttons, each answered at most once and forgotten after 150 seconds.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::news::EventKind;
use super::{ChatId, MessageId, UserId, World};
use crate::api::error::ApiError;
use crate::clock::Millis;

/// How long Telegram remembers a press.
pub(crate) const REMEMBERED: Millis = 150_000;
const KEPT_TOASTS: usize = 2_000;
const TOO_OLD: &str = "query is too old and response timeout expired or query ID is invalid";

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Callbacks {
    last: u64,
    open: BTreeMap<String, Press>,
    shown: u64,
    pub toasts: VecDeque<Toast>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Press {
    person: UserId,
    chat: ChatId,
    message: MessageId,
    at: Millis,
}

/// What the person saw after a press.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Toast {
    pub n: u64,
    pub callback: String,
    pub person: UserId,
    pub chat: ChatId,
    pub message: MessageId,
    /// Empty when the bot only stopped the button's spinner.
    pub text: String,
    pub alert: bool,
    pub url: Option<String>,
}

impl World {
    pub(crate) fn open_callback(&mut self, person: UserId, chat: ChatId, message: MessageId) -> String {
        let at = self.now_ms();
        self.callbacks.last += 1;
        let id = format!("{}", 4_382_000_000_000_000_000_u64 + self.callbacks.last);
        self.callbacks.open.insert(
            id.clone(),
            Press {
                person,
                chat,
                message,
                at,
            },
        );
        id
    }

    pub(crate) fn answer_callback(
        &mut self,
        id: &str,
        text: String,
        alert: bool,
        url: Option<String>,
    ) -> Result<(), ApiError> {
        let now = self.now_ms();
        self.callbacks.open.retain(|_, press| now - press.at < REMEMBERED);
        let press = self
            .callbacks
            .open
            .remove(id)
            .ok_or_else(|| ApiError::bad(TOO_OLD))?;
        let (person, chat, message) = (press.person, press.chat, press.message);
        self.callbacks.shown += 1;
        let n = self.callbacks.shown;
        self.callbacks.toasts.push_back(Toast {
            n,
            callback: id.into(),
            person,
            chat,
            message,
            text,
            alert,
            url,
        });
        if self.callbacks.toasts.len() > KEPT_TOASTS {
            self.callbacks.toasts.pop_front();
        }
        self.news
            .tell(EventKind::Toast, Some(chat), Some(message), Some(person));
        Ok(())
    }
}
