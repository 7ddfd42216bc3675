//! This machine: program, data folder, disk, database.

use std::path::Path;

use chrono::Utc;
use kymo_store::Store;

use super::{Check, House};

const MEGABYTE: u64 = 1 << 20;

/// Which program speaks.
pub(super) fn version() -> Check {
    Check::ok(
        "version",
        concat!(
            "kymo ",
            env!("CARGO_PKG_VERSION"),
            ", Bot API types of version 9.1"
        ),
    )
}

pub(super) async fn check(house: &House) -> Vec<Check> {
    vec![
        folder(&house.data),
        disk(&house.data),
        database(&house.database).await,
    ]
}

fn folder(data: &Path) -> Check {
    let probe = data.join(".doctor");
    match std::fs::write(&probe, b"kymo").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => Check::ok("data folder", format!("{} is writable", data.display())),
        Err(error) => Check::error(
            "data folder",
            format!("{} cannot be written: {error}", data.display()),
            "make the folder, or let the user who runs kymo own it",
        ),
    }
}

fn disk(data: &Path) -> Check {
    match nix::sys::statvfs::statvfs(data) {
        Ok(stat) => judge_disk(stat.blocks_available() * stat.fragment_size(), data),
        Err(error) => Check::warning(
            "disk",
            format!("the space below {} is not known: {error}", data.display()),
            "check it by hand with df",
        ),
    }
}

fn judge_disk(free: u64, data: &Path) -> Check {
    let reason = format!("{} MB are free below {}", free / MEGABYTE, data.display());
    match free / MEGABYTE {
        0..100 => Check::error(
            "disk",
            reason,
            "free some space now: runs wait when the disk is full",
        ),
        100..1000 => Check::warning("disk", reason, "free some space before long runs start"),
        _ => Check::ok("disk", reason),
    }
}

async fn database(database: &str) -> Check {
    let tried = async {
        let store = Store::open(database).await?;
        store.put_value("doctor", &Utc::now().to_rfc3339()).await?;
        let people = store.people().await?.len();
        store.close().await;
        Ok::<_, kymo_store::StoreError>(people)
    };
    match tried.await {
        Ok(people) => Check::ok(
            "database",
            format!("{database} is writable; {people} people have a role"),
        ),
        // The store's errors name their remedy.
        Err(error) => Check::error(
            "database",
            error.to_string(),
            "see above; `kymo doctor` again afterwards",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn little_space_is_told_before_it_is_gone() {
        for (megabytes, level) in [(5, Level::Error), (500, Level::Warning), (5000, Level::Ok)] {
            assert_eq!(judge_disk(megabytes * MEGABYTE, Path::new("/data")).level, level);
        }
    }

    #[tokio::test]
    async fn a_database_that_cannot_be_is_an_error() {
        assert_eq!(database("/nowhere/at/all.sqlite").await.level, Level::Error);
        assert_eq!(folder(Path::new("/nowhere/at/all")).level, Level::Error);
    }
}
