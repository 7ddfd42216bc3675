//! How much stands in a topic.

use kymo_runlog::{Log, LogError, Position, Surveyed, Topic};

/// Read at once.
const PAGE: usize = 4 << 20;

/// Messages, and the bytes of their keys, headers and payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub records: Option<u64>,
    /// `None`: nobody has looked.
    pub bytes: Option<u64>,
}

impl Size {
    /// Without reading: positions may have gaps, so it is at most this.
    pub fn of_span(surveyed: &Surveyed) -> Self {
        Self {
            records: surveyed.span.map(|span| span.messages()),
            bytes: None,
        }
    }

    /// By reading all that stood there when it was surveyed: Kafka's clients cannot ask for the size on disk.
    pub async fn measure(log: &dyn Log, topic: &Topic, surveyed: &Surveyed) -> Result<Self, LogError> {
        let Some(span) = surveyed.span else {
            return Ok(Self::of_span(surveyed));
        };
        let (mut records, mut bytes, mut from) = (0, 0, Position::START);
        while from < span.end {
            let page = log.read(topic, from, PAGE).await?;
            let Some(last) = page.last() else { break };
            from = last.position.next();
            for stored in page.iter().filter(|stored| stored.position < span.end) {
                records += 1;
                bytes += stored.message.size() as u64;
            }
        }
        Ok(Self {
            records: Some(records),
            bytes: Some(bytes),
        })
    }
}
