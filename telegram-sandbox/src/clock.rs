//! The sandbox's clock: the system's, moved forward on command so that a test never waits for a flood window.

use chrono::Utc;
use serde::{Deserialize, Serialize};

/// Milliseconds since the epoch, as the sandbox sees them.
pub(crate) type Millis = i64;

/// The system clock plus what the control API added.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Clock {
    ahead: Millis,
}

impl Clock {
    pub(crate) fn now(self) -> Millis {
        Utc::now().timestamp_millis() + self.ahead
    }

    pub(crate) fn advance(&mut self, by: Millis) {
        self.ahead += by;
    }
}
