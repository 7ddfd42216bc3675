//! What one of Kafka's many errors means for the caller.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

use super::ear::Ear;
use crate::{LogError, Topic};

/// The caller's choices.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The cluster says that there is no such topic.
    UnknownTopic,
    /// Trying again can help.
    Passing,
    /// Rights are missing; the text is the remedy.
    Denied(&'static str),
    TooLarge,
    /// This client is of no use any more; a new one may be.
    Spent,
    Broken,
}

pub(super) fn judge(error: &KafkaError) -> Fault {
    match error {
        KafkaError::MessageConsumptionFatal(_) | KafkaError::Canceled => Fault::Spent,
        error => code(error).map_or(Fault::Broken, judge_code),
    }
}

/// Also of administrative deeds, which rdkafka's own accessor leaves out.
fn code(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    }
}

pub(super) fn judge_code(code: Code) -> Fault {
    match code {
        Code::UnknownTopicOrPartition
        | Code::UnknownTopic
        | Code::UnknownPartition
        | Code::UnknownTopicId => Fault::UnknownTopic,
        Code::TopicAuthorizationFailed => {
            Fault::Denied("let this user Describe, Read, Write, Create, Delete and DescribeConfigs the topic")
        }
        Code::GroupAuthorizationFailed => {
            Fault::Denied("let this user Read the groups that begin with `kymo.`")
        }
        Code::ClusterAuthorizationFailed => {
            Fault::Denied("let this user Create topics, or have them made for it (docs/kafka.md, Security)")
        }
        Code::Authentication | Code::SaslAuthenticationFailed => {
            Fault::Denied("check `user` and `password-file` in [log.kafka]")
        }
        Code::PolicyViolation => Fault::Denied("a policy of the cluster forbids it; ask who runs it"),
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge => Fault::TooLarge,
        Code::Fatal
        | Code::OutOfOrderSequenceNumber
        | Code::InvalidProducerEpoch
        | Code::ProducerFenced
        | Code::BrokerDestroy
        | Code::PurgeQueue
        | Code::PurgeInflight => Fault::Spent,
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::MessageTimedOut
        | Code::TimedOutQueue
        | Code::Resolve
        | Code::SSL
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::ReplicaNotAvailable
        | Code::BrokerNotAvailable
        | Code::NetworkException
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::WaitingForCoordinator
        | Code::RebalanceInProgress
        | Code::NotEnoughReplicas
        | Code::NotEnoughReplicasAfterAppend
        | Code::NotController
        | Code::KafkaStorageError
        | Code::OffsetNotAvailable
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::PreferredLeaderNotAvailable
        | Code::StaleBrokerEpoch
        | Code::ThrottlingQuotaExceeded
        | Code::UnstableOffsetCommit
        | Code::InProgress
        | Code::PreviousInProgress
        | Code::QueueFull
        | Code::OffsetOutOfRange
        // The client forgets a broker that has left the cluster, with what was asked of it.
        | Code::DestroyBroker
        | Code::AutoOffsetReset
        | Code::BadMessage
        | Code::InvalidMessage => Fault::Passing,
        // Kafka's list of codes is theirs and grows; what is not known above needs a person.
        _ => Fault::Broken,
    }
}

/// The error that the caller gets, once waiting has not helped.
pub(super) fn to_log_error(error: &KafkaError, topic: &Topic, log: &str, ear: &Ear) -> LogError {
    let said = error
        .rdkafka_error_code()
        .map_or_else(|| error.to_string(), |code| code.to_string());
    match judge(error) {
        Fault::UnknownTopic => LogError::UnknownTopic(topic.clone(), log.to_owned()),
        Fault::Denied(remedy) => LogError::Denied {
            log: log.to_owned(),
            reason: format!("topic {topic}: {said}; {remedy}"),
        },
        Fault::TooLarge => LogError::TooLarge {
            topic: topic.clone(),
            bytes: 0,
            limit: super::MAX_MESSAGE,
            log: log.to_owned(),
        },
        Fault::Passing => away(log, ear, &said),
        Fault::Spent | Fault::Broken => LogError::Broken {
            log: log.to_owned(),
            reason: format!("topic {topic}: {said}"),
        },
    }
}

pub(super) fn denied(log: &str, reason: String) -> LogError {
    LogError::Denied {
        log: log.to_owned(),
        reason,
    }
}

/// The brokers stand in the log's name; here comes why, and what to do.
pub(super) fn away(log: &str, ear: &Ear, said: &str) -> LogError {
    let heard = ear.reason();
    let reason = heard.as_deref().unwrap_or(said);
    let hung_up = [
        "closed by peer",
        "reset by peer",
        "Broken pipe",
        "security.protocol",
        "SASL",
        "SSL",
    ]
    .iter()
    .any(|sign| reason.contains(sign));
    let advice = if hung_up {
        "check that the brokers run, and whether they want TLS or a password: `ca`, `user` and `password-file` in [log.kafka]"
    } else {
        "check that the brokers run (one whose disk is full ends itself: its log says so, and once there is space it goes on) and \
         that their addresses are right"
    };
    LogError::Away {
        log: log.to_owned(),
        reason: format!("{reason}; {advice}"),
    }
}
