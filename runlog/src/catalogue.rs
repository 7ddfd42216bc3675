//! `kymo.catalogue`: what each host can run. The newest record of a host replaces its earlier ones.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub const TOPIC: &str = "kymo.catalogue";

/// [`TOPIC`], ready to use.
pub fn topic() -> crate::Topic {
    crate::Topic::trusted(TOPIC.to_owned())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostCatalogue {
    pub host: String,
    pub at: DateTime<Utc>,
    pub solvers: Vec<SolverCard>,
}

/// A solver as people meet it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SolverCard {
    pub name: String,
    pub version: String,
    pub help: String,
    /// What to draw when nobody says otherwise, e.g. `E[x=0.6]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    pub parameters: Vec<ParameterCard>,
    /// What a host must have for it.
    #[serde(default, skip_serializing_if = "crate::host::Needs::is_none")]
    pub needs: crate::host::Needs,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterCard {
    pub name: String,
    #[serde(flatten)]
    pub kind: ParameterKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// `None`: the person must give a value, unless `optional`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<crate::Value>,
    #[serde(default)]
    pub optional: bool,
    pub help: String,
    /// Other names that people use for it; a run's identity always has `name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ParameterKind {
    Real {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
    Integer {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        min: Option<i64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max: Option<i64>,
    },
    Choice {
        options: Vec<String>,
    },
    Text {
        /// Longest text, characters.
        max_length: usize,
    },
    Flag,
}
