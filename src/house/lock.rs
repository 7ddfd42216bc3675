//! One house per data folder: two bots on one database would answer everything twice.

use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, bail};

/// Held for as long as the house stands; the kernel gives it back however this process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    pub fn take(data: &Path) -> anyhow::Result<Self> {
        let path = data.join("house.lock");
        let wrong = || format!("cannot use {}; check who owns the data folder", path.display());
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .with_context(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "the data folder {} belongs to another `kymo up` or `kymo demo` ({}), and two on one folder would do \
                 everything twice; end that one first, or give this one a folder of its own with --data DIR",
                data.display(),
                holder(&mut file)
            ),
            Err(TryLockError::Error(error)) => return Err(error).with_context(wrong),
        }
        // For people only; what counts is the lock.
        file.set_len(0).with_context(wrong)?;
        writeln!(file, "{}", std::process::id()).with_context(wrong)?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text).map(|_| text.trim().parse::<u32>()) {
        Ok(Ok(pid)) => format!("process {pid}"),
        // It has only just begun, or somebody wrote into the file.
        Ok(Err(_)) | Err(_) => "its process is not known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_houses_until_that_one_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Lock::take(folder.path()).expect("nobody has it");
        let refused = Lock::take(folder.path())
            .expect_err("somebody has it")
            .to_string();
        let pid = std::process::id();
        assert!(
            refused.contains(&format!("(process {pid})")) && refused.contains("--data DIR"),
            "{refused}"
        );
        drop(first);
        Lock::take(folder.path()).expect("nobody has it any more");
    }

    #[test]
    fn words_of_somebody_else_in_the_file_are_not_repeated() {
        let folder = tempfile::tempdir().expect("a folder");
        let _first = Lock::take(folder.path()).expect("nobody has it");
        std::fs::write(folder.path().join("house.lock"), "\u{1b}[2J").expect("write");
        let refused = Lock::take(folder.path())
            .expect_err("somebody has it")
            .to_string();
        assert!(refused.contains("its process is not known"), "{refused}");
    }
}
