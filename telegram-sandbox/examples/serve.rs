//! A sandbox by itself, for any bot: `cargo run -p kymo-telegram-sandbox --example serve -- 8081 [state.json]`.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use kymo_telegram_sandbox::{SandboxConfig, Seed, start};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args
        .next()
        .as_deref()
        .unwrap_or("8081")
        .parse()
        .context("the port is a number")?;
    let config = SandboxConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        seed: Seed::Lab,
        state: args.next().map(Into::into),
        ..SandboxConfig::default()
    };
    let stop = CancellationToken::new();
    let running = start(config, stop.clone()).await?;
    println!("phone page  {}/", running.url());
    println!("Bot API     {}/bot{}/getMe", running.url(), running.bot_token());
    tokio::signal::ctrl_c().await?;
    stop.cancel();
    running.ended().await;
    Ok(())
}
