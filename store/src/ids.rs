//! Telegram's numbers, each with its own type.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A chat: positive for private chats, negative for groups.
    ChatId
);
id!(
    /// A person, or a bot, on Telegram.
    PersonId
);
id!(
    /// A message, counted per chat.
    MessageId
);
id!(
    /// A topic of a forum supergroup.
    ThreadId
);
