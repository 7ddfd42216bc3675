//! What the catalogue in the log says of a solver: what to draw of it, and which parameters are worth naming.

use kymo_runlog::catalogue::{self, HostCatalogue, SolverCard};
use kymo_runlog::{Log, LogError, Parameters, Position, RunId, ShortId, Topic};

use kymo_runlog::view::View;

/// The newest card of a solver; `None` if no host offers it (any more), or there is no catalogue.
pub async fn find_card(log: &dyn Log, solver: &str) -> Result<Option<SolverCard>, LogError> {
    let topic = catalogue::topic();
    if !log.exists(&topic).await? {
        return Ok(None);
    }
    let mut newest: Option<(chrono::DateTime<chrono::Utc>, SolverCard)> = None;
    let mut from = Position::START;
    loop {
        let batch = log.read(&topic, from, 1 << 20).await?;
        let Some(last) = batch.last() else { break };
        from = last.position.next();
        for stored in &batch {
            // A catalogue that is no catalogue is its writer's mistake, not ours.
            let Ok(host) = serde_json::from_slice::<HostCatalogue>(&stored.message.payload) else {
                continue;
            };
            let card = host.solvers.into_iter().find(|card| card.name == solver);
            if let Some(card) = card.filter(|_| newest.as_ref().is_none_or(|(at, _)| host.at >= *at)) {
                newest = Some((host.at, card));
            }
        }
    }
    Ok(newest.map(|(_, card)| card))
}

/// The view that a card recommends.
pub fn recommended(card: &SolverCard) -> Option<View> {
    card.view.as_deref()?.parse().ok()
}

/// How a picture names its run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    /// `airy kerr=0.5 amp=1.5`: the solver, and the parameters that differ from its defaults.
    pub title: String,
    pub topic: String,
    /// What people ask for the run by.
    pub short: String,
}

impl Names {
    /// Before the run has said what it is.
    pub fn of_topic(topic: &Topic) -> Self {
        Self {
            title: topic.to_string(),
            topic: topic.to_string(),
            short: ShortId::of(topic).to_string(),
        }
    }

    pub fn of_run(solver: &str, parameters: &Parameters, card: Option<&SolverCard>, topic: &Topic) -> Self {
        let parameters = card.map_or_else(|| parameters.clone(), |card| card.differing(parameters));
        let run = RunId {
            solver: solver.to_owned(),
            parameters,
        };
        Self {
            title: run.to_string(),
            ..Self::of_topic(topic)
        }
    }
}
