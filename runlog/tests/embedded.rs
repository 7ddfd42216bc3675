//! The embedded log keeps what both logs promise, and what only it promises.

mod suite;

use suite::Subject;

fn subject() -> Subject {
    let folder = tempfile::tempdir().expect("a folder");
    let address = format!("embedded:{}", folder.path().display());
    Subject {
        address,
        _folder: Some(folder),
    }
}

conforms!(subject());
