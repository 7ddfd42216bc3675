//! Carries out what the schedule decides: takes requests in, sends them, hands the answers back.

use std::collections::HashMap;
use std::time::Duration;

use kymo_runlog::Window;
use kymo_store::{ChatId, Store};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Jobs;
use super::job::{Call, Failed, Job, Lane};
use super::schedule::{After, Decision, Ended, Schedule, Ticket};
use crate::telegram::{Telegram, TelegramError, Upload};

/// How long requests that are on their way may take when the bot stops.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Works the outbox off until `stop`; what waits then is told that it was not sent.
pub async fn run(
    mut jobs: Jobs,
    telegram: Telegram,
    store: Store,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let moves = store.chat_moves().await?.into_iter().collect();
    let mut actor = Actor {
        telegram,
        store,
        began: Instant::now(),
        schedule: Schedule::default(),
        waiting: HashMap::new(),
        on_the_way: JoinSet::new(),
        moves,
        tickets: 0,
    };
    loop {
        let wake = actor.send_what_may_go();
        tokio::select! {
            () = stop.cancelled() => break,
            job = jobs.0.recv() => match job {
                Some(job) => actor.take(job),
                None => return Ok(()),
            },
            Some(ended) = actor.on_the_way.join_next() => {
                // A request that panicked is a bug of ours: its job is dropped, which tells its caller.
                if let Ok((ticket, result)) = ended {
                    actor.ended(ticket, result).await;
                }
            }
            () = sleep_until(wake) => {}
        }
    }
    jobs.0.close();
    actor.finish().await;
    Ok(())
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

struct Actor {
    telegram: Telegram,
    store: Store,
    began: Instant,
    schedule: Schedule,
    waiting: HashMap<Ticket, Job>,
    on_the_way: JoinSet<(Ticket, Result<Value, TelegramError>)>,
    /// Groups that became supergroups.
    moves: HashMap<ChatId, ChatId>,
    tickets: Ticket,
}

impl Actor {
    fn take(&mut self, mut job: Job) {
        if let Some(new) = job.call.chat.and_then(|chat| self.moves.get(&chat)) {
            match job.lane {
                Lane::Free | Lane::Send(_) => job.call.chat = Some(*new),
                // The message ids of the old group mean other messages in the new one.
                Lane::Edit(_, _) => return job.fail(TelegramError::Moved(*new)),
            }
        }
        self.tickets += 1;
        if let Some(older) = self.schedule.push(self.tickets, job.call.chat, job.lane)
            && let Some(mut older) = self.waiting.remove(&older)
        {
            older.call.replace(job.call);
            job.call = older.call;
            if let Some(answer) = older.answer {
                let _ = answer.send(Err(Failed::Superseded));
            }
        }
        self.waiting.insert(self.tickets, job);
    }

    /// Sends all that may go now; returns when there may be more.
    fn send_what_may_go(&mut self) -> Option<Instant> {
        loop {
            match self.schedule.next(self.began.elapsed()) {
                Decision::Send(ticket) => self.send(ticket),
                Decision::WaitUntil(moment) => return Some(self.began + moment),
                Decision::Idle => return None,
            }
        }
    }

    fn send(&mut self, ticket: Ticket) {
        let Some(job) = self.waiting.get(&ticket) else {
            self.schedule.done(ticket, Ended::Answered, self.began.elapsed());
            return;
        };
        let telegram = self.telegram.clone();
        let call = job.call.clone();
        self.on_the_way
            .spawn(async move { (ticket, perform(&telegram, call).await) });
    }

    async fn ended(&mut self, ticket: Ticket, result: Result<Value, TelegramError>) {
        let was_away = self.schedule.is_away();
        let after = self.schedule.done(ticket, how(&result), self.began.elapsed());
        match (&result, was_away) {
            (Err(TelegramError::Away(reason) | TelegramError::Lost(reason)), false) => {
                tracing::warn!("Telegram is away, what is to be sent waits: {reason}");
            }
            (Ok(_), true) => tracing::info!("Telegram is back"),
            (Ok(_) | Err(_), _) => {}
        }
        match after {
            After::Again => {}
            After::Superseded => self.answer(ticket, Err(Failed::Superseded)),
            After::Finished => match result {
                Ok(answer) if self.shows_something(ticket) => {
                    Window::Accepted.pass();
                    self.answer(ticket, Ok(answer));
                }
                Err(TelegramError::Moved(new)) => self.follow_move(ticket, new).await,
                result => self.answer(ticket, result.map_err(Failed::Telegram)),
            },
        }
    }

    fn shows_something(&self, ticket: Ticket) -> bool {
        let lane = self.waiting.get(&ticket).map(|job| &job.lane);
        matches!(lane, Some(Lane::Send(_) | Lane::Edit(..)))
    }

    async fn follow_move(&mut self, ticket: Ticket, new: ChatId) {
        let Some(job) = self.waiting.remove(&ticket) else {
            return;
        };
        let Some(old) = job.call.chat else {
            return job.fail(TelegramError::Moved(new));
        };
        match self.store.move_chat(old, new).await {
            Ok(true) => tracing::info!("the group {old} became the supergroup {new}"),
            Ok(false) => {}
            Err(error) => tracing::error!("the group {old} became the supergroup {new}: {error}"),
        }
        self.moves.insert(old, new);
        self.take(job);
    }

    /// What Telegram has begun is heard to its end: an answer that is lost would leave a panel without its message.
    async fn finish(mut self) {
        let on_the_way = self.schedule.on_the_way();
        self.waiting.retain(|ticket, _| on_the_way.contains(ticket));
        let rest = async {
            while let Some(ended) = self.on_the_way.join_next().await {
                if let Ok((ticket, result)) = ended {
                    self.answer(ticket, result.map_err(Failed::Telegram));
                }
            }
        };
        if tokio::time::timeout(LAST_ANSWERS, rest).await.is_err() {
            tracing::warn!("Telegram did not answer in time while the bot stopped");
        }
    }

    fn answer(&mut self, ticket: Ticket, result: Result<Value, Failed>) {
        // Whoever asked may have stopped waiting for the answer.
        if let Some(answer) = self.waiting.remove(&ticket).and_then(|job| job.answer) {
            let _ = answer.send(result);
        }
    }
}

impl Job {
    fn fail(self, error: TelegramError) {
        if let Some(answer) = self.answer {
            let _ = answer.send(Err(Failed::Telegram(error)));
        }
    }
}

async fn perform(telegram: &Telegram, call: Call) -> Result<Value, TelegramError> {
    let Call {
        method,
        chat,
        mut body,
        attachment,
    } = call;
    if let Some(chat) = chat {
        body.insert("chat_id".into(), chat.0.into());
    }
    match attachment {
        None => telegram.call(method, &Value::Object(body)).await,
        Some(file) => {
            let upload = Upload {
                field: file.field,
                name: file.name,
                mime: file.mime,
                bytes: file.bytes,
            };
            telegram.upload(method, &body, upload).await
        }
    }
}

fn how(result: &Result<Value, TelegramError>) -> Ended {
    match result {
        Ok(_) => Ended::Answered,
        Err(error) => match error {
            // Telegram counts its whole seconds a little late.
            TelegramError::Flooded(pause) => Ended::Flooded(*pause + Duration::from_millis(100)),
            TelegramError::Away(_) => Ended::Away,
            TelegramError::Lost(_) => Ended::Lost,
            TelegramError::NotModified
            | TelegramError::MessageGone
            | TelegramError::Canceled
            | TelegramError::PinGone
            | TelegramError::PlaceGone(_)
            | TelegramError::NoRight(_)
            | TelegramError::Forbidden(_)
            | TelegramError::ChatGone
            | TelegramError::Moved(_)
            | TelegramError::QueryTooOld
            | TelegramError::TooBig
            | TelegramError::Unauthorized
            | TelegramError::Conflict
            | TelegramError::Webhook
            | TelegramError::Refused { .. } => Ended::Answered,
        },
    }
}
