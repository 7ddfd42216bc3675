//! One step of installing or taking back: whether it is done already, how it is done, how it is said.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::place::{DATA, USER};

#[derive(Debug)]
pub enum Step {
    AddUser,
    RemoveUser,
    Folder {
        path: PathBuf,
        mode: u32,
    },
    /// This very program.
    Program {
        from: PathBuf,
        path: PathBuf,
    },
    /// A file of ours: an older one is replaced.
    File {
        path: PathBuf,
        mode: u32,
        text: String,
    },
    /// A person's own from then on.
    FirstFile {
        path: PathBuf,
        mode: u32,
        text: String,
    },
    Remove {
        path: PathBuf,
    },
    /// Only when nobody else put something there.
    RemoveEmpty {
        path: PathBuf,
    },
    RemoveWithAll {
        path: PathBuf,
    },
    /// `systemctl` with these words, unless the question, too words for `systemctl`, is answered with yes.
    Systemctl {
        words: Vec<&'static str>,
        unless: Vec<&'static str>,
    },
}

impl Step {
    pub fn systemctl(words: &[&'static str]) -> Self {
        Self::Systemctl {
            words: words.to_vec(),
            unless: Vec::new(),
        }
    }

    /// One that has nothing to take away needs no word.
    pub fn takes_away(&self) -> bool {
        match self {
            Self::RemoveUser
            | Self::Remove { .. }
            | Self::RemoveEmpty { .. }
            | Self::RemoveWithAll { .. } => true,
            Self::AddUser
            | Self::Folder { .. }
            | Self::Program { .. }
            | Self::File { .. }
            | Self::FirstFile { .. }
            | Self::Systemctl { .. } => false,
        }
    }

    pub fn is_done(&self) -> anyhow::Result<bool> {
        Ok(match self {
            Self::AddUser => user_exists()?,
            Self::RemoveUser => !user_exists()?,
            Self::Folder { path, mode } => path.is_dir() && mode_of(path)? == *mode,
            Self::Program { from, path } => from == path || same_content(from, path)?,
            Self::File { path, mode, text } => {
                read(path)?.is_some_and(|there| there == text.as_bytes()) && mode_of(path)? == *mode
            }
            Self::FirstFile { path, .. } => path.exists(),
            Self::Remove { path } | Self::RemoveWithAll { path } => !path.exists(),
            Self::RemoveEmpty { path } => {
                fs::read_dir(path).map_or(true, |mut entries| entries.next().is_some())
            }
            Self::Systemctl { unless, .. } => !unless.is_empty() && ask_systemctl(unless)?,
        })
    }

    pub fn carry_out(&self) -> anyhow::Result<()> {
        match self {
            Self::AddUser => run(
                "useradd",
                &[
                    "--system",
                    "--user-group",
                    "--home-dir",
                    DATA,
                    "--no-create-home",
                    "--shell",
                    "/usr/sbin/nologin",
                    USER,
                ],
            ),
            Self::RemoveUser => run("userdel", &[USER]),
            Self::Systemctl { words, .. } => run("systemctl", words),
            Self::Folder { path, mode } => fs::create_dir_all(path)
                .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(*mode)))
                .with_context(|| format!("cannot make the folder {}", path.display())),
            Self::Program { from, path } => {
                let program = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
                replace(path, 0o755, &program)
            }
            Self::File { path, mode, text } | Self::FirstFile { path, mode, text } => {
                replace(path, *mode, text.as_bytes())
            }
            Self::Remove { path } => absent_is_fine(fs::remove_file(path), path),
            Self::RemoveEmpty { path } => absent_is_fine(fs::remove_dir(path), path),
            Self::RemoveWithAll { path } => absent_is_fine(fs::remove_dir_all(path), path),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddUser => write!(f, "the system user {USER}"),
            Self::RemoveUser => write!(f, "remove the user {USER}"),
            Self::Folder { path, .. } => write!(f, "the folder {}", path.display()),
            Self::Program { path, .. } => write!(f, "this program as {}", path.display()),
            Self::File { path, .. } => write!(f, "{}", path.display()),
            Self::FirstFile { path, .. } => write!(f, "{} (yours to edit; never replaced)", path.display()),
            Self::Remove { path } => write!(f, "remove {}", path.display()),
            Self::RemoveEmpty { path } => write!(f, "remove the folder {}, if it is empty", path.display()),
            Self::RemoveWithAll { path } => write!(f, "remove {} and all that is in it", path.display()),
            Self::Systemctl { words, .. } => write!(f, "systemctl {}", words.join(" ")),
        }
    }
}

fn user_exists() -> anyhow::Result<bool> {
    let user = nix::unistd::User::from_name(USER).context("look a user up")?;
    Ok(user.is_some())
}

fn mode_of(path: &Path) -> anyhow::Result<u32> {
    let there = fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    Ok(there.permissions().mode() & 0o7777)
}

fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        // What may not be read is only met by a dry run of somebody who is not root.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn same_content(one: &Path, other: &Path) -> anyhow::Result<bool> {
    let size = |path| fs::metadata(path).ok().map(|file: fs::Metadata| file.len());
    Ok(size(one) == size(other) && read(one)? == read(other)?)
}

/// In one step: a program that runs keeps its old file, and nobody reads half of a new one.
fn replace(path: &Path, mode: u32, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;
    let folder = path.parent().context("a file has a folder")?;
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn absent_is_fine(done: std::io::Result<()>, path: &Path) -> anyhow::Result<()> {
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Words that are a question: is-active, is-enabled.
fn ask_systemctl(words: &[&str]) -> anyhow::Result<bool> {
    let mut command = Command::new("systemctl");
    let output = command.args(words).output().context("cannot start systemctl")?;
    Ok(output.status.success())
}

fn run(program: &str, words: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    let output = command
        .args(words)
        .output()
        .with_context(|| format!("cannot start {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{program} {} failed ({}): {}",
            words.join(" "),
            output.status,
            said.trim()
        );
    }
    Ok(())
}
