//! A small disk of its own, to be filled: a tmpfs, mounted by root or through sudo.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    pub fn mount(megabytes: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = format!("size={megabytes}m,mode=1777");
        let place = folder.path().to_str().expect("a plain path").to_owned();
        as_root(&["mount", "-t", "tmpfs", "-o", &options, "kymo-small-disk", &place]);
        Self { folder }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the space that is left; the file that does it is returned.
    pub fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = std::fs::File::create(&path).expect("make the filler");
        let block = vec![0xAA; 4096];
        while std::io::Write::write_all(&mut file, &block).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let place = self.folder.path().to_str().expect("a plain path").to_owned();
        as_root(&["umount", "--lazy", &place]);
    }
}

fn as_root(words: &[&str]) {
    let root = nix::unistd::geteuid().is_root();
    let mut command = if root {
        Command::new(words[0])
    } else {
        Command::new("sudo")
    };
    let status = command
        .args(if root { &words[1..] } else { words })
        .status()
        .expect("start mount or sudo");
    assert!(
        status.success(),
        "{words:?}: this test needs root or sudo to have a disk of its own"
    );
}
