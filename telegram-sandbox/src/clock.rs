//! The sandbox's clock: the system's, moved forward on command so that a test never waits for a flood window, and
//! stopped on command so that no window passes while a busy machine takes its time.

use chrono::Utc;
use serde::{Deserialize, Serialize};

/// Milliseconds since the epoch, as the sandbox sees them.
pub(crate) type Millis = i64;

/// The system clock plus what the control API added.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Clock {
    ahead: Millis,
    /// Only orders move it any more.
    #[serde(skip)]
    stopped_at: Option<Millis>,
}

impl Clock {
    pub(crate) fn now(self) -> Millis {
        self.stopped_at
            .unwrap_or_else(|| Utc::now().timestamp_millis() + self.ahead)
    }

    pub(crate) fn stop(&mut self) {
        self.stopped_at = Some(self.now());
    }

    pub(crate) fn advance(&mut self, by: Millis) {
        self.ahead += by;
        self.stopped_at = self.stopped_at.map(|at| at + by);
    }
}
