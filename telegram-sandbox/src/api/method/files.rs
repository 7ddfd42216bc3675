//! Files that were sent: where to download them.

use super::{Answer, Method, Run, kind::*, must};
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::world::World;

pub(crate) const METHODS: &[Method] = &[Method {
    name: "getFile",
    params: &[must("file_id", STR)],
    run: Run::Now(get_file),
}];

/// Bots may download up to 20 MB.
const DOWNLOAD_BYTES: usize = 20 * 1024 * 1024;

fn get_file(world: &mut World, args: &Args) -> Answer {
    let id = args.text("file_id").filter(|f| !f.is_empty());
    let id = id.ok_or_else(|| ApiError::bad("file_id is not specified"))?;
    let file = world
        .files
        .find_id(&id)
        .ok_or_else(|| ApiError::bad("invalid file_id"))?;
    if file.size > DOWNLOAD_BYTES {
        return Err(ApiError::bad("file is too big"));
    }
    let mut answer = file.to_json();
    answer["file_path"] = file.path().into();
    Ok(answer)
}
