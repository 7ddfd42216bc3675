//! What can be run, folded from the catalogues of all hosts.

use std::collections::BTreeMap;

use kymo_runlog::RunId;
use kymo_runlog::catalogue::{HostCatalogue, SolverCard};

use crate::callback::solver_tag;

/// The newest catalogue of each host.
#[derive(Clone, Debug, Default)]
pub struct Solvers {
    hosts: BTreeMap<String, HostCatalogue>,
}

impl Solvers {
    /// Takes in a host's catalogue; it replaces its earlier one.
    pub fn publish(&mut self, catalogue: HostCatalogue) {
        self.hosts.insert(catalogue.host.clone(), catalogue);
    }

    /// The solver with this name, as the host that published last tells it.
    pub fn find(&self, name: &str) -> Option<&SolverCard> {
        let newest = self
            .hosts
            .values()
            .filter(|host| host.solvers.iter().any(|card| card.name == name));
        newest
            .max_by_key(|host| host.at)?
            .solvers
            .iter()
            .find(|card| card.name == name)
    }

    /// The solver with this name, as this host tells it.
    pub fn find_on(&self, host: &str, name: &str) -> Option<&SolverCard> {
        let solvers = &self.hosts.get(host)?.solvers;
        solvers.iter().find(|card| card.name == name)
    }

    /// The solver that a button names by its tag.
    pub fn find_tag(&self, tag: &str) -> Option<&SolverCard> {
        self.names()
            .into_iter()
            .find(|name| solver_tag(name) == tag)
            .and_then(|name| self.find(name))
    }

    /// Every solver's name, once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .hosts
            .values()
            .flat_map(|host| host.solvers.iter().map(|card| card.name.as_str()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The hosts that offer a solver.
    pub fn hosts_of(&self, name: &str) -> Vec<&str> {
        let offering = self
            .hosts
            .values()
            .filter(|host| host.solvers.iter().any(|card| card.name == name));
        offering.map(|host| host.host.as_str()).collect()
    }

    /// A run as people call it: the solver and what differs from its defaults.
    pub fn name_run(&self, id: &RunId) -> String {
        let Some(card) = self.find(&id.solver) else {
            return id.to_string();
        };
        RunId {
            solver: id.solver.clone(),
            parameters: card.differing(&id.parameters),
        }
        .to_string()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kymo_runlog::Value;
    use kymo_runlog::catalogue::{ParameterCard, ParameterKind};

    use super::*;
    use crate::follow::runs::tests::{run_id, second};

    fn parameter(name: &str, kind: ParameterKind, default: Option<Value>) -> ParameterCard {
        ParameterCard {
            name: name.to_owned(),
            kind,
            unit: None,
            optional: default.is_none(),
            default,
            help: format!("what {name} means"),
            aliases: Vec::new(),
        }
    }

    pub(crate) fn airy() -> SolverCard {
        let options = vec!["front_first".to_owned(), "tail_first".to_owned()];
        SolverCard {
            name: "airy".to_owned(),
            version: "1".to_owned(),
            help: "an Airy pulse enters a layer".to_owned(),
            view: Some("E[x=0.6]".to_owned()),
            needs: Default::default(),
            parameters: vec![
                parameter(
                    "eps",
                    ParameterKind::Real {
                        min: Some(1.0),
                        max: Some(25.0),
                    },
                    Some(Value::Number(4.0)),
                ),
                ParameterCard {
                    unit: Some("L".to_owned()),
                    ..parameter(
                        "h",
                        ParameterKind::Real {
                            min: Some(1e-5),
                            max: Some(0.5),
                        },
                        Some(Value::Number(0.01)),
                    )
                },
                parameter(
                    "window",
                    ParameterKind::Integer {
                        min: Some(1),
                        max: None,
                    },
                    Some(Value::Number(100.0)),
                ),
                parameter(
                    "orientation",
                    ParameterKind::Choice { options },
                    Some(Value::Text("front_first".to_owned())),
                ),
                parameter(
                    "t_s",
                    ParameterKind::Real {
                        min: Some(0.0),
                        max: None,
                    },
                    None,
                ),
                parameter(
                    "note",
                    ParameterKind::Text { max_length: 300 },
                    Some(Value::Text(String::new())),
                ),
            ],
        }
    }

    pub(crate) fn solvers() -> Solvers {
        let mut solvers = Solvers::default();
        solvers.publish(HostCatalogue {
            host: "lab".to_owned(),
            at: second(0),
            solvers: vec![airy()],
        });
        solvers
    }

    #[test]
    fn the_newest_catalogue_counts() {
        let mut solvers = solvers();
        let newer = SolverCard {
            version: "2".to_owned(),
            ..airy()
        };
        solvers.publish(HostCatalogue {
            host: "hub".to_owned(),
            at: second(1),
            solvers: vec![newer],
        });
        assert_eq!(solvers.find("airy").map(|card| card.version.as_str()), Some("2"));
        assert_eq!(solvers.hosts_of("airy"), ["hub", "lab"]);
        assert_eq!(solvers.names(), ["airy"]);
        assert!(solvers.find_tag(&solver_tag("airy")).is_some());
        solvers.publish(HostCatalogue {
            host: "hub".to_owned(),
            at: second(2),
            solvers: vec![],
        });
        assert_eq!(solvers.find("airy").map(|card| card.version.as_str()), Some("1"));
    }

    #[test]
    fn a_run_is_named_by_what_differs() {
        assert_eq!(solvers().name_run(&run_id(4.0)), "airy");
        assert_eq!(solvers().name_run(&run_id(9.0)), "airy eps=9");
        assert_eq!(Solvers::default().name_run(&run_id(4.0)), "airy eps=4");
    }
}
