//! What a topic is to us, by its name and, where that does not tell, by its first message.

use kymo_runlog::{Log, LogError, Position, RunBook, Topic, catalogue, claim, event, header, order};

/// What a topic is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Run,
    /// Of this run: `steps`, `log` or `rejected`.
    Companion {
        of: String,
        what: &'static str,
    },
    /// Orders, claims, events and catalogues: the house's own.
    Shared,
    /// Somebody else's.
    Foreign,
}

impl Kind {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Companion { what, .. } => what,
            Self::Shared => "shared",
            Self::Foreign => "foreign",
        }
    }

    pub fn companion_of(&self) -> Option<&str> {
        match self {
            Self::Companion { of, .. } => Some(of),
            Self::Run | Self::Shared | Self::Foreign => None,
        }
    }

    /// In which part of the list it stands.
    pub fn shelf(&self) -> u8 {
        match self {
            Self::Run | Self::Companion { .. } => 0,
            Self::Shared => 1,
            Self::Foreign => 2,
        }
    }
}

pub async fn of(log: &dyn Log, book: &RunBook, topic: &Topic) -> Result<Kind, LogError> {
    if let Some(kind) = by_name(topic) {
        return Ok(kind);
    }
    if book.find(topic).is_some() {
        return Ok(Kind::Run);
    }
    // Nearly every name could be a run's; what stands in it tells.
    let first = log.read(topic, Position::START, 1).await?;
    let ours = first
        .first()
        .is_some_and(|stored| stored.message.header(header::RUN).is_some());
    Ok(if ours { Kind::Run } else { Kind::Foreign })
}

fn by_name(topic: &Topic) -> Option<Kind> {
    if [order::topic(), claim::topic(), event::topic(), catalogue::topic()].contains(topic) {
        return Some(Kind::Shared);
    }
    let (of, ending) = topic.as_str().rsplit_once('.')?;
    let what = ["steps", "log", "rejected"]
        .into_iter()
        .find(|what| *what == ending)?;
    Some(Kind::Companion {
        of: of.to_owned(),
        what,
    })
}
