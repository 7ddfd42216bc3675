//! What the catalogue in the log says of a solver: what to draw of it, and which parameters are worth naming.

use kymo_runlog::catalogue::{self, HostCatalogue, SolverCard};
use kymo_runlog::{Log, LogError, Parameters, Position, ShortId, Topic};

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

/// `kerr=0.5 amp=1.5 · 3f9a12bc`: parameters that differ from the defaults, and the run's short id.
pub fn subtitle(parameters: &Parameters, card: Option<&SolverCard>, topic: &Topic) -> String {
    let default = |name: &str| card?.parameters.iter().find(|p| p.name == name)?.default.as_ref();
    let differs: Vec<String> = parameters
        .0
        .iter()
        .filter(|(name, value)| default(name) != Some(value))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match differs.is_empty() {
        true => ShortId::of(topic).to_string(),
        false => format!("{} · {}", differs.join(" "), ShortId::of(topic)),
    }
}
