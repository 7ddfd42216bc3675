//! What is said at the door, as JSON.
//!
//! | request | body | answer |
//! | --- | --- | --- |
//! | `PUT /v1/panels/{topic}` | multipart: `facts` ([`PanelFacts`] JSON), `picture` (PNG) | [`PanelAnswer`] |
//! | `GET /v1/panels/{topic}` | | [`PanelAnswer`] |
//! | `POST /v1/alerts` | [`Alert`] | 202 once it is durable |
//! | `POST /v1/messages`, `PUT /v1/messages/{key}` | [`Text`] JSON, or multipart with `text` and `picture` | [`TextAnswer`] |
//! | `GET /healthz`, `GET /openapi.json` | | |
//!
//! Every `/v1` request carries `Authorization: Bearer <token>`. Errors are
//! `{"error":"...","remedy":"..."}` with the fitting status.

use chrono::{DateTime, Utc};
use kymo_runlog::{Parameters, Topic};
use serde::{Deserialize, Serialize};

/// What the caption is written from. The bot writes the words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PanelFacts {
    pub solver: String,
    #[schema(value_type = Object)]
    pub parameters: Parameters,
    pub attempt: u32,
    /// The last complete iteration; 0 before the first.
    pub iteration: u64,
    pub total: Option<u64>,
    /// What is drawn, e.g. `E[x=0.6]`, and its newest value.
    pub view: String,
    pub value: Option<f64>,
    /// Values drawn.
    pub points: u64,
    /// When the log took the newest record.
    pub newest_at: Option<DateTime<Utc>>,
    /// When the run should be complete, by its recent pace.
    pub eta: Option<DateTime<Utc>>,
    /// Records that were kept aside, and why the newest of them was.
    #[serde(default)]
    pub rejected: u64,
    #[serde(default)]
    pub rejected_reason: Option<String>,
    /// NaN and infinities among the values drawn.
    #[serde(default)]
    pub not_finite: u64,
    /// The solver ended by itself.
    #[serde(default)]
    pub ended: bool,
    #[serde(default)]
    pub pace: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PanelAnswer {
    /// Hand in the next picture after this many milliseconds; a newer one before that is wasted work.
    pub next_in_ms: u64,
    /// How many chats show this panel.
    pub shown_in: u32,
    /// `light` or `dark`, as the panel's chat chose.
    pub theme: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlertState {
    Open,
    Resolved,
}

/// One incident is one `key`: later alerts with the key edit the message of the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Alert {
    /// Repeating an alert with the same id changes nothing.
    #[schema(value_type = String)]
    pub id: uuid::Uuid,
    pub key: String,
    #[schema(value_type = Option<String>)]
    pub topic: Option<Topic>,
    pub state: AlertState,
    pub severity: Severity,
    /// One line: `airy crashed: killed by signal 11 (SIGSEGV)`.
    pub title: String,
    /// What was saved, what happens next. Plain text.
    #[serde(default)]
    pub text: String,
    /// The last lines of the solver's output, oldest first.
    #[serde(default)]
    pub last_lines: Vec<String>,
    pub at: DateTime<Utc>,
    pub host: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Plain text; the bot escapes it.
    pub text: String,
    /// Where to; empty: every chat that subscribed to alerts.
    #[serde(default)]
    pub chats: Vec<i64>,
    #[serde(default)]
    pub silent: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TextAnswer {
    pub key: String,
    pub chats: Vec<i64>,
}
