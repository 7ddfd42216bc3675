//! Every topic at a glance: the cluster's own words on ends, settings and groups.

use std::collections::HashMap;
use std::time::Duration;

use super::admin::Admin;
use super::advice::Configuration;
use super::asker::Asker;
use super::offsets::Offsets;
use crate::{LogError, Position, Reader, Retention, Span, Surveyed};

/// Ours begin so; the rest of the name is the consumer's.
const OURS: &str = "kymo.";
/// Named by readers that note nothing.
const READERS: &str = "kymo.readers";

pub(super) async fn survey(
    asker: &Asker,
    admin: &Admin,
    offsets: &Offsets,
) -> Result<Vec<Surveyed>, LogError> {
    let topics = asker.all_topics().await?;
    let names: Vec<String> = topics.iter().map(|(name, _)| name.clone()).collect();
    let mut spans = asker.spans(names.clone()).await?;
    let mut settings = admin.configurations(&names).await;
    let mut readers: HashMap<String, Vec<Reader>> = HashMap::new();
    for group in asker.groups().await?.into_iter().filter(|group| group != READERS) {
        // A group that we may not see is none of ours.
        let committed = offsets.all_of(&group, &names).await.unwrap_or_default();
        let name = group.strip_prefix(OURS).unwrap_or(&group);
        for (topic, next) in committed {
            let reader = Reader {
                name: name.to_owned(),
                next,
            };
            readers.entry(topic).or_default().push(reader);
        }
    }
    let surveyed = topics.into_iter().map(|(name, partitions)| Surveyed {
        partitions,
        span: spans.remove(&name),
        retention: settings.remove(&name).map(|settings| retention(&settings)),
        readers: readers.remove(&name).unwrap_or_default(),
        name,
    });
    Ok(surveyed.collect())
}

fn retention(settings: &Configuration) -> Retention {
    // -1 is "for ever".
    let limit = |name: &str| settings.get(name).and_then(|value| value.parse::<u64>().ok());
    Retention {
        age: limit("retention.ms").map(Duration::from_millis),
        bytes: limit("retention.bytes"),
        compacted: settings
            .get("cleanup.policy")
            .is_some_and(|policy| policy.contains("compact")),
    }
}

/// Where the first partition begins and ends, as the brokers tell it.
pub(super) fn span((first, end): (i64, i64)) -> Span {
    Span {
        first: Position(first),
        end: Position(end),
    }
}
