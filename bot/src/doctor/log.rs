//! The log: reachable, kept for ever, and the same solvers on all hosts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kymo_runlog::catalogue::{self, HostCatalogue};
use kymo_runlog::{Log, LogError, Position, Topic, event, order};

use super::Check;
use crate::follow::Solvers;

const PATIENCE: Duration = Duration::from_secs(15);
/// Asking about thousands of topics would take minutes.
const TOPICS: usize = 50;

pub(super) async fn check(log: Result<&Arc<dyn Log>, String>) -> Vec<Check> {
    let log = match log {
        Ok(log) => log,
        Err(reason) => {
            let remedy = "correct [log] in kymo.toml, KYMO_LOG or --log, or start the brokers";
            return vec![Check::error("log", reason, remedy)];
        }
    };
    let looked = async {
        let mut checks = vec![Check::ok("log", format!("{} answers", log.describe()))];
        log.end(&order::topic()).await.or_else(missing_is_new)?;
        checks.extend(retention(log.as_ref()).await?);
        checks.extend(hosts(log.as_ref()).await?);
        Ok::<_, LogError>(checks)
    };
    match tokio::time::timeout(PATIENCE, looked).await {
        Ok(Ok(checks)) => checks,
        Ok(Err(error)) => vec![Check::error(
            "log",
            error.to_string(),
            "start the log's servers, or correct its address",
        )],
        Err(_) => {
            let reason = format!(
                "{} does not answer within {} s",
                log.describe(),
                PATIENCE.as_secs()
            );
            vec![Check::error(
                "log",
                reason,
                "start the log's servers, or correct its address",
            )]
        }
    }
}

/// Before the first start the shared topics are not there.
fn missing_is_new(error: LogError) -> Result<Position, LogError> {
    match error {
        LogError::UnknownTopic(..) => Ok(Position::START),
        other => Err(other),
    }
}

async fn retention(log: &dyn Log) -> Result<Vec<Check>, LogError> {
    let shared = [order::topic(), event::topic(), catalogue::topic()];
    let there = log.list().await?;
    let runs = there
        .iter()
        .filter(|topic| !topic.as_str().starts_with("kymo."))
        .count();
    let mut looked_at: Vec<&Topic> = there.iter().filter(|topic| shared.contains(topic)).collect();
    looked_at.extend(there.iter().filter(|topic| !shared.contains(topic)).take(TOPICS));
    let mut checks = Vec::new();
    for topic in looked_at {
        for warning in log.warnings(topic).await? {
            checks.push(Check::warning(
                "retention",
                warning,
                format!("change the topic {topic}, or start its run anew"),
            ));
        }
    }
    if checks.is_empty() {
        checks.push(Check::ok(
            "retention",
            format!("nothing is deleted by itself; {runs} topics of runs"),
        ));
    }
    Ok(checks)
}

async fn hosts(log: &dyn Log) -> Result<Vec<Check>, LogError> {
    let mut solvers = Solvers::default();
    let mut versions: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut from = Position::START;
    loop {
        let page = match log.read(&catalogue::topic(), from, 4 << 20).await {
            Ok(page) => page,
            Err(LogError::UnknownTopic(..)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let Some(last) = page.last() else { break };
        from = last.position.next();
        for stored in &page {
            if let Ok(host) = serde_json::from_slice::<HostCatalogue>(&stored.message.payload) {
                versions.retain(|(_, of), _| *of != host.host);
                for card in &host.solvers {
                    versions.insert((card.name.clone(), host.host.clone()), card.version.clone());
                }
                solvers.publish(host);
            }
        }
    }
    let names = solvers.names();
    if names.is_empty() {
        let remedy = "start an initiator: kymo initiator";
        return Ok(vec![Check::warning(
            "solvers",
            "no host has published what it can run",
            remedy,
        )]);
    }
    let mut checks = vec![Check::ok("solvers", names.join(", "))];
    for name in names {
        let mut told: Vec<&String> = versions
            .iter()
            .filter(|((solver, _), _)| solver == name)
            .map(|(_, version)| version)
            .collect();
        told.dedup();
        if told.len() > 1 {
            let reason = format!(
                "{name} has different versions: {}",
                solvers.hosts_of(name).join(", ")
            );
            checks.push(Check::warning(
                "versions",
                reason,
                "update kymo or the catalogue on the older hosts",
            ));
        }
    }
    Ok(checks)
}
