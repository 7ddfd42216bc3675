//! The sandbox Telegram by itself, for trying any bot.

use kymo_telegram_sandbox::{SandboxConfig, Seed};
use tokio_util::sync::CancellationToken;

use crate::cli::Sandbox;
use crate::say::say;

pub async fn run(args: Sandbox, stop: CancellationToken) -> anyhow::Result<()> {
    let config = SandboxConfig {
        listen: args.listen,
        state: args.state,
        seed: Seed::Lab,
        ..SandboxConfig::default()
    };
    let sandbox = kymo_telegram_sandbox::start(config, stop.clone()).await?;
    say!("phone page      {}", sandbox.url());
    say!("bot's token     {}", sandbox.bot_token());
    say!(
        "Bot API server  {}  (no Telegram: everything stays on this machine)",
        sandbox.url()
    );
    sandbox.ended().await;
    Ok(())
}
