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
use crate::panel::PanelError;
use crate::words::{cut, escape, foreign};

/// A press whose work takes longer is answered before it is done.
const PATIENCE: Duration = Duration::from_millis(1500);

/// How often an act is tried that the database cannot keep.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

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
    Trouble(StoreError),
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
        let handled = match self
            .tree
            .dispatch(dptree::deps![self.desk.clone(), Arc::new(update.clone())])
            .await
        {
            ControlFlow::Break(done) => done,
            // Nobody's business.
            ControlFlow::Continue(_) => Ok(()),
        };
        if let (Ok(()), Some((place, _))) = (&handled, place(update)) {
            self.desk.waiting.is_over(place.chat);
        }
        handled
    }

    /// The update waits for a database that is locked or full. Who asked for something is told so.
    pub async fn excuse(&self, update: &Update, trouble: &StoreError) {
        let asks =
            find_press(update).is_some() || find_text(update).is_some_and(|text| text.starts_with('/'));
        let (true, Some((place, _)), Some(person)) = (asks, place(update), sender(update)) else {
            return;
        };
        // Strangers get silence; so does everybody while it is not known who is one.
        if let Ok(Some(_)) = self.desk.facts.role_of(person.id).await {
            let (waiting, outbox) = (&self.desk.waiting, &self.desk.outbox);
            waiting.tell(outbox, place.destination(), trouble).await;
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
        Err(error) => Checked::Trouble(error),
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

fn trouble(checked: Checked) -> Option<StoreError> {
    match checked {
        Checked::Trouble(error) => Some(error),
        Checked::Member(_) | Checked::Outsider => None,
    }
}

async fn fail(error: StoreError) -> Done {
    Err(anyhow::Error::new(error).context("the access check could not be made"))
}

fn member(checked: Checked) -> Option<Ask> {
    match checked {
        Checked::Member(ask) => Some(ask),
        Checked::Outsider | Checked::Trouble(_) => None,
    }
}

fn pressed(update: Arc<Update>) -> Option<Pressed> {
    find_press(&update)
}

fn find_press(update: &Update) -> Option<Pressed> {
    let UpdateKind::CallbackQuery(query) = &update.kind else {
        return None;
    };
    Some(Pressed {
        query: query.id.0.clone(),
        data: query.data.clone().unwrap_or_default(),
    })
}

fn text(update: Arc<Update>) -> Option<Text> {
    find_text(&update).map(|text| Text(text.to_owned()))
}

/// A message's own text: what was forwarded is somebody else's.
fn find_text(update: &Update) -> Option<&str> {
    let UpdateKind::Message(message) = &update.kind else {
        return None;
    };
    message.text().filter(|_| message.forward_origin().is_none())
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
/// does not happen and the person hears why. What is done is not done again, so a database that is
/// locked or full is waited for here, act by act.
async fn carry_out(desk: &Desk, ask: &Ask, query: Option<&str>, answer: Answer, action: &str) -> Done {
    let Answer { acts, mut outcome } = answer;
    for act in acts {
        let Err(error) = patiently(desk, ask, || desk.perform(ask, query, act.clone())).await else {
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
    patiently(desk, ask, || async {
        Ok(desk.facts.store.write_audit(&entry).await?)
    })
    .await
}

async fn patiently<F: Future<Output = Done>>(desk: &Desk, ask: &Ask, act: impl Fn() -> F) -> Done {
    loop {
        let done = act().await;
        let Some(trouble) = done.as_ref().err().and_then(passing) else {
            return done;
        };
        desk.waiting
            .tell(&desk.outbox, ask.place.destination(), trouble)
            .await;
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// A database that is locked or full.
fn passing(error: &anyhow::Error) -> Option<&StoreError> {
    let trouble = match error.downcast_ref::<PanelError>() {
        Some(PanelError::Store(trouble)) => Some(trouble),
        Some(PanelError::Closed) | None => error.downcast_ref::<StoreError>(),
    };
    trouble.filter(|trouble| trouble.is_passing())
}

/// An error as its person reads it; a database that is locked or full is worth another try of the whole update.
fn told(error: anyhow::Error) -> anyhow::Result<Answer> {
    if passing(&error).is_some() {
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
