//! Keeps the world in a file, so that a restarted demo finds its chats again.
//! File contents lie beside it, one per checksum, written once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Shared, StartError, lock};
use crate::config::SandboxConfig;
use crate::world::World;

const PAUSE: Duration = Duration::from_secs(1);

pub(super) fn load(config: &SandboxConfig) -> Result<World, StartError> {
    let Some(path) = config.state.as_deref().filter(|p| p.exists()) else {
        return Ok(World::new(config));
    };
    read(path, config).map_err(|e| StartError::State(path.to_owned(), e))
}

fn read(path: &Path, config: &SandboxConfig) -> io::Result<World> {
    let mut world: World = serde_json::from_slice(&fs::read(path)?)?;
    world.revive(config);
    for file in world.files.checksums() {
        let bytes = fs::read(folder(path).join(&file))?;
        world.files.put_bytes(file, bytes.into());
    }
    Ok(world)
}

/// Writes the state whenever there was news, at most once a second.
pub(super) async fn keep(shared: Arc<Shared>) {
    if shared.config.state.is_none() {
        return std::future::pending().await;
    }
    let mut news = lock(&shared.world).news.follow();
    while news.changed().await.is_ok() {
        save(&shared);
        tokio::time::sleep(PAUSE).await;
    }
}

pub(super) fn save(shared: &Shared) {
    let Some(path) = &shared.config.state else { return };
    if let Err(e) = write(shared, path) {
        tracing::warn!(path = %path.display(), error = %e, "the sandbox cannot write its state; a restart will forget chats");
    }
}

fn write(shared: &Shared, path: &Path) -> io::Result<()> {
    let folder = folder(path);
    fs::create_dir_all(&folder)?;
    let (state, files) = {
        let world = lock(&shared.world);
        let files: Vec<_> = world
            .files
            .all_bytes()
            .map(|(sha, bytes)| (sha.clone(), bytes.clone()))
            .collect();
        (serde_json::to_vec(&*world)?, files)
    };
    for (sha, bytes) in &files {
        let file = folder.join(sha);
        if !file.exists() {
            replace(&file, bytes)?;
        }
    }
    replace(path, &state)?;
    for entry in fs::read_dir(&folder)?.flatten() {
        let known = entry
            .file_name()
            .to_str()
            .is_some_and(|name| files.iter().any(|(sha, _)| sha == name));
        if !known {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// A half-written file must never stand under the real name.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    fs::write(&draft, bytes)?;
    fs::rename(draft, path)
}

fn folder(path: &Path) -> PathBuf {
    path.with_extension("files")
}
