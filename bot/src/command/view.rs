//! A view that a person writes: whether it is one, and whether the run can be drawn so.

use kymo_runlog::view::View;
use kymo_runlog::{Change, Log, LogError, Position, Record, Replay, Topic};

use crate::facts::Facts;
use crate::words::foreign;

/// No view says that much.
const LONGEST: usize = 120;
/// Bytes read at once; the first record nearly always stands in the first page.
const PAGE: usize = 1 << 20;

/// The view as it is kept, or why there is none, in HTML.
pub(super) async fn read(facts: &Facts, topic: &Topic, text: &str) -> anyhow::Result<Result<String, String>> {
    let refused = |reason: String| Ok(Err(format!("⚠ {}.", foreign(&reason, 600))));
    if text.chars().count() > LONGEST {
        return refused(format!(
            "this view has more than {LONGEST} characters; name one value, like E[x=0.6]"
        ));
    }
    let view = match text.parse::<View>() {
        Ok(view) => view,
        Err(error) => return refused(error.to_string()),
    };
    // A run without records may still turn out to have it.
    let Some(record) = first_record(&*facts.log, topic).await? else {
        return Ok(Ok(view.to_string()));
    };
    match view.check(&record) {
        Ok(()) => Ok(Ok(view.to_string())),
        Err(error) => refused(error.to_string()),
    }
}

/// What a graph worker decides by, too.
async fn first_record(log: &dyn Log, topic: &Topic) -> Result<Option<Record>, LogError> {
    let mut replay = Replay::new(topic.clone());
    let mut from = Position::START;
    loop {
        let page = match log.read(topic, from, PAGE).await {
            Ok(page) => page,
            Err(LogError::UnknownTopic(..)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(last) = page.last() else { return Ok(None) };
        from = last.position.next();
        for change in page.iter().flat_map(|stored| replay.push(stored)) {
            if let Change::Iteration { record, .. } = change {
                return Ok(Some(*record));
            }
        }
    }
}
