//! Who the bot is and what it says about itself, by language.

use std::collections::BTreeMap;

use serde_json::json;

use super::commands::language;
use super::{Answer, Method, Param, Run, kind::*, may};
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::text::utf16_len;
use crate::world::World;
use crate::world::bot::Texts;
use crate::world::news::EventKind;

const LANGUAGE: &[Param] = &[may("language_code", STR)];

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "getMe",
        params: &[],
        run: Run::Now(|world, _| Ok(world.bot.me())),
    },
    Method {
        name: "setMyName",
        params: &[may("name", STR), may("language_code", STR)],
        run: Run::Now(|w, a| set(w, a, &NAME)),
    },
    Method {
        name: "getMyName",
        params: LANGUAGE,
        run: Run::Now(|w, a| get(w, a, &NAME)),
    },
    Method {
        name: "setMyDescription",
        params: &[may("description", STR), may("language_code", STR)],
        run: Run::Now(|w, a| set(w, a, &DESCRIPTION)),
    },
    Method {
        name: "getMyDescription",
        params: LANGUAGE,
        run: Run::Now(|w, a| get(w, a, &DESCRIPTION)),
    },
    Method {
        name: "setMyShortDescription",
        params: &[may("short_description", STR), may("language_code", STR)],
        run: Run::Now(|w, a| set(w, a, &SHORT_DESCRIPTION)),
    },
    Method {
        name: "getMyShortDescription",
        params: LANGUAGE,
        run: Run::Now(|w, a| get(w, a, &SHORT_DESCRIPTION)),
    },
];

/// One of the texts about the bot, and its longest length.
struct About {
    field: &'static str,
    longest: usize,
    too_long: &'static str,
    texts: fn(&mut Texts) -> &mut BTreeMap<String, String>,
}

const NAME: About = About {
    field: "name",
    longest: 64,
    too_long: "BOT_TITLE_INVALID",
    texts: |t| &mut t.name,
};
const DESCRIPTION: About = About {
    field: "description",
    longest: 512,
    too_long: "description is too long",
    texts: |t| &mut t.description,
};
const SHORT_DESCRIPTION: About = About {
    field: "short_description",
    longest: 120,
    too_long: "short description is too long",
    texts: |t| &mut t.short_description,
};

fn set(world: &mut World, args: &Args, about: &About) -> Answer {
    let language = language(args)?;
    let text = args.text(about.field).unwrap_or_default().trim().to_owned();
    if utf16_len(&text) > about.longest {
        return Err(ApiError::bad(about.too_long));
    }
    let texts = (about.texts)(&mut world.bot.about);
    match text.is_empty() {
        true => texts.remove(&language),
        false => texts.insert(language, text),
    };
    world.news.tell(EventKind::Bot, None, None, None);
    Ok(true.into())
}

fn get(world: &mut World, args: &Args, about: &About) -> Answer {
    let language = language(args)?;
    let texts = (about.texts)(&mut world.bot.about);
    let text = texts.get(&language).or_else(|| texts.get("")).cloned();
    let fallback = if about.field == "name" {
        world.bot.name.clone()
    } else {
        String::new()
    };
    Ok(json!({ (about.field): text.unwrap_or(fallback) }))
}
