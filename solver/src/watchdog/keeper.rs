//! Who ends the solver's whole group when this watchdog is killed. The parent-death signal reaches the solver alone; what
//! the solver started would go on, for nobody, until the run's next attempt.

use std::process::{Child, Command, Stdio};

/// Waits for the end of its input, a pipe that only the watchdog holds open: then the watchdog is no more.
const SCRIPT: &str = r#"read -r _; kill -s KILL -- "-$1""#;

/// A process that outlives this one for a moment, in a group of its own, so that nothing meant for us or for the solver
/// hits it.
pub struct Keeper(Child);

impl Keeper {
    pub fn of(group: i32) -> std::io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", SCRIPT, "kymo-keeper"])
            .arg(group.to_string())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().map(Self)
    }
}

impl Drop for Keeper {
    /// Must come before the group's number can be given to strangers.
    fn drop(&mut self) {
        let ended = self.0.kill().and_then(|()| self.0.wait());
        if let Err(error) = ended {
            tracing::warn!(%error, pid = self.0.id(), "the solver's keeper cannot be ended");
        }
    }
}
