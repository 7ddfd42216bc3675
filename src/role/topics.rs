//! Lists what the log holds: runs with their companions, the house's own topics, and those of others.

mod kind;
mod size;
mod words;

use std::io::{self, Write};

use kymo_runlog::{Log, LogError, Position, RunBook, Surveyed, Topic, claim, event, order};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use self::kind::Kind;
use self::size::Size;
use crate::cli::{Common, Topics};
use crate::config::Config;
use crate::role::{is_closed_pipe, unless_stopped};

pub async fn run(common: Common, args: Topics, stop: CancellationToken) -> anyhow::Result<()> {
    unless_stopped(stop, async move {
        let log = Config::load(&common)?.open_log().await?;
        let book = read_book(&*log).await?;
        let mut rows = Vec::new();
        for surveyed in log.survey().await? {
            if let Some(row) = look(&*log, &book, surveyed, args.quick).await? {
                rows.push(row);
            }
        }
        // Companions stand under their run, and the topics of others last.
        rows.sort_by(|a, b| a.place().cmp(&b.place()));
        let mut out = io::BufWriter::new(io::stdout());
        let written = if args.json {
            rows.iter().try_for_each(|row| writeln!(out, "{}", row.json()))
        } else {
            words::write(&rows, &mut out)
        };
        match written.and_then(|()| out.flush()).map_err(anyhow::Error::from) {
            Err(error) if is_closed_pipe(&error) => Ok(()),
            result => result,
        }
    })
    .await
}

/// What is told of one topic.
struct Row {
    surveyed: Surveyed,
    kind: Kind,
    state: Option<String>,
    /// Of the run's last complete iteration, as its newest event says.
    iteration: Option<u64>,
    size: Size,
}

/// `None`: it was deleted meanwhile.
async fn look(
    log: &dyn Log,
    book: &RunBook,
    surveyed: Surveyed,
    quick: bool,
) -> Result<Option<Row>, LogError> {
    let Ok(topic) = Topic::parse(&surveyed.name) else {
        return Ok(Some(Row {
            kind: Kind::Foreign,
            state: None,
            iteration: None,
            size: Size::of_span(&surveyed),
            surveyed,
        }));
    };
    let looked = async {
        let kind = kind::of(log, book, &topic).await?;
        let size = match quick {
            true => Size::of_span(&surveyed),
            false => Size::measure(log, &topic, &surveyed).await?,
        };
        Ok((kind, size))
    };
    let (kind, size) = match looked.await {
        Err(LogError::UnknownTopic(..)) => return Ok(None),
        looked => looked?,
    };
    let facts = book.find(&topic);
    Ok(Some(Row {
        surveyed,
        state: facts.map(words::state),
        iteration: facts.and_then(|facts| Some(facts.event.as_ref()?.iteration)),
        kind,
        size,
    }))
}

impl Row {
    fn place(&self) -> (u8, &str, &str) {
        let of = self.kind.companion_of().unwrap_or(&self.surveyed.name);
        (self.kind.shelf(), of, &self.surveyed.name)
    }

    fn json(&self) -> Value {
        let Surveyed {
            name,
            partitions,
            span,
            retention,
            readers,
        } = &self.surveyed;
        let readers = readers.iter().map(|reader| {
            json!({
                "name": reader.name,
                "next": reader.next,
                "lag": span.as_ref().map(|span| reader.lag(span)),
            })
        });
        json!({
            "topic": name,
            "kind": self.kind.word(),
            "of": self.kind.companion_of(),
            "state": self.state,
            "iteration": self.iteration,
            "records": self.size.records,
            "bytes": self.size.bytes,
            "first": span.map(|span| span.first),
            "end": span.map(|span| span.end),
            "partitions": partitions,
            "retention": retention.as_ref().map(|retention| json!({
                "ms": retention.age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX)),
                "bytes": retention.bytes,
                "compacted": retention.compacted,
            })),
            "consumers": readers.collect::<Vec<_>>(),
        })
    }
}

/// How every run stands, as orders, claims and events tell.
async fn read_book(log: &dyn Log) -> Result<RunBook, LogError> {
    type Push = fn(&mut RunBook, &kymo_runlog::Stored) -> Result<(), String>;
    let sources: [(Topic, Push); 3] = [
        (claim::topic(), RunBook::push_claim),
        (event::topic(), RunBook::push_event),
        (order::topic(), RunBook::push_order),
    ];
    let mut book = RunBook::default();
    for (topic, push) in sources {
        let mut from = Position::START;
        loop {
            let page = match log.read(&topic, from, 4 << 20).await {
                Err(LogError::UnknownTopic(..)) => Vec::new(),
                page => page?,
            };
            let Some(last) = page.last() else { break };
            from = last.position.next();
            for stored in &page {
                // What is no record is reported by those who live by it.
                let _ = push(&mut book, stored);
            }
        }
    }
    Ok(book)
}
