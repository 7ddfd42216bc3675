//! The bot's token must not be seen anywhere: everything that is logged and said while requests
//! fail in every way is searched for it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kymo_bot::telegram::{Telegram, TelegramError, Upload};
use kymo_telegram_sandbox::{Fault, FaultOrder, SandboxConfig, start};
use serde_json::{Map, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;

const SECRET: &str = "4242:tell-nobody-of-this";

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Heard {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Every kind of request, and what it says when it fails.
async fn say_all(api: &str, token: &str) -> (String, Vec<TelegramError>) {
    let telegram = Telegram::new(&token.into(), Some(&api.parse().expect("an address")))
        .expect("a client")
        .patience(Duration::from_secs(1));
    let file = Upload {
        field: "photo",
        name: "p.png".into(),
        mime: "image/png",
        bytes: vec![1; 2000].into(),
    };
    let mut body = Map::new();
    body.insert("chat_id".into(), json!(1));
    let errors: Vec<_> = [
        telegram.get_me().await.err(),
        telegram.get_updates(0, &["message"]).await.err(),
        telegram
            .call("sendMessage", &json!({"chat_id": 1, "text": "hello"}))
            .await
            .err(),
        telegram.upload("sendPhoto", &body, file).await.err(),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert_eq!(errors.len(), 4, "all of them fail");
    let said = errors
        .iter()
        .map(|error| format!("{error}\n{error:?}\n"))
        .collect::<String>();
    (format!("{said}{}\n", telegram.server()), errors)
}

#[tokio::test]
async fn the_token_is_in_no_error_and_in_no_log() {
    let heard = Heard::default();
    // The most talkative setting there is, the libraries' own words included.
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(heard.clone())
        .init();
    let mut said = String::new();

    let (nobody, errors) = say_all("http://127.0.0.1:9", SECRET).await;
    assert!(
        errors.iter().all(|error| matches!(error, TelegramError::Away(_))),
        "{errors:?}"
    );
    said += &nobody;
    let (no_name, _) = say_all("http://no-such-host.invalid", SECRET).await;
    said += &no_name;

    let sandbox = start(SandboxConfig::default(), CancellationToken::new())
        .await
        .expect("it starts");
    let (wrong, errors) = say_all(sandbox.url(), SECRET).await;
    assert!(
        errors.iter().all(|error| *error == TelegramError::Unauthorized),
        "{errors:?}"
    );
    said += &wrong;
    for fault in [Fault::Reset, Fault::LostAnswer, Fault::Server { code: 502 }] {
        let sandbox = start(
            SandboxConfig {
                token: SECRET.into(),
                ..SandboxConfig::default()
            },
            CancellationToken::new(),
        )
        .await
        .expect("it starts");
        sandbox
            .control()
            .fault(FaultOrder::next(fault).times(20))
            .await
            .expect("ordered");
        said += &say_all(sandbox.url(), SECRET).await.0;
    }

    // A server that takes everything and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", silent.local_addr().expect("an address"));
    let taking = tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            taken.push(stream);
        }
    });
    let (late, errors) = say_all(&address, SECRET).await;
    assert!(
        errors.iter().all(|error| matches!(error, TelegramError::Lost(_))),
        "{errors:?}"
    );
    said += &late;
    taking.abort();

    let log = String::from_utf8_lossy(&heard.0.lock().expect("nobody panicked")).into_owned();
    assert!(log.len() > 1000, "something was logged");
    for (place, text) in [("an error", &said), ("the log", &log)] {
        let found = text.lines().find(|line| line.contains("tell-nobody-of-this"));
        assert!(found.is_none(), "{place} shows the token: {found:?}");
    }
}
