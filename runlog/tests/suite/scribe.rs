//! The other process: the test binary once more, writing where it is told to.

use std::io::Write;
use std::process::Stdio;

use kymo_runlog::{LogConfig, Topic, open};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::{Subject, message};

const JOB: &str = "KYMO_SUITE_SCRIBE";

/// A process that appends `<name> 1`, `<name> 2`, ... and says each number when it is acknowledged.
pub struct Scribe {
    pub child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Scribe {
    pub fn start(subject: &Subject, topic: &Topic, name: &str, count: u64) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("the test binary"))
            .args(["--exact", "scribe", "--nocapture", "--test-threads=1"])
            .env(JOB, format!("{count} {name} {topic} {}", subject.address))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the test binary starts again");
        let stdout = child.stdout.take().expect("a pipe");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
        }
    }

    /// The next acknowledged number; `None` when the process has ended.
    pub async fn acknowledged(&mut self) -> Option<u64> {
        while let Some(line) = self.lines.next_line().await.expect("the scribe's output") {
            if let Some(number) = line.trim().strip_prefix("acknowledged ") {
                return Some(number.parse().expect("a number"));
            }
        }
        None
    }
}

/// Does the other process's work, when this is the other process.
pub async fn serve_if_asked() {
    let Ok(job) = std::env::var(JOB) else { return };
    let [count, name, topic, address] = job.splitn(4, ' ').collect::<Vec<_>>()[..] else {
        panic!("{job}")
    };
    let config: LogConfig = address.parse().expect("an address");
    let log = open(&config).await.expect("the log");
    let topic = Topic::parse(topic).expect("a topic");
    let count: u64 = count.parse().expect("a number");
    for number in 1..=count {
        log.append(&topic, vec![message(&format!("{name} {number}"))])
            .await
            .expect("append");
        // The test harness captures `println!`; a line of its own survives a kill.
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nacknowledged {number}")
            .and_then(|()| out.flush())
            .expect("the parent listens");
    }
}
