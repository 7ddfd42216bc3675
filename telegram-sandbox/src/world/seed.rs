//! Who is there at the first start.

use super::World;
use super::chat::{Chat, Kind};
use super::person::Person;
use super::rights::{AdminRights, Standing};
use crate::config::Seed;

pub(crate) const ADA: i64 = 1001;
const GRACE: i64 = 1002;
const DOROTHY: i64 = 1003;
const MALLORY: i64 = 1666;

pub(crate) fn plant(world: &mut World, seed: Seed) {
    match seed {
        Seed::Empty => {}
        Seed::Lab => lab(world),
    }
}

fn lab(world: &mut World) {
    for (id, first, last, username) in [
        (ADA, "Ada", "Lovelace", "ada"),
        (GRACE, "Grace", "Hopper", "grace"),
        (DOROTHY, "Dorothy", "Vaughan", "dorothy"),
        (MALLORY, "Mallory", "", "mallory"),
    ] {
        world.add_person(Person {
            id,
            first_name: first.into(),
            last_name: Some(last.to_owned()).filter(|l| !l.is_empty()),
            username: Some(username.into()),
            language_code: Some("en".into()),
            started: false,
            blocked: false,
            read: Default::default(),
        });
    }
    let everybody = [
        (ADA, Standing::Member),
        (GRACE, Standing::Creator),
        (DOROTHY, Standing::Member),
    ];
    let bot = world.bot.id;
    for (id, title, bot_member) in [
        (
            -2001,
            "Airy lab",
            Standing::Administrator {
                rights: AdminRights::all(),
            },
        ),
        (-2002, "Coffee corner", Standing::Member),
    ] {
        let mut chat = Chat::new(id, Kind::Group, title);
        // Members may not pin in the second group, so the bot has no right there.
        chat.members_may_pin = bot_member.is_admin();
        chat.members = everybody.iter().cloned().collect();
        chat.members.insert(bot, bot_member);
        world.add_chat(chat);
    }
}
