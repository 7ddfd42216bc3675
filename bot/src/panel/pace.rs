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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_of_a_group_share_fifteen_a_minute() {
        let group = |panels| Showing { group: true, panels };
        let private = |panels| Showing { group: false, panels };
        let cases: [(&[Showing], u64); 6] = [
            (&[], 10_000),
            (&[group(1)], 4000),
            (&[group(15)], 60_000),
            (&[private(1)], 1050),
            (&[group(3), private(2)], 2100),
            (&[group(0)], 4000),
        ];
        for (chats, millis) in cases {
            assert_eq!(next_picture_in(chats), Duration::from_millis(millis), "{chats:?}");
        }
    }
}
