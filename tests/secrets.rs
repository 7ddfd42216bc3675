//! The token never shows: not in messages after a connect error, a timeout or a 401, and not in any command line.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::world::{KYMO, World, lab};

const TOKEN: &str = "987654321:AAsecretsecretsecretsecretsecretsec";

/// More than the bot waits for an answer.
const PATIENCE: Duration = Duration::from_secs(180);

/// Everything that `kymo bot` says to the most curious reader, and its command line, until it says `fact`.
fn says(api: &str, fact: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let messages = folder.path().join("messages");
    let file = std::fs::File::create(&messages).expect("a file for messages");
    let mut bot = Command::new(KYMO)
        .arg("bot")
        .env("KYMO_DATA", folder.path())
        .env("KYMO_TELEGRAM_API", api)
        .env("KYMO_TELEGRAM_TOKEN", TOKEN)
        .env("KYMO_DOOR", "http://127.0.0.1:0")
        .env("KYMO_LOG_LEVEL", "trace")
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("the same file"))
        .stderr(file)
        .spawn()
        .expect("start the bot");
    let command_line =
        std::fs::read_to_string(format!("/proc/{}/cmdline", bot.id())).expect("its command line");
    let begun = Instant::now();
    let told = loop {
        // Read after the question, so that the last words of a bot that has ended are there.
        let ended = bot.try_wait().expect("ask for its end").is_some();
        let told = std::fs::read_to_string(&messages).expect("read the messages");
        if told.contains(fact) {
            break told;
        }
        assert!(!ended && begun.elapsed() < PATIENCE, "no {fact:?} in\n{told}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let _ = bot.kill();
    let _ = bot.wait();
    told + &command_line
}

fn keeps_the_secret(told: &str) {
    let secret = TOKEN.split_once(':').expect("a token").1;
    assert!(!told.contains(secret), "the token shows:\n{told}");
}

#[test]
fn a_refused_connection_does_not_tell_the_token() {
    let port = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("bound")
        .port();
    keeps_the_secret(&says(&format!("http://127.0.0.1:{port}"), "Connection refused"));
}

#[test]
fn a_timeout_does_not_tell_the_token() {
    // Accepts into the backlog and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("bound");
    keeps_the_secret(&says(&format!("http://{address}"), "timed out"));
}

#[tokio::test]
async fn an_unauthorised_token_is_named_as_wrong_and_not_told() {
    let world = World::dark(None, "").await;
    let api = world.stage.sandbox.url().to_owned();
    let told = tokio::task::spawn_blocking(move || says(&api, "token"))
        .await
        .expect("watch the bot");
    keeps_the_secret(&told);
}

#[tokio::test]
async fn no_process_of_the_house_has_a_secret_in_its_command_line() {
    let world = World::new().await;
    let topic = world.run(lab::ADA, lab::GROUP, "lorenz pace=0.2").await;
    world.panel(lab::GROUP).await;
    world.reaches(&topic, 2).await;
    let secrets = [
        world.stage.sandbox.bot_token().to_owned(),
        std::fs::read_to_string(world.path("door.token"))
            .expect("the door's token")
            .trim()
            .to_owned(),
    ];
    let mut seen = 0;
    for process in std::fs::read_dir("/proc").expect("read /proc").flatten() {
        let Ok(command_line) = std::fs::read_to_string(process.path().join("cmdline")) else {
            continue;
        };
        seen += usize::from(command_line.contains("kymo"));
        assert!(
            !secrets
                .iter()
                .any(|secret| command_line.contains(secret.as_str())),
            "{command_line}"
        );
    }
    assert!(
        seen >= 4,
        "bot, initiator, watchdog and graph worker are there to be looked at"
    );
    world.finish().await;
}
