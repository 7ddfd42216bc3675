//! Files that come with a request, checked by size and, for photos, by their header.

use std::io::Cursor;

use bytes::Bytes;
use image::ImageReader;

use crate::api::args::{Args, Upload};
use crate::api::error::ApiError;
use crate::world::World;
use crate::world::files::{File, FileKey};
use crate::world::message::MediaKind;

const MB: usize = 1024 * 1024;
const PHOTO_BYTES: usize = 10 * MB;
const DOCUMENT_BYTES: usize = 50 * MB;
const PHOTO_SIDES: u32 = 10_000;
const PHOTO_RATIO: u32 = 20;

/// A file that may be stored: new bytes that passed the checks, or one known by its `file_id`.
#[derive(Debug)]
pub(crate) enum Given {
    New(Box<File>, Bytes),
    Known(FileKey),
}

impl Given {
    pub(crate) fn store(self, world: &mut World) -> FileKey {
        match self {
            Given::New(file, bytes) => world.store_file(*file, bytes),
            Given::Known(key) => key,
        }
    }
}

/// The file of a parameter: an upload of that name, `attach://name`, or a `file_id`.
pub(crate) fn of_param(world: &World, args: &Args, name: &str, kind: MediaKind) -> Result<Given, ApiError> {
    match (args.files.get(name), args.text(name)) {
        (Some(upload), _) => of_upload(upload, kind),
        (None, Some(text)) if !text.is_empty() => of_text(world, args, &text, kind),
        (None, _) => Err(ApiError::bad(format!(
            "there is no {} in the request",
            kind.name()
        ))),
    }
}

pub(crate) fn of_text(world: &World, args: &Args, text: &str, kind: MediaKind) -> Result<Given, ApiError> {
    if let Some(name) = text.strip_prefix("attach://") {
        let missing = || ApiError::bad(format!("file \"{name}\" is attached nowhere in the request"));
        return of_upload(args.files.get(name).ok_or_else(missing)?, kind);
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return Err(ApiError::bad(
            "the sandbox fetches nothing: failed to get HTTP URL content",
        ));
    }
    world.load_file(text, kind).map(|file| Given::Known(file.key))
}

fn of_upload(upload: &Upload, kind: MediaKind) -> Result<Given, ApiError> {
    if upload.bytes.is_empty() {
        return Err(ApiError::bad("file must be non-empty"));
    }
    let (limit, name) = match kind {
        MediaKind::Photo => (PHOTO_BYTES, "Photo"),
        MediaKind::Document => (DOCUMENT_BYTES, "Document"),
        MediaKind::Animation => (DOCUMENT_BYTES, "Animation"),
    };
    if upload.bytes.len() > limit {
        let size = upload.bytes.len();
        return Err(match kind {
            MediaKind::Photo => ApiError::bad(format!(
                "file of size {size} bytes is too big for a photo; the maximum size is {limit} bytes"
            )),
            MediaKind::Document | MediaKind::Animation => {
                tracing::debug!(size, name, "upload refused");
                ApiError::too_large()
            }
        });
    }
    let (width, height, mime) = match kind {
        MediaKind::Photo => photo_header(&upload.bytes)?,
        MediaKind::Document | MediaKind::Animation => (0, 0, upload.mime.clone()),
    };
    let file = File {
        key: 0,
        kind,
        sha256: String::new(),
        size: upload.bytes.len(),
        name: Some(upload.name.clone()),
        mime,
        width,
        height,
    };
    Ok(Given::New(Box::new(file), upload.bytes.clone()))
}

fn photo_header(bytes: &[u8]) -> Result<(u32, u32, String), ApiError> {
    let unreadable = || ApiError::bad("IMAGE_PROCESS_FAILED");
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|_| unreadable())?;
    let format = reader.format().ok_or_else(unreadable)?;
    let (width, height) = reader.into_dimensions().map_err(|_| unreadable())?;
    let (long, short) = (width.max(height), width.min(height));
    let fits =
        width.saturating_add(height) <= PHOTO_SIDES && short > 0 && long <= short.saturating_mul(PHOTO_RATIO);
    match fits {
        true => Ok((width, height, format.to_mime_type().into())),
        false => Err(ApiError::bad("PHOTO_INVALID_DIMENSIONS")),
    }
}
