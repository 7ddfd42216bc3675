//! What people are told when the database cannot be used.

use std::path::Path;
use std::time::Duration;

use kymo_store::{Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

fn text(file: &Path) -> String {
    file.to_str().expect("a plain path").to_owned()
}

async fn connect(file: &Path) -> sqlx::SqliteConnection {
    SqliteConnectOptions::new()
        .filename(file)
        .connect()
        .await
        .expect("it connects")
}

#[tokio::test]
async fn a_lock_of_another_program_is_named_and_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kymo.sqlite");
    let store = Store::open_patiently(&text(&file), Duration::from_millis(50))
        .await
        .expect("it opens");
    let mut other = connect(&file).await;
    sqlx::raw_sql("BEGIN EXCLUSIVE")
        .execute(&mut other)
        .await
        .expect("locked");
    let error = store.put_value("a", "b").await.expect_err("locked");
    assert!(error.is_passing());
    assert!(
        error.to_string().contains("is locked by another process"),
        "{error}"
    );
    sqlx::raw_sql("COMMIT").execute(&mut other).await.expect("free");
    store.put_value("a", "b").await.expect("it goes on");
}

#[tokio::test]
async fn what_is_no_database_is_damaged() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kymo.sqlite");
    std::fs::write(
        &file,
        "this is a letter, not a database, and long enough to be read as one".repeat(100),
    )
    .expect("written");
    let error = Store::open(&text(&file)).await.err().expect("refused");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(&text(&file)));
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("nowhere").join("kymo.sqlite");
    let error = Store::open(&text(&file)).await.err().expect("refused");
    assert!(
        error
            .to_string()
            .contains("check that its folder exists and is writable"),
        "{error}"
    );
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kymo.sqlite");
    Store::open(&text(&file)).await.expect("it opens").close().await;
    let mut other = connect(&file).await;
    sqlx::raw_sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', TRUE, x'00', 1)",
    )
    .execute(&mut other)
    .await
    .expect("written");
    other.close().await.expect("closed");
    let error = Store::open(&text(&file)).await.err().expect("refused");
    assert!(error.to_string().contains("made by a newer kymo"), "{error}");
}
