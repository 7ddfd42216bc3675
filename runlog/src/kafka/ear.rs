//! Listens to librdkafka's log and error callback. A wrong password shows itself nowhere else, about
//! three lines a second, while calls end in a plain transport error: here it becomes one clear fact.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::watch;

use super::fault::{self, Fault};

/// People hear of one and the same trouble this often.
const TELL_AGAIN: Duration = Duration::from_secs(60);

/// What was heard, shared by all clients of one log.
#[derive(Clone)]
pub(super) struct Ear(Arc<Heard>);

struct Heard {
    log: String,
    refusal: watch::Sender<Option<String>>,
    trouble: Mutex<Trouble>,
}

#[derive(Default)]
struct Trouble {
    /// The newest reason why a broker is away.
    reason: Option<String>,
    /// A group's coordinator is never reached without the right to it, and only this callback says so.
    group_denied: bool,
    told: Option<Instant>,
}

/// What an error callback means for us.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// Waiting does not help: a person must change something.
    Refusal(String),
    /// librdkafka goes on trying.
    Trouble(String),
}

impl Ear {
    pub(super) fn new(log: &str) -> Self {
        Self(Arc::new(Heard {
            log: log.to_owned(),
            refusal: watch::Sender::new(None),
            trouble: Mutex::default(),
        }))
    }

    /// An answer came, so what was heard before is over.
    pub(super) fn well(&self) {
        self.0
            .refusal
            .send_if_modified(|refusal| refusal.take().is_some());
        *self.trouble() = Trouble::default();
    }

    pub(super) fn refusal(&self) -> Option<String> {
        self.0.refusal.borrow().clone()
    }

    /// Resolves once the cluster refuses us.
    async fn refused(&self) -> String {
        let mut refusal = self.0.refusal.subscribe();
        loop {
            let reason = refusal.borrow_and_update().clone();
            if let Some(reason) = reason {
                return reason;
            }
            // The sender lives as long as this ear does.
            let _ = refusal.changed().await;
        }
    }

    /// Resolves once the cluster has refused us for so long that it is no passing state of one broker.
    pub(super) async fn refused_for(&self, patience: Duration) -> String {
        loop {
            let reason = self.refused().await;
            let mut refusal = self.0.refusal.subscribe();
            let over = async { refusal.wait_for(Option::is_none).await.is_ok() };
            if tokio::time::timeout(patience, over).await.is_err() {
                return reason;
            }
        }
    }

    /// The newest reason why a broker is away.
    pub(super) fn reason(&self) -> Option<String> {
        self.trouble().reason.clone()
    }

    /// Whether the cluster lately refused us a consumer group.
    pub(super) fn group_denied(&self) -> bool {
        self.trouble().group_denied
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Trouble> {
        self.0.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, meaning: Meaning) {
        match meaning {
            Meaning::Refusal(reason) => {
                self.0.refusal.send_if_modified(|refusal| {
                    let news = refusal.is_none();
                    if news {
                        tracing::error!("the {} refused us: {reason}", self.0.log);
                        *refusal = Some(reason);
                    }
                    news
                });
            }
            Meaning::Trouble(reason) => {
                let mut trouble = self.trouble();
                if trouble.told.is_none_or(|told| told.elapsed() >= TELL_AGAIN) {
                    tracing::warn!(
                        "the {} does not answer everywhere, still trying: {reason}",
                        self.0.log
                    );
                    trouble.told = Some(Instant::now());
                }
                trouble.reason = Some(reason);
            }
        }
    }
}

impl ClientContext for Ear {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        tracing::debug!(target: "librdkafka", ?level, facility, "{text}");
        // A server that hangs up on us (it wants TLS, or a password) is told here and not as an error.
        // So is the end of an idle connection: worth knowing, not worth telling.
        if facility == "FAIL" {
            self.trouble().reason = Some(without_preamble(text).to_owned());
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        if code == RDKafkaErrorCode::GroupAuthorizationFailed {
            self.trouble().group_denied = true;
        }
        if let Some(meaning) = understand(code, reason) {
            self.hear(meaning);
        }
    }
}

impl ConsumerContext for Ear {}

fn understand(code: RDKafkaErrorCode, reason: &str) -> Option<Meaning> {
    let said = without_preamble(reason);
    match code {
        // A broker that is still starting hangs up in the middle of the handshake.
        RDKafkaErrorCode::Authentication if reason.contains("Broker transport failure") => {
            Some(Meaning::Trouble(said.to_owned()))
        }
        RDKafkaErrorCode::Authentication => Some(Meaning::Refusal(format!(
            "user or password is wrong ({said}); check `user` and `password-file` in [log.kafka]"
        ))),
        RDKafkaErrorCode::SSL if reason.contains("certificate verify failed") => {
            Some(Meaning::Refusal(format!(
                "its certificate does not count ({said}): either the authority in `ca` did not sign it, or it has expired, which \
                 `openssl s_client -connect HOST:PORT </dev/null | openssl x509 -noout -issuer -enddate` tells; check `ca` in \
                 [log.kafka], or have the broker's certificate renewed"
            )))
        }
        RDKafkaErrorCode::SSL if reason.contains("wrong version number") || reason.contains("PLAINTEXT") => {
            Some(Meaning::Refusal(format!(
                "the broker does not speak TLS on this port ({said}); use its TLS port, or remove `ca` from [log.kafka]"
            )))
        }
        RDKafkaErrorCode::UnsupportedSASLMechanism => Some(Meaning::Refusal(format!(
            "the broker does not offer SCRAM-SHA-256 ({said}); switch it on there"
        ))),
        // Follows on the broker's own error, and would hide the reason.
        RDKafkaErrorCode::AllBrokersDown => None,
        // The rest is about one question (the end of a topic, a deleted one), and its asker hears it too.
        code => (fault::judge_code(code) == Fault::Passing).then(|| Meaning::Trouble(said.to_owned())),
    }
}

/// librdkafka begins with the names of its threads: `[thrd:a:1/bootstrap]: a:1/bootstrap: Connect to ...`.
fn without_preamble(reason: &str) -> &str {
    reason.split_once("]: ").map_or(reason, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_password_is_a_refusal_and_a_closed_port_is_not() {
        let text = "[thrd:sasl_ssl://localhost:1/bootstrap]: sasl_ssl://localhost:1/bootstrap: SASL authentication error: Authentication failed";
        assert!(
            matches!(understand(RDKafkaErrorCode::Authentication, text), Some(Meaning::Refusal(said)) if said.contains("password-file") && !said.contains("thrd"))
        );
        let text = "[thrd:a]: a:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused";
        assert_eq!(
            understand(RDKafkaErrorCode::BrokerTransportFailure, text),
            Some(Meaning::Trouble(
                "a:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused".into()
            ))
        );
        let text = "ssl://a:1: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed";
        assert!(
            matches!(understand(RDKafkaErrorCode::SSL, text), Some(Meaning::Refusal(said)) if said.contains("`ca`"))
        );
        let text = "ssl://a:1: SSL handshake failed: Connection reset by peer";
        assert!(matches!(
            understand(RDKafkaErrorCode::SSL, text),
            Some(Meaning::Trouble(_))
        ));
        assert_eq!(
            understand(RDKafkaErrorCode::PartitionEOF, "Broker: No more messages"),
            None
        );
    }

    #[tokio::test]
    async fn a_refusal_is_told_once_and_is_over_with_the_first_answer() {
        let ear = Ear::new("Kafka log at a:1");
        ear.hear(Meaning::Refusal("first".into()));
        ear.hear(Meaning::Refusal("second".into()));
        assert_eq!(ear.refused().await, "first");
        ear.well();
        assert_eq!(ear.refusal(), None);
    }
}
