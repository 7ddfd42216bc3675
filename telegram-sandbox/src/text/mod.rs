//! Formatted text as Telegram keeps it: plain text with entities counted in UTF-16 units.

pub(crate) mod detect;
pub(crate) mod entity;
pub(crate) mod html;
pub(crate) mod markdown;
pub(crate) mod trim;

pub(crate) use entity::{Entity, Formatted, utf16_len};

use crate::api::error::ApiError;

/// Text as a bot sent it: with a parse mode, with ready entities, or plain.
pub(crate) fn parse(
    raw: &str,
    mode: Option<&str>,
    given: Option<Vec<Entity>>,
) -> Result<Formatted, ApiError> {
    if raw.contains('\0') {
        return Err(ApiError::bad("text must be encoded in UTF-8"));
    }
    let marked = match mode.map(str::to_ascii_lowercase).as_deref() {
        None | Some("") => match given {
            Some(entities) => entity::check_given(raw, entities)?,
            None => Formatted::plain(raw),
        },
        Some("html") => html::parse(raw).map_err(cannot_parse)?,
        Some("markdownv2") => markdown::parse(raw).map_err(cannot_parse)?,
        Some("markdown") => {
            return Err(ApiError::bad(
                "unsupported parse_mode: the sandbox knows HTML and MarkdownV2",
            ));
        }
        Some(_) => return Err(ApiError::bad("unsupported parse_mode")),
    };
    Ok(detect::add_found(trim::trim(marked)))
}

fn cannot_parse(reason: String) -> ApiError {
    ApiError::bad(format!("can't parse entities: {reason}"))
}
