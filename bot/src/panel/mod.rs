//! The panel: one message per topic and chat with picture, caption and buttons, edited in place.
//! It only shows. What a run needs is the watchdog's business.

mod caption;
mod desk;
mod pace;
mod pin;
mod state;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use kymo_door::{PanelAnswer, PanelFacts};
use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::{ShortId, Topic};
use kymo_store::{ChatId, Destination, Panel, Store, StoreError, Theme};
use teloxide::types::InlineKeyboardMarkup;
use tokio::sync::{mpsc, oneshot};

pub use caption::{caption, parameters, span};
pub use desk::run;
pub use pace::{Showing, next_picture_in};
pub use pin::is_pin_notice;
pub use state::RunState;

/// The buttons below a panel of this generation.
pub type Keyboard = fn(&ShortId, i64, &RunState) -> InlineKeyboardMarkup;

/// What became of a wish to have a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attached {
    /// It is there, or on its way.
    Showing,
    /// It appears with the topic's first picture.
    WithFirstPicture,
}

#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the bot is shutting down")]
    Closed,
}

/// Where panels are asked for. Cheap to clone.
#[derive(Clone)]
pub struct Panels {
    store: Store,
    orders: mpsc::Sender<Order>,
}

/// What [`run`] works off.
pub struct Orders(mpsc::Receiver<Order>);

enum Order {
    Show {
        topic: Topic,
        facts: Box<PanelFacts>,
        png: Bytes,
        answer: Reply<PanelAnswer>,
    },
    Attach {
        topic: Topic,
        to: Destination,
        anew: bool,
        answer: Reply<Attached>,
    },
    State {
        topic: Topic,
        state: RunState,
        answer: Reply<()>,
    },
    Catalogue(Vec<SolverCard>),
    LogMute(Option<DateTime<Utc>>),
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// The panels, and what to give to [`run`].
pub fn open(store: Store) -> (Panels, Orders) {
    let (orders, waiting) = mpsc::channel(64);
    (Panels { store, orders }, Orders(waiting))
}

impl Panels {
    /// A graph worker hands in its newest picture. Returns before Telegram has it.
    pub async fn show(
        &self,
        topic: &Topic,
        facts: PanelFacts,
        png: Bytes,
    ) -> Result<PanelAnswer, PanelError> {
        let (answer, answered) = oneshot::channel();
        let facts = Box::new(facts);
        self.order(
            Order::Show {
                topic: topic.clone(),
                facts,
                png,
                answer,
            },
            answered,
        )
        .await
    }

    /// The chat shall show the topic; a panel that is there stays.
    pub async fn attach(&self, topic: &Topic, to: Destination) -> Result<Attached, PanelError> {
        let (answer, answered) = oneshot::channel();
        self.order(
            Order::Attach {
                topic: topic.clone(),
                to,
                anew: false,
                answer,
            },
            answered,
        )
        .await
    }

    /// As [`Panels::attach`], always with a new message, pinned again.
    pub async fn post_anew(&self, topic: &Topic, to: Destination) -> Result<Attached, PanelError> {
        let (answer, answered) = oneshot::channel();
        self.order(
            Order::Attach {
                topic: topic.clone(),
                to,
                anew: true,
                answer,
            },
            answered,
        )
        .await
    }

    /// The chat shows the topic no more; the message stays as it is.
    pub async fn detach(&self, topic: &Topic, chat: ChatId) -> Result<(), PanelError> {
        Ok(self.store.drop_panel(topic, chat).await?)
    }

    /// How a topic's next picture is wanted.
    pub async fn wanted(&self, topic: &Topic) -> Result<PanelAnswer, PanelError> {
        let panels = self.store.panels_of(topic).await?;
        Ok(PanelAnswer {
            next_in_ms: 0,
            shown_in: u32::try_from(panels.len()).unwrap_or(u32::MAX),
            theme: theme_of(&self.store, &panels).await?.as_str().to_owned(),
        })
    }

    /// Where a topic is shown.
    pub async fn chats_of(&self, topic: &Topic) -> Result<Vec<Destination>, PanelError> {
        let panels = self.store.panels_of(topic).await?;
        Ok(panels
            .into_iter()
            .map(|panel| Destination {
                chat: panel.chat,
                thread: panel.thread,
            })
            .collect())
    }

    /// What the run is doing now: captions and buttons follow.
    pub async fn set_state(&self, topic: &Topic, state: RunState) -> Result<(), PanelError> {
        let (answer, answered) = oneshot::channel();
        self.order(
            Order::State {
                topic: topic.clone(),
                state,
                answer,
            },
            answered,
        )
        .await
    }

    /// The solvers' cards, from which captions know the defaults.
    pub async fn set_catalogue(&self, cards: Vec<SolverCard>) -> Result<(), PanelError> {
        self.orders
            .send(Order::Catalogue(cards))
            .await
            .map_err(|_| PanelError::Closed)
    }

    /// Since when the log gives no answer; `None`: it answers.
    pub async fn log_is_mute(&self, since: Option<DateTime<Utc>>) -> Result<(), PanelError> {
        self.orders
            .send(Order::LogMute(since))
            .await
            .map_err(|_| PanelError::Closed)
    }

    async fn order<T>(
        &self,
        order: Order,
        answered: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, PanelError> {
        self.orders.send(order).await.map_err(|_| PanelError::Closed)?;
        Ok(answered.await.map_err(|_| PanelError::Closed)??)
    }
}

/// One picture serves all chats: the first one's taste counts.
async fn theme_of(store: &Store, panels: &[Panel]) -> Result<Theme, StoreError> {
    let Some(panel) = panels.first() else {
        return Ok(Theme::default());
    };
    let chat = store.find_chat(panel.chat).await?;
    Ok(chat.map(|chat| chat.theme).unwrap_or_default())
}
