//! TLS, passwords and rights on a real broker: the right ones work, wrong ones are one clear message.
//! Starts a broker of its own; run with `--ignored`, see docs/kafka.md, "Tests".

mod cluster;

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cluster::{Cluster, new_topic, number, numbered};
use futures::StreamExt;
use futures::future::join_all;
use kymo_runlog::kafka::KafkaLog;
use kymo_runlog::{KafkaConfig, Log, LogConfig, LogError, Position, Topic};
use secrecy::SecretString;

const NEWS: Duration = Duration::from_secs(5);

/// What people would see of our log.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Told {
    fn listen() -> Self {
        let told = Self::default();
        let writer = told.clone();
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        told
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

struct Secure {
    cluster: Cluster,
    told: Told,
}

impl Secure {
    fn file(&self, name: &str) -> PathBuf {
        self.cluster.folder().join("secure").join(name)
    }

    /// As the sample that the script writes says.
    fn config(&self) -> KafkaConfig {
        #[derive(serde::Deserialize)]
        struct Sample {
            log: LogConfig,
        }
        let text = std::fs::read_to_string(self.file("client.toml")).unwrap();
        match toml::from_str::<Sample>(&text).unwrap().log {
            LogConfig::Kafka(config) => config,
            LogConfig::Embedded { .. } | LogConfig::Relay { .. } => panic!("client.toml names no cluster"),
        }
    }

    fn password(&self, user: &str) -> String {
        std::fs::read_to_string(self.file(&format!("{user}.password")))
            .unwrap()
            .trim()
            .to_owned()
    }
}

async fn refusal(config: &KafkaConfig) -> String {
    let asked = tokio::time::timeout(Duration::from_secs(60), KafkaLog::open(config)).await;
    let error = asked.expect("it hangs").err().expect("it must not let us in");
    assert!(matches!(error, LogError::Denied { .. }), "{error}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "starts a Kafka broker: docs/kafka.md, Tests"]
async fn passwords_certificates_and_rights() {
    let folder = tempfile::tempdir().unwrap();
    let started = ["1", "--secure", "--base-port", "39190"];
    let cluster = Cluster::start(&folder.path().join("kafka"), &started);
    let secure = Secure {
        cluster,
        told: Told::listen(),
    };
    the_right_password_works(&secure).await;
    a_wrong_password_is_one_clear_message(&secure).await;
    an_unknown_user_is_refused_like_a_wrong_password(&secure).await;
    a_foreign_certificate_is_named(&secure).await;
    no_tls_or_no_password_gives_a_hint(&secure).await;
    missing_rights_are_named(&secure).await;
    a_password_changed_under_a_run_ends_its_waiting(&secure).await;
    for user in ["kymo", "stranger"] {
        assert!(
            !secure.told.text().contains(&secure.password(user)),
            "a password was logged"
        );
    }
}

async fn the_right_password_works(secure: &Secure) {
    let log = KafkaLog::open(&secure.config()).await.unwrap();
    let topic = new_topic(&log, "secure").await;
    log.append(&topic, (0..10).map(numbered).collect()).await.unwrap();
    let read = log.read(&topic, Position::START, usize::MAX).await.unwrap();
    assert_eq!(
        read.iter()
            .map(|stored| number(&stored.message))
            .collect::<Vec<_>>(),
        (0..10).collect::<Vec<_>>()
    );
    let mut news = log.follow(&topic, Position(9)).await.unwrap();
    assert_eq!(number(&news.next().await.unwrap().unwrap().message), 9);
    log.commit(&topic, "secure-test", Position(4)).await.unwrap();
    assert_eq!(
        log.committed(&topic, "secure-test").await.unwrap(),
        Some(Position(4))
    );
    assert_eq!(log.warnings(&topic).await.unwrap(), Vec::<String>::new());
    log.clear(&topic).await.unwrap();
    assert_eq!(log.end(&topic).await.unwrap(), Position(10));
    log.delete(&topic).await.unwrap();
}

async fn a_wrong_password_is_one_clear_message(secure: &Secure) {
    let before = secure.told.text().len();
    let wrong = KafkaConfig {
        password: Some(SecretString::from("not-this-one")),
        ..secure.config()
    };
    let text = refusal(&wrong).await;
    assert!(
        text.contains("user or password is wrong") && text.contains("password-file"),
        "{text}"
    );
    assert!(!text.contains("not-this-one"), "{text}");
    let told = secure.told.text().split_off(before);
    assert_eq!(told.lines().count(), 1, "said once:\n{told}");
    assert!(!told.contains("not-this-one"), "{told}");
}

async fn an_unknown_user_is_refused_like_a_wrong_password(secure: &Secure) {
    let text = refusal(&KafkaConfig {
        user: Some("nobody".into()),
        ..secure.config()
    })
    .await;
    assert!(text.contains("check `user`"), "{text}");
}

async fn a_foreign_certificate_is_named(secure: &Secure) {
    let foreign = secure.cluster.folder().join("foreign.pem");
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=another",
            "-keyout",
            "/dev/null",
        ])
        .arg("-out")
        .arg(&foreign)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = refusal(&KafkaConfig {
        ca: Some(foreign),
        ..secure.config()
    })
    .await;
    assert!(text.contains("check `ca`"), "{text}");
}

/// A server with a certificate of the right authority that ended yesterday. The handshake ends before Kafka is spoken.
struct Expired {
    server: std::process::Child,
    _folder: tempfile::TempDir,
    ca: PathBuf,
    port: u16,
}

impl Expired {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let openssl = |arguments: &[&str]| {
            let done = std::process::Command::new("openssl")
                .args(arguments)
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        };
        std::fs::write(folder.path().join("names"), "subjectAltName=DNS:localhost\n").unwrap();
        let new = ["req", "-newkey", "rsa:2048", "-nodes"];
        openssl(
            &[
                &new[..],
                &["-x509", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"],
            ]
            .concat(),
        );
        openssl(
            &[
                &new[..],
                &[
                    "-subj",
                    "/CN=localhost",
                    "-keyout",
                    "node.key",
                    "-out",
                    "node.csr",
                ],
            ]
            .concat(),
        );
        openssl(&[
            "x509",
            "-req",
            "-days",
            "-1",
            "-in",
            "node.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "names",
            "-out",
            "node.pem",
        ]);
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = std::process::Command::new("openssl")
            .args([
                "s_server", "-quiet", "-cert", "node.pem", "-key", "node.key", "-accept",
            ])
            .arg(port.to_string())
            .current_dir(folder.path())
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        Self {
            server,
            ca: folder.path().join("ca.pem"),
            _folder: folder,
            port,
        }
    }
}

impl Drop for Expired {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs openssl: docs/kafka.md, Tests"]
async fn an_expired_certificate_is_named_with_the_way_to_see_it() {
    let expired = Expired::start();
    let config = KafkaConfig {
        ca: Some(expired.ca.clone()),
        ..cluster::config(&format!("localhost:{}", expired.port))
    };
    let text = refusal(&config).await;
    assert!(
        text.contains("it has expired") && text.contains("-enddate") && text.contains("renewed"),
        "{text}"
    );
    assert!(text.contains(&expired.port.to_string()), "which broker: {text}");
}

async fn no_tls_or_no_password_gives_a_hint(secure: &Secure) {
    let plain = cluster::config(secure.cluster.brokers());
    let unencrypted = KafkaConfig {
        ca: None,
        ..secure.config()
    };
    let nameless = KafkaConfig {
        user: None,
        password_file: None,
        ..secure.config()
    };
    let asked =
        [plain, unencrypted, nameless].map(|config| async move { (KafkaLog::open(&config).await, config) });
    for (answer, config) in join_all(asked).await {
        let error = answer.err().expect("it must not let us in");
        let text = error.to_string();
        assert!(
            text.contains("`ca`") || text.contains("password"),
            "{config:?}: {text}"
        );
    }
}

async fn missing_rights_are_named(secure: &Secure) {
    let owner = KafkaLog::open(&secure.config()).await.unwrap();
    let topic = new_topic(&owner, "secret").await;
    let password = secure.file("stranger.password");
    let config = KafkaConfig {
        user: Some("stranger".into()),
        password_file: Some(password),
        ..secure.config()
    };
    let log = KafkaLog::open(&config).await.unwrap();
    let other = Topic::parse("test.of-a-stranger").unwrap();
    let answers = [
        ("exists", log.exists(&topic).await.err()),
        ("create", log.create(&other).await.err()),
        ("append", log.append(&topic, vec![numbered(0)]).await.err()),
        ("read", log.read(&topic, Position::START, 1).await.err()),
        ("follow", follow_error(&log, &topic).await),
        ("clear", log.clear(&topic).await.err()),
        ("delete", log.delete(&topic).await.err()),
        ("commit", log.commit(&topic, "stranger", Position(1)).await.err()),
    ];
    for (deed, error) in answers {
        let error = error.unwrap_or_else(|| panic!("{deed} was allowed"));
        assert!(matches!(error, LogError::Denied { .. }), "{deed}: {error}");
        assert!(error.to_string().contains("let this user"), "{deed}: {error}");
    }
    owner.delete(&topic).await.unwrap();
}

async fn follow_error(log: &KafkaLog, topic: &Topic) -> Option<LogError> {
    match log.follow(topic, Position::START).await {
        Ok(mut news) => tokio::time::timeout(NEWS, news.next()).await.ok()??.err(),
        Err(error) => Some(error),
    }
}

/// Connections live on until the broker restarts; then waiting for ever would help nobody.
async fn a_password_changed_under_a_run_ends_its_waiting(secure: &Secure) {
    let log = KafkaLog::open(&secure.config()).await.unwrap();
    let topic = new_topic(&log, "changed").await;
    log.append(&topic, vec![numbered(0)]).await.unwrap();
    let mut news = log.follow(&topic, Position(1)).await.unwrap();
    let user = [
        "--alter",
        "--entity-type",
        "users",
        "--entity-name",
        "kymo",
        "--add-config",
    ];
    secure
        .cluster
        .tool(&[&["configs"], &user[..], &["SCRAM-SHA-256=[password=another]"]].concat());
    secure.cluster.command(&["kill", "1"]);
    secure.cluster.command(&["revive", "1"]);
    let patience = Duration::from_secs(30);
    let batch = vec![numbered(1)];
    let (appended, heard) = tokio::time::timeout(patience, async {
        tokio::join!(log.append(&topic, batch), news.next())
    })
    .await
    .expect("both end");
    for error in [
        appended.expect_err("refused"),
        heard.expect("an error first").expect_err("refused"),
    ] {
        assert!(matches!(error, LogError::Denied { .. }), "{error}");
        assert!(error.to_string().contains("password-file"), "{error}");
    }
}
