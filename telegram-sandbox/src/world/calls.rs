//! Every call that the bot made, so that a test can count.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;

use super::{ChatId, MessageId, World};
use crate::api::error::ApiError;
use crate::clock::Millis;
use crate::world::news::EventKind;

const KEPT: usize = 20_000;

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Call {
    pub n: u64,
    pub time: Millis,
    pub method: String,
    pub chat: Option<ChatId>,
    pub message: Option<MessageId>,
    /// 200, or the error code that was answered.
    pub code: u16,
    pub error: Option<String>,
    /// The bot never saw the answer: a fault took it.
    pub answer_lost: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Calls {
    last: u64,
    calls: VecDeque<Call>,
}

impl Calls {
    pub(crate) fn since(&self, n: u64) -> impl Iterator<Item = &Call> {
        self.calls.iter().filter(move |c| c.n > n)
    }
}

impl World {
    pub(crate) fn note_call(
        &mut self,
        method: &str,
        chat: Option<ChatId>,
        result: &Result<Value, ApiError>,
        answer_lost: bool,
    ) {
        let (message, code, error) = match result {
            Ok(value) => (value.get("message_id").and_then(Value::as_i64), 200, None),
            Err(e) => (None, e.code, Some(e.description.clone())),
        };
        let time = self.now_ms();
        let calls = &mut self.calls;
        calls.last += 1;
        let n = calls.last;
        calls.calls.push_back(Call {
            n,
            time,
            method: method.into(),
            chat,
            message,
            code,
            error,
            answer_lost,
        });
        if calls.calls.len() > KEPT {
            calls.calls.pop_front();
        }
        self.news.tell(EventKind::Call, chat, message, None);
    }
}
