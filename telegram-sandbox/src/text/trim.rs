//! Telegram drops white space around a text, so lengths and offsets are counted after that.

use super::{Formatted, utf16_len};

/// The text without leading and trailing white space, entities moved and cut to fit.
pub(crate) fn trim(marked: Formatted) -> Formatted {
    let text = marked.text.replace('\r', "");
    if text.len() != marked.text.len() {
        // Offsets of marked text would shift; Telegram counts them after the removal, which the parsers never see.
        return trim(Formatted {
            text,
            entities: marked.entities,
        });
    }
    let body = text.trim_start();
    let cut = utf16_len(&text) - utf16_len(body);
    let body = body.trim_end();
    let length = utf16_len(body);
    let entities = marked
        .entities
        .into_iter()
        .filter_map(|mut entity| {
            let end = entity.end().saturating_sub(cut).min(length);
            entity.offset = entity.offset.saturating_sub(cut);
            entity.length = end.checked_sub(entity.offset).filter(|&left| left > 0)?;
            Some(entity)
        })
        .collect();
    Formatted {
        text: body.into(),
        entities,
    }
}
