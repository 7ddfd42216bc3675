//! Files that were sent, known by `file_id`; the bytes are kept by checksum, the oldest unused go first.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::World;
use super::message::{Body, MediaKind};
use crate::api::error::ApiError;

/// Our own name of a stored file.
pub(crate) type FileKey = u64;

/// Bytes kept for messages that are gone or changed, so that an older picture can be shown again by `file_id`.
const KEPT_UNUSED: usize = 128 * 1024 * 1024;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Files {
    next: FileKey,
    known: BTreeMap<FileKey, File>,
    #[serde(skip)]
    bytes: BTreeMap<String, Bytes>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct File {
    pub key: FileKey,
    pub kind: MediaKind,
    pub sha256: String,
    pub size: usize,
    pub name: Option<String>,
    pub mime: String,
    pub width: u32,
    pub height: u32,
}

impl File {
    /// What the bot calls it. The kind is in it, as in Telegram: a photo's id sends a photo only.
    pub(crate) fn file_id(&self) -> String {
        let prefix = match self.kind {
            MediaKind::Photo => "AgACAgIAAxkBAAI",
            MediaKind::Document => "BQACAgIAAxkBAAI",
            MediaKind::Animation => "CgACAgIAAxkBAAI",
        };
        format!("{prefix}{:08x}{}", self.key, &self.sha256[..12])
    }

    pub(crate) fn unique_id(&self) -> String {
        format!("AQAD{}", &self.sha256[..12])
    }

    pub(crate) fn path(&self) -> String {
        let (folder, ending) = match (self.kind, self.mime.as_str()) {
            (MediaKind::Photo, "image/png") => ("photos", ".png"),
            (MediaKind::Photo, _) => ("photos", ".jpg"),
            (MediaKind::Document, _) => ("documents", ""),
            (MediaKind::Animation, _) => ("animations", ".mp4"),
        };
        let name = self
            .name
            .as_deref()
            .filter(|_| self.kind == MediaKind::Document)
            .unwrap_or(folder);
        let safe: String = name
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '.' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        format!("{folder}/{}_{safe}{ending}", self.key)
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "file_id": self.file_id(), "file_unique_id": self.unique_id(), "file_size": self.size })
    }
}

impl Files {
    pub(crate) fn add(&mut self, mut file: File, bytes: Bytes) -> FileKey {
        self.next += 1;
        file.key = self.next;
        file.sha256 = sha256(&bytes);
        self.bytes.entry(file.sha256.clone()).or_insert(bytes);
        self.known.insert(file.key, file);
        self.next
    }

    pub(crate) fn get(&self, key: FileKey) -> Option<&File> {
        self.known.get(&key)
    }

    pub(crate) fn find_id(&self, file_id: &str) -> Option<&File> {
        self.known.values().find(|f| f.file_id() == file_id)
    }

    pub(crate) fn find_path(&self, path: &str) -> Option<&File> {
        self.known.values().find(|f| f.path() == path)
    }

    pub(crate) fn bytes(&self, sha256: &str) -> Option<Bytes> {
        self.bytes.get(sha256).cloned()
    }

    pub(crate) fn all_bytes(&self) -> impl Iterator<Item = (&String, &Bytes)> {
        self.bytes.iter()
    }

    pub(crate) fn put_bytes(&mut self, sha256: String, bytes: Bytes) {
        self.bytes.insert(sha256, bytes);
    }

    pub(crate) fn mime_of(&self, sha256: &str) -> Option<String> {
        self.known
            .values()
            .find(|f| f.sha256 == sha256)
            .map(|f| f.mime.clone())
    }

    pub(crate) fn checksums(&self) -> BTreeSet<String> {
        self.known.values().map(|f| f.sha256.clone()).collect()
    }

    /// Drops the oldest files that no message shows until the rest is small enough.
    fn forget_unused(&mut self, used: &BTreeSet<FileKey>) {
        let unused: Vec<FileKey> = self.known.keys().copied().filter(|k| !used.contains(k)).collect();
        let mut left: usize = unused.iter().map(|k| self.known[k].size).sum();
        for key in unused {
            if left <= KEPT_UNUSED {
                break;
            }
            if let Some(file) = self.known.remove(&key) {
                left -= file.size;
            }
        }
        let needed: BTreeSet<&str> = self.known.values().map(|f| f.sha256.as_str()).collect();
        self.bytes.retain(|sha, _| needed.contains(sha.as_str()));
    }
}

impl World {
    /// The file of a `file_id`, which must be of the right kind.
    pub(crate) fn load_file(&self, file_id: &str, kind: MediaKind) -> Result<&File, ApiError> {
        let file = self
            .files
            .find_id(file_id)
            .ok_or_else(|| ApiError::bad("wrong file identifier/HTTP URL specified"))?;
        if file.kind != kind {
            let (was, wanted) = (title(file.kind), title(kind));
            return Err(ApiError::bad(format!("can't use file of type {was} as {wanted}")));
        }
        Ok(file)
    }

    /// Stores an upload and makes room.
    pub(crate) fn store_file(&mut self, file: File, bytes: Bytes) -> FileKey {
        let used = self
            .chats
            .values()
            .flat_map(|c| c.messages.values())
            .filter_map(|m| match &m.body {
                Body::Media { media, .. } => Some(media.file),
                Body::Text { .. } | Body::Service { .. } => None,
            })
            .collect();
        self.files.forget_unused(&used);
        self.files.add(file, bytes)
    }
}

fn title(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Photo => "Photo",
        MediaKind::Document => "Document",
        MediaKind::Animation => "Animation",
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
