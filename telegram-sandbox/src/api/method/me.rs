//! Who the bot is.

use super::{Method, Run};

pub(crate) const METHODS: &[Method] = &[Method {
    name: "getMe",
    params: &[],
    run: Run::Now(|world, _| Ok(world.bot.me())),
}];
