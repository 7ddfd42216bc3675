//! The run's log: what a run is called, what a record says, and the two logs (embedded and
//! Kafka) that keep records. Solvers, pictures and people are the business of the other rooms.

pub mod catalogue;
mod check;
pub mod claim;
pub mod event;
pub mod kafka;
mod log;
mod message;
pub mod order;
mod parameters;
mod record;
mod replay;
mod run_id;
mod shown;
mod topic;

mod open;

pub use check::{ParameterProblem, nearest};
pub use log::{ConsumerLag, Log, LogError, LogStream, TopicSummary};
pub use message::{Kind, Message, Position, Stored, header};
pub use open::{KafkaConfig, LogConfig, open};
pub use parameters::{Parameters, Value};
pub use record::{Array, Axis, Marker, Outcome, Points, Quantity, Record};
pub use replay::{Change, Replay, Report};
pub use run_id::{RunId, ShortId};
pub use shown::{shown, shown_number};
pub use topic::{Topic, TopicError};
