//! What all logs promise, point by point. Every point gets a log of its own kind and topics of
//! its own, so it runs on a fresh folder and on a cluster that other tests use as well.

mod moving;
mod points;
pub mod scribe;
#[path = "story.rs"]
mod story;

pub use moving::*;
pub use points::*;

use std::sync::Arc;
use std::time::Duration;

use kymo_runlog::{Log, LogConfig, Message, Topic, open};

/// A log under test, as other processes can find it too.
pub struct Subject {
    /// As for `--log`.
    pub address: String,
    /// A folder that lives as long as the subject.
    pub _folder: Option<tempfile::TempDir>,
}

impl Subject {
    /// Another handle, as another process would have.
    pub async fn open(&self) -> Arc<dyn Log> {
        let config: LogConfig = self.address.parse().expect("the subject's address names a log");
        open(&config)
            .await
            .unwrap_or_else(|e| panic!("open {}: {e}", self.address))
    }

    /// A topic that no other test uses, made.
    pub async fn topic(&self, log: &dyn Log) -> Topic {
        let topic = fresh_topic();
        log.create(&topic)
            .await
            .unwrap_or_else(|e| panic!("create {topic}: {e}"));
        topic
    }
}

/// A name that nobody used before.
pub fn fresh_topic() -> Topic {
    let name = format!("suite-id.{}", uuid::Uuid::new_v4().simple());
    Topic::parse(&name).expect("letters and digits")
}

pub fn message(text: &str) -> Message {
    let headers = vec![("kind".to_owned(), b"test".to_vec())];
    Message {
        key: Some(b"key".to_vec()),
        headers,
        payload: text.as_bytes().to_vec(),
    }
}

/// Nothing here takes long; what hangs must fail rather than stop the build.
pub async fn soon<T>(what: &str, job: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(60);
    tokio::time::timeout(patience, job)
        .await
        .unwrap_or_else(|_| panic!("{what}: nothing happened in {patience:?}"))
}

/// The points, as tests of one kind of log.
#[macro_export]
macro_rules! conforms {
    ($subject:expr $(, #[$attribute:meta])?) => {
        $crate::conforms! { @ $subject, [$(#[$attribute])?],
            a_topic_is_made_once_and_deleted_once
            what_is_appended_is_read_as_it_was
            a_read_stops_at_its_bytes
            a_follower_gets_the_past_and_then_the_news
            many_topics_are_followed_at_once
            two_writers_share_one_order
            two_processes_share_one_log
            a_follower_lives_through_a_clear
            a_topic_is_trimmed_from_its_begin
            a_runs_companions_go_with_it
            a_large_record_passes
            a_record_in_parts_is_one_again
            a_kill_loses_nothing_that_was_acknowledged
            an_unknown_topic_is_said_to_be_unknown
            a_deleted_topic_ends_its_followers
            a_reader_that_comes_a_day_later_goes_on
            a_replay_depends_on_the_records_alone
            what_is_rejected_is_kept_aside_once
            a_flood_of_garbage_is_copied_to_a_bound
            what_moves_is_the_same_bit_for_bit
            an_import_writes_over_nothing_unless_it_is_told_to
            an_import_may_have_another_name
            a_survey_tells_who_reads_what_and_how_far
            a_custom_consumer_catches_up_after_a_day
            news_come_without_asking
        }

        /// Not a test of its own: what the tests start as another process (`suite/scribe.rs`).
        #[tokio::test]
        async fn scribe() {
            suite::scribe::serve_if_asked().await;
        }
    };
    (@ $subject:expr, $attributes:tt, $($point:ident)+) => {
        $($crate::conforms! { @one $subject, $attributes, $point })+
    };
    (@one $subject:expr, [$(#[$attribute:meta])?], $point:ident) => {
        $(#[$attribute])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $point() {
            suite::$point(&$subject).await;
        }
    };
}
