//! What the sandbox is told at start.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How the sandbox listens, which bot it serves and how strict its flood budget is.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// A loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The bot's token, `<digits>:<letters>`; the digits are the bot's user id.
    pub token: String,
    /// The bot's username, without `@`; Telegram wants it to end in `bot`.
    pub username: String,
    /// The bot's display name.
    pub name: String,
    /// Whether plain text in groups is hidden from the bot (BotFather's default is yes).
    pub privacy_mode: bool,
    /// The flood budget.
    pub flood: FloodRules,
    /// How long an edit of media is under way; a second edit within that time cancels the first.
    pub media_edit_time: Duration,
    /// The people and chats that exist at the first start.
    pub seed: Seed,
    /// Keeps chats over a restart when given; files lie in a folder beside it.
    pub state: Option<PathBuf>,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            token: "4242:sandbox-token-not-a-secret".into(),
            username: "sandbox_bot".into(),
            name: "Sandbox".into(),
            privacy_mode: true,
            flood: FloodRules::default(),
            media_edit_time: Duration::from_millis(5),
            seed: Seed::Empty,
            state: None,
        }
    }
}

/// Who is there before anybody is created through the control API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// Nobody.
    Empty,
    /// Ada, Grace, Dorothy and a stranger, Mallory; two groups, one where the bot may pin.
    Lab,
}

/// The flood budget; Telegram publishes only round numbers, so the tolerance is ours.
#[derive(Debug, Clone, Copy)]
pub struct FloodRules {
    /// Messages that one chat accepts at once; after that one per second.
    pub chat_burst: u32,
    /// Messages per minute in one group, supergroup or channel.
    pub group_per_minute: u32,
    /// Messages per second over all chats.
    pub overall_per_second: u32,
}

impl Default for FloodRules {
    fn default() -> Self {
        Self {
            chat_burst: 3,
            group_per_minute: 20,
            overall_per_second: 30,
        }
    }
}

impl FloodRules {
    /// No limit at all, for tests about something else.
    pub fn none() -> Self {
        Self {
            chat_burst: u32::MAX,
            group_per_minute: u32::MAX,
            overall_per_second: u32::MAX,
        }
    }
}
