//! An update's way through the bot: the access check first, for every kind of update and in one
//! place; then the press is answered; then the work.

#[cfg(test)]
mod hostile;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use dptree::Handler;
use kymo_runlog::LogError;
use kymo_store::{AuditEntry, ChatId, ChatSeen, MessageId, StoreError, ThreadId};
use teloxide::types::{CallbackQuery, Message, Update, UpdateKind};

use crate::access::{Admission, Person, admit, sender};
use crate::ask::{Act, Answer, Ask, Place, RepliedTo};
use crate::callback::Press;
use crate::claim;
use crate::command::{self, Command, Parsed};
use crate::desk::Desk;
use crate::words::{cut, escape, foreign};

/// A press whose work takes longer is answered before it is done.
const PATIENCE: Duration = Duration::from_millis(1500);

type Done = anyhow::Result<()>;

/// Hands each update to who answers it.
pub struct Dispatcher {
    desk: Arc<Desk>,
    tree: Handler<'static, Done>,
}

/// What the access check found.
#[derive(Clone)]
enum Checked {
    Member(Ask),
    Outsider,
    Trouble(String),
}

#[derive(Clone)]
struct Pressed {
    query: String,
    data: String,
}

#[derive(Clone)]
struct Text(String);

impl Dispatcher {
    /// A dispatcher for this desk.
    pub fn new(desk: Arc<Desk>) -> Self {
        Self { desk, tree: tree() }
    }

    /// Handles one update. An error means: passing trouble, hand it in again later.
    pub async fn handle(&self, update: &Update) -> Done {
        match self
            .tree
            .dispatch(dptree::deps![self.desk.clone(), Arc::new(update.clone())])
            .await
        {
            ControlFlow::Break(done) => done,
            // Nobody's business.
            ControlFlow::Continue(_) => Ok(()),
        }
    }
}

fn tree() -> Handler<'static, Done> {
    dptree::entry()
        .map_async(check)
        .branch(dptree::filter_map(trouble).endpoint(fail))
        .filter_map(member)
        .branch(dptree::filter_map(pressed).endpoint(press))
        .branch(dptree::filter_map(text).endpoint(read))
}

/// Finds out who sent the update and what they may do. Strangers are counted; that is all.
async fn check(desk: Arc<Desk>, update: Arc<Update>) -> Checked {
    match find_member(&desk, &update).await {
        Ok(Some(ask)) => Checked::Member(ask),
        Ok(None) => Checked::Outsider,
        Err(error) => Checked::Trouble(error.to_string()),
    }
}

async fn find_member(desk: &Desk, update: &Update) -> Result<Option<Ask>, StoreError> {
    let (facts, now) = (&desk.facts, Utc::now());
    let sender = sender(update);
    let role = match &sender {
        Some(person) => facts.role_of(person.id).await?,
        None => None,
    };
    let (person, role) = match admit(sender, role, secret(update, &facts.username)) {
        Admission::Member(person, role) => (person, role),
        Admission::Claimant(person, secret) => {
            if !claim::redeem(&facts.store, &person, &secret, now).await? {
                count(desk, &person).await?;
                return Ok(None);
            }
            crate::menu::set_for(facts, &desk.telegram, person.id).await;
            (person, kymo_store::Role::Admin)
        }
        Admission::Stranger(Some(person)) => {
            count(desk, &person).await?;
            return Ok(None);
        }
        Admission::Stranger(None) => return Ok(None),
    };
    let Some((place, seen)) = place(update) else {
        return Ok(None);
    };
    facts.store.see_chat(&seen, now).await?;
    facts.meet(&person).await?;
    Ok(Some(Ask {
        update: update.id.0,
        at: now,
        person,
        role,
        place,
        replied_to: replied_to(update),
    }))
}

async fn count(desk: &Desk, person: &Person) -> Result<(), StoreError> {
    let name = cut(&person.name, 128);
    desk.facts
        .store
        .count_stranger(person.id, &name, person.username.as_deref(), Utc::now())
        .await
}

/// The claim link's secret, which only a private `/start` can bring.
fn secret(update: &Update, me: &str) -> Option<String> {
    let UpdateKind::Message(message) = &update.kind else {
        return None;
    };
    let Parsed::Command(line) = command::parse(message.text()?, me) else {
        return None;
    };
    let starts = message.chat.is_private() && Command::named(&line.word) == Some(Command::Start);
    starts.then(|| claim::find_secret(&line.rest)).flatten()
}

/// Where the update happened. Only what can be answered has a place.
fn place(update: &Update) -> Option<(Place, ChatSeen)> {
    let (chat, message, thread) = match &update.kind {
        UpdateKind::Message(message) => (&message.chat, message.id, thread(message)),
        UpdateKind::CallbackQuery(CallbackQuery {
            message: Some(message),
            ..
        }) => (
            message.chat(),
            message.id(),
            message.regular_message().and_then(thread),
        ),
        // Everything else is no request: an edited command was obeyed when it was sent, and
        // inline queries, reactions and the like are no way to ask.
        _ => return None,
    };
    let kind = if chat.is_private() {
        "private"
    } else if chat.is_supergroup() {
        "supergroup"
    } else if chat.is_group() {
        "group"
    } else {
        "channel"
    };
    let id = ChatId(chat.id.0);
    let title = chat.title().or(chat.first_name()).unwrap_or_default();
    let place = Place {
        chat: id,
        thread,
        private: chat.is_private(),
        message: Some(MessageId(message.0.into())),
    };
    let seen = ChatSeen {
        id,
        kind: kind.to_owned(),
        title: cut(title, 128),
        forum: thread.is_some(),
    };
    Some((place, seen))
}

fn thread(message: &Message) -> Option<ThreadId> {
    message
        .thread_id
        .filter(|_| message.is_topic_message)
        .map(|thread| ThreadId(thread.0.0.into()))
}

fn replied_to(update: &Update) -> Option<RepliedTo> {
    let UpdateKind::Message(message) = &update.kind else {
        return None;
    };
    let original = message.reply_to_message()?;
    let author = original
        .from
        .as_ref()
        .filter(|_| original.sender_chat.is_none())
        .and_then(Person::of);
    Some(RepliedTo {
        message: MessageId(original.id.0.into()),
        author,
    })
}

fn trouble(checked: Checked) -> Option<String> {
    match checked {
        Checked::Trouble(reason) => Some(reason),
        Checked::Member(_) | Checked::Outsider => None,
    }
}

async fn fail(reason: String) -> Done {
    anyhow::bail!("the access check could not be made: {reason}")
}

fn member(checked: Checked) -> Option<Ask> {
    match checked {
        Checked::Member(ask) => Some(ask),
        Checked::Outsider | Checked::Trouble(_) => None,
    }
}

fn pressed(update: Arc<Update>) -> Option<Pressed> {
    let UpdateKind::CallbackQuery(query) = &update.kind else {
        return None;
    };
    Some(Pressed {
        query: query.id.0.clone(),
        data: query.data.clone().unwrap_or_default(),
    })
}

/// A message's own text: what was forwarded is somebody else's.
fn text(update: Arc<Update>) -> Option<Text> {
    let UpdateKind::Message(message) = &update.kind else {
        return None;
    };
    message
        .forward_origin()
        .is_none()
        .then(|| message.text())
        .flatten()
        .map(|text| Text(text.to_owned()))
}

async fn press(desk: Arc<Desk>, ask: Ask, pressed: Pressed) -> Done {
    let Ok(press) = Press::decode(&pressed.data) else {
        let toast = Act::Toast {
            text: crate::callback::OldButton.to_string(),
            alert: false,
        };
        return desk.perform(&ask, Some(&pressed.query), toast).await;
    };
    let work = command::pressed(&desk.facts, &ask, &press);
    tokio::pin!(work);
    let (answer, answered) = tokio::select! {
        answer = &mut work => (answer, false),
        () = tokio::time::sleep(PATIENCE) => {
            desk.perform(&ask, Some(&pressed.query), Act::Toast { text: String::new(), alert: false }).await?;
            (work.await, true)
        }
    };
    let mut answer = answer.or_else(told)?;
    let toasts = answer.acts.iter().any(|act| matches!(act, Act::Toast { .. }));
    if answered {
        answer.acts.retain(|act| !matches!(act, Act::Toast { .. }));
    } else if !toasts {
        answer.acts.insert(
            0,
            Act::Toast {
                text: String::new(),
                alert: false,
            },
        );
    }
    carry_out(
        &desk,
        &ask,
        Some(&pressed.query),
        answer,
        &format!("button {}", press.name()),
    )
    .await
}

async fn read(desk: Arc<Desk>, ask: Ask, Text(text): Text) -> Done {
    let answer = match command::parse(&text, &desk.facts.username) {
        Parsed::NotOurs => return Ok(()),
        Parsed::Plain => match command::replied(&desk.facts, &ask, &text).await {
            Ok(None) => return Ok(()),
            Ok(Some(answer)) => Ok(answer),
            Err(error) => Err(error),
        },
        Parsed::Command(line) => match Command::named(&line.word) {
            Some(command) => command.answer(&desk.facts, &ask, &line.rest).await,
            // In a group another bot may know it.
            None if !ask.place.private && !line.addressed => return Ok(()),
            None => Ok(Answer::refuse(format!(
                "I do not know /{}. /help lists what I can do.",
                foreign(&line.word, 40)
            ))),
        },
    };
    carry_out(&desk, &ask, None, answer.or_else(told)?, &text).await
}

/// Performs an answer's acts in order and writes down what came of it. When one fails, the rest
/// does not happen and the person hears why.
async fn carry_out(desk: &Desk, ask: &Ask, query: Option<&str>, answer: Answer, action: &str) -> Done {
    let Answer { acts, mut outcome } = answer;
    for act in acts {
        let Err(error) = desk.perform(ask, query, act).await else {
            continue;
        };
        let sorry = told(error)?;
        outcome = sorry.outcome;
        for act in sorry.acts {
            desk.perform(ask, query, act).await?;
        }
        break;
    }
    let entry = AuditEntry {
        at: ask.at,
        person: ask.person.id,
        name: cut(&ask.person.name, 128),
        chat: ask.place.chat,
        action: cut(action, 300),
        outcome: cut(&outcome, 300),
    };
    Ok(desk.facts.store.write_audit(&entry).await?)
}

/// An error as its person reads it; a database that is locked or full is worth another try of the whole update.
fn told(error: anyhow::Error) -> anyhow::Result<Answer> {
    if error
        .downcast_ref::<StoreError>()
        .is_some_and(StoreError::is_passing)
    {
        return Err(error);
    }
    tracing::warn!(error = format!("{error:#}"), "a request failed");
    let advice = match error.downcast_ref::<LogError>() {
        Some(away) if away.is_passing() => "\nNothing was changed; try again when it is back.",
        Some(_) | None => "",
    };
    let reason = cut(&format!("{error:#}"), 1000);
    let say = Act::Say {
        html: format!("⚠ {}{advice}", escape(&reason)),
        keyboard: None,
    };
    Ok(Answer {
        acts: vec![say],
        outcome: format!("failed: {reason}"),
    })
}
