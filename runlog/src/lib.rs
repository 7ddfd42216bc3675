//! The run's log: what a run is called, what a record says, and the two logs (embedded and
//! Kafka) that keep records. Solvers, pictures and people are the business of the other rooms.

mod aside;
pub mod catalogue;
mod check;
pub mod claim;
mod digest;
pub mod embedded;
mod envelope;
pub mod event;
pub mod host;
pub mod kafka;
mod limits;
mod log;
mod message;
mod name;
mod named;
mod number;
mod open;
pub mod order;
mod parameters;
mod parts;
mod record;
pub mod relay;
mod replay;
mod run_id;
mod runs;
mod shown;
mod topic;
pub mod view;
mod writer;

pub use aside::keep_aside;
pub use check::{ParameterProblem, nearest};
pub use kafka::KafkaConfig;
pub use log::{Log, LogError, LogStream};
pub use message::{Kind, Message, Position, Stored, header};
pub use number::Number;
pub use open::{LogAddressError, LogConfig, open};
pub use parameters::{Parameters, Value, canonical};
pub use record::{Array, Axis, Complaint, Marker, Outcome, Points, Quantity, Record, RecordError};
pub use replay::{Change, Replay, Report};
pub use run_id::{Named, NotARun, NotAShortId, RunId, ShortId};
pub use runs::{Phase, RunBook, RunFacts, StartOrder, StopOrder};
pub use shown::{shown, shown_number};
pub use topic::{Topic, TopicError};
pub use writer::{PART_LIMIT, RunWriter, checksum};
