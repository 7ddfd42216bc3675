//! The thread that starts child processes.
//!
//! Linux sends the parent-death signal when the *thread* that spawned a child ends, so children
//! must not be spawned from threads of a pool that shrinks.

use std::io;
use std::sync::mpsc;

use tokio::process::{Child, Command};
use tokio::sync::oneshot;

type Answer = oneshot::Sender<io::Result<Child>>;

/// Lives as long as somebody may ask for a child.
#[derive(Clone)]
pub struct Spawner {
    requests: mpsc::Sender<(Command, Answer)>,
}

impl Spawner {
    /// Starts the thread. Must be called in a tokio runtime: it reaps the children.
    pub fn new() -> io::Result<Self> {
        let (requests, inbox) = mpsc::channel::<(Command, Answer)>();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || {
                let _context = runtime.enter();
                while let Ok((mut command, answer)) = inbox.recv() {
                    // Nobody waits any more: the child is dropped and, with `kill_on_drop`, killed.
                    let _ = answer.send(command.spawn());
                }
            })?;
        Ok(Self { requests })
    }

    /// Starts the command as a child that dies with this process.
    pub async fn spawn(&self, mut command: Command) -> io::Result<Child> {
        die_with_parent(&mut command);
        let (answer, child) = oneshot::channel();
        let closed = || io::Error::other("the bot is shutting down");
        self.requests.send((command, answer)).map_err(|_| closed())?;
        child.await.map_err(|_| closed())?
    }
}

#[allow(unsafe_code)]
fn die_with_parent(command: &mut Command) {
    let parent = nix::unistd::getpid();
    // SAFETY: between fork and exec only async-signal-safe calls are made (prctl and getppid), and nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
            // The parent may have died before the signal was asked for.
            if nix::unistd::getppid() != parent {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            Ok(())
        });
    }
}
