//! Moments at which a death is worst: something has happened outside and is not yet known inside.
//!
//! `kymo bench chaos` kills exactly there: it names a folder in `KYMO_CHAOS` and puts a file into it that is called like
//! the window. Whoever comes by first takes the file away and dies. Without that variable nothing happens.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The folder with the files that arm windows.
pub const VARIABLE: &str = "KYMO_CHAOS";

/// A named moment in a role's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// Records stand in the log, and the watchdog does not know it yet.
    Appended,
    /// Telegram shows a message, and the bot has not written down that it does.
    Accepted,
    /// A claim stands in the log, and the initiator has not read whether it won.
    Claimed,
    /// An attempt has its marker and nothing after it.
    Marked,
}

impl Window {
    pub const ALL: [Self; 4] = [Self::Appended, Self::Accepted, Self::Claimed, Self::Marked];

    /// What the arming file is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Appended => "appended",
            Self::Accepted => "accepted",
            Self::Claimed => "claimed",
            Self::Marked => "marked",
        }
    }

    /// Dies here, by SIGKILL, if this window is armed.
    pub fn pass(self) {
        static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| std::env::var_os(VARIABLE).map(PathBuf::from));
        if folder.as_deref().is_some_and(|folder| self.disarm(folder)) {
            // Nothing may run after this, no destructor and no last message.
            let _ = kill(Pid::this(), Signal::SIGKILL);
        }
    }

    pub fn arm(self, folder: &Path) -> std::io::Result<()> {
        std::fs::write(folder.join(self.name()), [])
    }

    pub fn is_armed(self, folder: &Path) -> bool {
        folder.join(self.name()).exists()
    }

    /// Only one of several processes takes the file away.
    pub fn disarm(self, folder: &Path) -> bool {
        std::fs::remove_file(folder.join(self.name())).is_ok()
    }
}
