//! What the bot remembers in SQL: one file per table family. The statements are plain enough for
//! SQLite and PostgreSQL alike. What the rows mean is the bot's business.

mod alerts;
mod audit;
mod chats;
mod claim_links;
mod door_messages;
mod drafts;
mod error;
mod ids;
mod inbox;
mod kv;
mod notices;
mod panels;
mod people;
mod prune;
mod store;
mod time;
mod watches;

pub use alerts::{DueAlert, NewAlert, Raised};
pub use audit::AuditEntry;
pub use chats::{Chat, ChatSeen, Destination, Theme};
pub use door_messages::{DoorMessage, DoorMessageKind};
pub use drafts::Draft;
pub use error::StoreError;
pub use ids::{ChatId, MessageId, PersonId, ThreadId};
pub use inbox::InboxUpdate;
pub use notices::Notice;
pub use panels::{Panel, PanelTopic, Pin};
pub use people::{Person, Role, Stranger, StrangerCount};
pub use store::Store;
pub use watches::{Wanted, Watch};
