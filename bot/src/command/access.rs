//! /access list|grant|revoke: who may do what. A person is named by number, by @name if the bot
//! has met them, or by replying to one of their messages.

use kymo_store::{Person as Member, PersonId, Role};

use crate::access::{Person, parse_role, role_word};
use crate::ask::{Act, Answer, Ask};
use crate::facts::Facts;
use crate::follow::ago;
use crate::words::{code, cut, foreign};

const USAGE: &str = "Write <code>/access list</code>, <code>/access grant WHO viewer|operator|admin</code> or \
    <code>/access revoke WHO</code>. WHO is a number or an @name; leave it out when you reply to a message of theirs.";

/// So many strangers are remembered.
const MET: i64 = 1000;

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
enum Wish<'a> {
    List,
    Grant(Option<&'a str>, Role),
    Revoke(Option<&'a str>),
    Unclear,
}

fn parse(rest: &str) -> Wish<'_> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    let role = |word: &str| parse_role(word);
    match words.as_slice() {
        [] => Wish::List,
        [list] if list.eq_ignore_ascii_case("list") => Wish::List,
        [grant, rest @ ..] if grant.eq_ignore_ascii_case("grant") => match rest {
            [word] => role(word).map_or(Wish::Unclear, |role| Wish::Grant(None, role)),
            [who, word] | [who, .., word] if rest.len() == 2 => {
                role(word).map_or(Wish::Unclear, |role| Wish::Grant(Some(who), role))
            }
            _ => Wish::Unclear,
        },
        [revoke] if revoke.eq_ignore_ascii_case("revoke") => Wish::Revoke(None),
        [revoke, who] if revoke.eq_ignore_ascii_case("revoke") => Wish::Revoke(Some(who)),
        _ => Wish::Unclear,
    }
}

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    match parse(rest) {
        Wish::List => list(facts, ask).await,
        Wish::Unclear => Ok(Answer::refuse(USAGE)),
        Wish::Grant(who, role) => match find(facts, ask, who).await? {
            Ok(person) => grant(facts, ask, person, role).await,
            Err(refusal) => Ok(Answer::refuse(refusal)),
        },
        Wish::Revoke(who) => match find(facts, ask, who).await? {
            Ok(person) => revoke(facts, person).await,
            Err(refusal) => Ok(Answer::refuse(refusal)),
        },
    }
}

/// Whom the admin means, or why that is not clear.
async fn find(facts: &Facts, ask: &Ask, who: Option<&str>) -> anyhow::Result<Result<Person, String>> {
    let Some(who) = who else {
        let author = ask
            .replied_to
            .as_ref()
            .and_then(|replied_to| replied_to.author.clone());
        return Ok(author.ok_or_else(|| USAGE.to_owned()));
    };
    if let Ok(id) = who.parse::<i64>() {
        if id <= 0 {
            return Ok(Err(format!("{} is a group's number, not a person's.", code(who))));
        }
        return Ok(Ok(by_number(facts, PersonId(id)).await?));
    }
    if !who.starts_with('@') {
        return Ok(Err(format!("{} is neither a number nor an @name.", code(who))));
    }
    if let Some(member) = facts.store.find_person_by_username(who).await? {
        return Ok(Ok(Person {
            id: member.id,
            name: member.name,
            username: member.username,
        }));
    }
    match facts.store.find_stranger_by_username(who).await? {
        Some(stranger) => Ok(Ok(Person {
            id: stranger.id,
            name: stranger.name,
            username: stranger.username,
        })),
        None => Ok(Err(format!(
            "I have never met {}. Let them write to me once, then grant again; or use their number.",
            code(who)
        ))),
    }
}

/// The person as far as the bot has met them.
async fn by_number(facts: &Facts, id: PersonId) -> anyhow::Result<Person> {
    if let Some(member) = facts.store.find_person(id).await? {
        let (name, username) = (member.name, member.username);
        return Ok(Person { id, name, username });
    }
    let strangers = facts.store.strangers(MET).await?;
    Ok(match strangers.into_iter().find(|stranger| stranger.id == id) {
        Some(stranger) => Person {
            id,
            name: stranger.name,
            username: stranger.username,
        },
        // Their name follows with their first word.
        None => Person {
            id,
            name: "Somebody".to_owned(),
            username: None,
        },
    })
}

async fn grant(facts: &Facts, ask: &Ask, person: Person, role: Role) -> anyhow::Result<Answer> {
    if facts.admins.contains(&person.id) {
        return Ok(Answer::refuse(format!(
            "{} is admin by the configuration; change it there.",
            foreign(&person.name, 64)
        )));
    }
    let before = facts.store.find_person(person.id).await?;
    let last_admin = before.as_ref().is_some_and(|member| member.role == Role::Admin)
        && role != Role::Admin
        && facts.admins.is_empty()
        && facts
            .store
            .people()
            .await?
            .iter()
            .filter(|member| member.role == Role::Admin)
            .count()
            == 1;
    if last_admin {
        return Ok(Answer::refuse(
            "That would leave nobody who is admin. Make somebody else admin first.",
        ));
    }
    let member = Member {
        id: person.id,
        role,
        name: cut(&person.name, 128),
        username: person.username.clone(),
        granted_by: ask.person.signature(),
        granted_at: ask.at,
    };
    facts.store.grant(&member).await?;
    let html = format!(
        "{} (<code>{}</code>) is {} now.",
        foreign(&person.name, 64),
        person.id,
        role_word(role)
    );
    Ok(Answer::say(html)
        .and(Act::Menu { person: person.id })
        .outcome(format!("{} is {} now", person.id, role_word(role))))
}

async fn revoke(facts: &Facts, person: Person) -> anyhow::Result<Answer> {
    let name = format!("{} (<code>{}</code>)", foreign(&person.name, 64), person.id);
    if facts.admins.contains(&person.id) {
        return Ok(Answer::refuse(format!(
            "{name} is admin by the configuration; change it there."
        )));
    }
    if facts.store.revoke(person.id).await? {
        return Ok(
            Answer::say(format!("{name} is a stranger now and gets no more answers."))
                .and(Act::Menu { person: person.id })
                .outcome(format!("{} has no role any more", person.id)),
        );
    }
    Ok(Answer::refuse(match facts.store.find_person(person.id).await? {
        Some(_) => format!("{name} is the last admin. Make somebody else admin first."),
        None => format!("{name} has no role."),
    }))
}

async fn list(facts: &Facts, ask: &Ask) -> anyhow::Result<Answer> {
    let mut lines = Vec::new();
    for admin in &facts.admins {
        lines.push(format!("<code>{admin}</code>: admin by the configuration"));
    }
    for member in facts.store.people().await? {
        let username = member
            .username
            .as_deref()
            .map(|name| format!(" @{}", foreign(name, 40)))
            .unwrap_or_default();
        lines.push(format!(
            "{}{username} <code>{}</code>: {}, by {}, {}",
            foreign(&member.name, 64),
            member.id,
            role_word(member.role),
            foreign(&member.granted_by, 80),
            ago(member.granted_at, ask.at),
        ));
    }
    let strangers = facts.store.stranger_count().await?;
    lines.push(format!(
        "Strangers turned away: {} people, {} times",
        strangers.people, strangers.times
    ));
    for stranger in facts.store.strangers(5).await? {
        let username = stranger
            .username
            .as_deref()
            .map(|name| format!(" @{}", foreign(name, 40)))
            .unwrap_or_default();
        let name = foreign(&stranger.name, 64);
        lines.push(format!(
            "   {name}{username} <code>{}</code>, {}",
            stranger.id,
            ago(stranger.last_at, ask.at)
        ));
    }
    Ok(Answer::say(lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes() {
        for (rest, wish) in [
            ("", Wish::List),
            ("LIST", Wish::List),
            ("grant 42 operator", Wish::Grant(Some("42"), Role::Operator)),
            ("grant @ada Admin", Wish::Grant(Some("@ada"), Role::Admin)),
            ("grant viewer", Wish::Grant(None, Role::Viewer)),
            ("grant 42", Wish::Unclear),
            ("grant 42 god", Wish::Unclear),
            ("grant 42 43 viewer", Wish::Unclear),
            ("revoke", Wish::Revoke(None)),
            ("revoke @ada", Wish::Revoke(Some("@ada"))),
            ("revoke 1 2", Wish::Unclear),
            ("<b>", Wish::Unclear),
        ] {
            assert_eq!(parse(rest), wish, "{rest}");
        }
    }
}
