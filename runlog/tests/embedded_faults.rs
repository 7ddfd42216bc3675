//! What the embedded log says when its file, its folder or its disk is not as it should be:
//! the thing, the reason, the remedy. And that nothing acknowledged is lost by it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use kymo_runlog::{Log, LogConfig, LogError, Message, Position, Topic, open};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

const CHILD: &str = "KYMO_FULL_DISK";

fn topic() -> Topic {
    Topic::parse("airy-eps.4").expect("a topic")
}

fn message(bytes: usize) -> Message {
    // Nothing compresses it here; any payload will do.
    Message {
        payload: vec![7; bytes],
        ..Message::default()
    }
}

async fn log_in(folder: &Path) -> Arc<dyn Log> {
    open(&LogConfig::embedded(folder)).await.expect("a log")
}

async fn refusal(folder: &Path) -> LogError {
    match open(&LogConfig::embedded(folder)).await {
        Ok(_) => panic!("the log opened"),
        Err(e) => e,
    }
}

async fn raw(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("log.sqlite"))
        .create_if_missing(true);
    SqliteConnection::connect_with(&options)
        .await
        .expect("SQLite opens it")
}

async fn run_sql(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(sql).execute(connection).await.expect(sql);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_broken_and_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("log.sqlite"), "once upon a time ".repeat(1000)).expect("write");
    let error = refusal(folder.path()).await;
    assert!(matches!(error, LogError::Broken { .. }), "{error:?}");
    let told = error.to_string();
    assert!(
        told.contains("log.sqlite") && told.contains("file is not a database"),
        "{told}"
    );
    assert!(told.contains("move the file"), "{told}");
}

#[tokio::test]
async fn a_database_of_another_program_or_time_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    run_sql(&mut raw(folder.path()).await, "create table cookies (x)").await;
    let told = refusal(folder.path()).await.to_string();
    assert!(
        told.contains("SQLite file of another program; give another folder"),
        "{told}"
    );

    let folder = tempfile::tempdir().expect("a folder");
    drop(log_in(folder.path()).await);
    run_sql(&mut raw(folder.path()).await, "pragma user_version = 7").await;
    let told = refusal(folder.path()).await.to_string();
    assert!(
        told.contains("version 7") && told.contains("use the kymo that wrote it"),
        "{told}"
    );
}

#[tokio::test]
async fn a_damaged_page_is_broken_not_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("log.sqlite");
    let log = log_in(folder.path()).await;
    log.create(&topic()).await.expect("create");
    log.append(&topic(), (0..100).map(|_| message(5000)).collect())
        .await
        .expect("append");
    drop(log);
    // Closing does not wait, so the pages are moved from the journal by hand.
    run_sql(&mut raw(folder.path()).await, "pragma wal_checkpoint(truncate)").await;
    let mut bytes = std::fs::read(&file).expect("read");
    let length = bytes.len();
    bytes[8192..length].iter_mut().for_each(|b| *b = 0xa5);
    std::fs::write(&file, bytes).expect("write");
    let said = match open(&LogConfig::embedded(folder.path())).await {
        Ok(log) => log
            .read(&topic(), Position::START, 1 << 20)
            .await
            .map(|found| found.len()),
        Err(e) => Err(e),
    };
    assert!(matches!(said, Err(LogError::Broken { .. })), "{said:?}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("write");
    let error = refusal(&file.join("data")).await;
    assert!(matches!(error, LogError::Denied { .. }), "{error:?}");
    assert!(error.to_string().contains("cannot make the folder"), "{error}");
    assert!(error.to_string().contains("--data"), "{error}");
}

#[tokio::test]
async fn a_locked_database_is_away_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log_in(folder.path()).await;
    log.create(&topic()).await.expect("create");
    log.append(&topic(), vec![message(1)]).await.expect("append");
    let mut hog = raw(folder.path()).await;
    run_sql(&mut hog, "begin immediate").await;
    let error = log
        .append(&topic(), vec![message(2)])
        .await
        .expect_err("it is locked");
    assert!(
        matches!(error, LogError::Away { .. }) && error.is_passing(),
        "{error:?}"
    );
    assert!(
        error.to_string().contains("another process keeps it locked"),
        "{error}"
    );
    assert_eq!(
        log.read(&topic(), Position::START, 1000)
            .await
            .expect("reading goes on")
            .len(),
        1
    );
    run_sql(&mut hog, "rollback").await;
    log.append(&topic(), vec![message(2)]).await.expect("append");
    assert_eq!(
        log.read(&topic(), Position::START, 1000)
            .await
            .expect("read")
            .len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_open_a_fresh_folder_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let opened: Vec<_> = (0..12)
        .map(|i| {
            let config = LogConfig::embedded(folder.path().join("data"));
            tokio::spawn(async move {
                let log = open(&config).await.expect("a log");
                log.create(&topic()).await.expect("create");
                log.append(&topic(), vec![message(i)]).await.expect("append");
            })
        })
        .collect();
    for task in opened {
        task.await.expect("no panic");
    }
    let log = log_in(&folder.path().join("data")).await;
    assert_eq!(
        log.read(&topic(), Position::START, 1 << 20)
            .await
            .expect("read")
            .len(),
        12
    );
}

/// Whoever selects between a read and something else drops reads half way.
#[tokio::test]
async fn reads_and_writes_that_are_given_up_leave_the_log_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = log_in(folder.path()).await;
    log.create(&topic()).await.expect("create");
    log.append(&topic(), (0..50).map(|_| message(50_000)).collect())
        .await
        .expect("append");
    let topic = topic();
    for polls in 0..200 {
        let mut read = log.read(&topic, Position::START, 64 << 20);
        let mut write = log.append(&topic, vec![message(polls)]);
        for _ in 0..polls % 20 {
            let _ = futures::poll!(&mut read);
            let _ = futures::poll!(&mut write);
            tokio::task::yield_now().await;
        }
    }
    log.append(&topic, vec![message(7)]).await.expect("append");
    let found = log.read(&topic, Position::START, 64 << 20).await.expect("read");
    assert!(
        found.is_sorted_by(|a, b| a.position.next() == b.position),
        "no gaps, no halves"
    );
    assert_eq!(found.last().map(|s| s.message.payload.len()), Some(7));
    log.clear(&topic).await.expect("clear");
    assert_eq!(log.read(&topic, Position::START, 1000).await.expect("read"), []);
}

/// A disk of 4 MiB in a mount namespace of its own, where this test runs once more.
#[test]
fn a_full_disk_is_full_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    // Root needs no namespace of users, and may not be allowed one.
    let root = folder.path().metadata().expect("its owner").uid() == 0;
    let script = r#"mount -t tmpfs -o size=4m tmpfs "$0" && exec "$1" --exact inside_the_small_disk --nocapture --include-ignored"#;
    let output = Command::new("unshare")
        .args(if root {
            &["--mount"][..]
        } else {
            &["--mount", "--user", "--map-root-user"][..]
        })
        .args(["sh", "-c", script])
        .arg(folder.path())
        .arg(std::env::current_exe().expect("the test binary"))
        .env(CHILD, folder.path())
        .output()
        .expect("unshare (package util-linux) runs");
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success() && told.contains("the disk was full"),
        "run as root, or allow user namespaces: {told}"
    );
}

#[tokio::test]
#[ignore = "runs inside the small disk that the test above makes"]
async fn inside_the_small_disk() {
    let folder = std::env::var_os(CHILD).expect("run by a_full_disk_is_full_and_loses_nothing");
    let folder = Path::new(&folder);
    let ballast = folder.join("ballast");
    std::fs::write(&ballast, vec![0; 1 << 20]).expect("the ballast fits");
    let log = log_in(folder).await;
    log.create(&topic()).await.expect("create");
    let mut acknowledged = 0;
    let error = loop {
        match log.append(&topic(), vec![message(100_000)]).await {
            Ok(_) => acknowledged += 1,
            Err(e) => break e,
        }
        assert!(acknowledged < 100, "4 MiB never fill");
    };
    assert!(
        matches!(error, LogError::Full { .. }) && error.is_passing(),
        "{error:?}"
    );
    assert!(error.to_string().contains("free some space"), "{error}");
    let kept = log
        .read(&topic(), Position::START, 64 << 20)
        .await
        .expect("reading goes on");
    assert_eq!(kept.len(), acknowledged);
    std::fs::remove_file(&ballast).expect("make room");
    log.append(&topic(), vec![message(100_000)])
        .await
        .expect("there is room again");
    drop(log);
    let kept = log_in(folder)
        .await
        .read(&topic(), Position::START, 64 << 20)
        .await
        .expect("read");
    assert_eq!(kept.len(), acknowledged + 1);
    println!("the disk was full after {acknowledged} messages");
}
