//! When the next picture of a panel is welcome: the chats' flood budget, shared by the panels that live there.

use std::time::Duration;

/// Panels may spend 15 of a group's 20 messages a minute.
const GROUP: Duration = Duration::from_millis(4000);
const PRIVATE: Duration = Duration::from_millis(1050);
/// Nobody looks: only the facts are worth keeping.
const UNSEEN: Duration = Duration::from_secs(10);

/// A chat that shows the panel, and how many panels were fed there lately, this one included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Showing {
    pub group: bool,
    pub panels: u32,
}

/// The fastest chat sets the pace: in slower ones only the newest picture is sent.
pub fn next_picture_in(chats: &[Showing]) -> Duration {
    let share = |chat: &Showing| (if chat.group { GROUP } else { PRIVATE }) * chat.panels.max(1);
    chats.iter().map(share).min().unwrap_or(UNSEEN)
}
