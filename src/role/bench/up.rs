//! `up`: from the start of the process to a bot that answers and an initiator that listens.

use std::ffi::OsString;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, ensure};
use kymo_benches::{Figure, median};
use kymo_telegram_sandbox::{SandboxConfig, Seed};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

const TIMES: usize = 7;

pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let stop = CancellationToken::new();
    let config = SandboxConfig {
        seed: Seed::Lab,
        ..SandboxConfig::default()
    };
    let sandbox = kymo_telegram_sandbox::start(config, stop.clone()).await?;
    let mut fresh = Vec::new();
    let mut again = Vec::new();
    for _ in 0..TIMES {
        let folder = TempDir::new()?;
        fresh.push(once(&folder, sandbox.url(), sandbox.bot_token()).await?);
        again.push(once(&folder, sandbox.url(), sandbox.bot_token()).await?);
    }
    stop.cancel();
    Ok(vec![
        Figure::new("up.fresh", median(fresh), "s").goal(0.3),
        Figure::new("up.again", median(again), "s").goal(0.3),
    ])
}

/// Seconds until `kymo up` says that it is ready.
async fn once(folder: &TempDir, api: &str, token: &str) -> anyhow::Result<f64> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let started = Instant::now();
    let environment = [
        ("KYMO_DATA", folder.path().as_os_str().to_owned()),
        ("KYMO_DOOR", format!("http://{port}").into()),
        ("KYMO_TELEGRAM_API", api.into()),
        ("KYMO_TELEGRAM_TOKEN", token.into()),
    ];
    let up = Up::start(environment).await?;
    let took = started.elapsed().as_secs_f64();
    up.stop().await?;
    Ok(took)
}

/// A `kymo up` that is ready.
pub struct Up {
    process: Child,
    /// It must not find its stdout closed.
    _words: Lines<BufReader<ChildStdout>>,
}

impl Up {
    pub async fn start(
        environment: impl IntoIterator<Item = (&'static str, OsString)>,
    ) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("up")
            .env_remove("KYMO_CONFIG")
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut words = BufReader::new(process.stdout.take().context("stdout is a pipe")?).lines();
        loop {
            let line = words
                .next_line()
                .await?
                .context("`kymo up` ended before it was ready")?;
            if line.starts_with("ready") {
                let _words = words;
                return Ok(Self { process, _words });
            }
        }
    }

    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = self.process.id().context("`kymo up` ended")?;
        nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid.cast_signed()),
            nix::sys::signal::Signal::SIGTERM,
        )?;
        ensure!(
            self.process.wait().await?.success(),
            "`kymo up` did not end cleanly"
        );
        Ok(())
    }
}
