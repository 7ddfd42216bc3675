//! What Telegram finds by itself in any text: commands, mentions, hashtags, links, mail addresses.

use super::{Entity, Formatted, utf16_len};

/// The text with found entities added where no link or code is already.
pub(crate) fn add_found(mut marked: Formatted) -> Formatted {
    let closed: Vec<(usize, usize)> = marked
        .entities
        .iter()
        .filter(|e| matches!(e.kind.as_str(), "code" | "pre" | "text_link" | "text_mention"))
        .map(|e| (e.offset, e.end()))
        .collect();
    let known: Vec<Entity> = marked.entities.clone();
    for found in find(&marked.text) {
        let free = closed
            .iter()
            .all(|&(from, to)| found.end() <= from || to <= found.offset);
        if free && !known.contains(&found) {
            marked.entities.push(found);
        }
    }
    // Telegram lists entities by offset, the longer first.
    marked
        .entities
        .sort_by_key(|e| (e.offset, std::cmp::Reverse(e.length)));
    marked
}

fn find(text: &str) -> Vec<Entity> {
    let mut found = Vec::new();
    let mut at16 = 0;
    let mut rest = text;
    let mut before = None;
    while let Some(first) = rest.chars().next() {
        let fresh =
            before.is_none_or(|c: char| !c.is_alphanumeric() && c != '_' && c != '/' && c != '@' && c != '<');
        let hit = if fresh { match_here(rest) } else { None };
        let taken = match hit {
            Some((kind, bytes)) => {
                found.push(Entity::new(kind, at16, utf16_len(&rest[..bytes])));
                bytes
            }
            None => first.len_utf8(),
        };
        at16 += utf16_len(&rest[..taken]);
        before = rest[..taken].chars().next_back();
        rest = &rest[taken..];
    }
    found
}

fn match_here(rest: &str) -> Option<(&'static str, usize)> {
    if let Some(after) = rest.strip_prefix('/') {
        return command_length(after).map(|n| ("bot_command", n + 1));
    }
    if let Some(after) = rest.strip_prefix('@') {
        let n = name_length(after);
        return (3..=32).contains(&n).then_some(("mention", n + 1));
    }
    if let Some(after) = rest.strip_prefix('#') {
        let tag: String = after
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        let letters = tag.chars().any(|c| !c.is_ascii_digit());
        return (!tag.is_empty() && letters).then_some(("hashtag", tag.len() + 1));
    }
    url_length(rest)
        .map(|n| ("url", n))
        .or_else(|| email_length(rest).map(|n| ("email", n)))
}

fn name_length(text: &str) -> usize {
    text.bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
        .count()
}

fn command_length(after: &str) -> Option<usize> {
    let n = name_length(after);
    if !(1..=64).contains(&n) {
        return None;
    }
    let with_bot = after[n..]
        .strip_prefix('@')
        .map(name_length)
        .filter(|bot| (3..=32).contains(bot));
    let end = n + with_bot.map_or(0, |bot| bot + 1);
    // `/usr/bin` is a path, not a command.
    (!after[end..].starts_with('/')).then_some(end)
}

fn url_length(rest: &str) -> Option<usize> {
    let scheme = ["https://", "http://", "tg://"]
        .into_iter()
        .find(|s| rest.starts_with(s));
    let head = match scheme {
        Some(scheme) => scheme.len(),
        None if rest.starts_with("t.me/") => "t.me/".len(),
        None => return None,
    };
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
        .unwrap_or(rest.len());
    let end = rest[..end]
        .trim_end_matches(['.', ',', '!', '?', ';', ':', ')', '\''])
        .len();
    (end > head).then_some(end)
}

fn email_length(rest: &str) -> Option<usize> {
    let local = rest
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || b"._+-".contains(b))
        .count();
    let domain = rest[local..].strip_prefix('@').filter(|_| local > 0)?;
    let n = domain
        .bytes()
        .take_while(|b| b.is_ascii_alphanumeric() || b".-".contains(b))
        .count();
    let name = domain[..n].trim_end_matches('.');
    let dotted = name
        .rsplit_once('.')
        .is_some_and(|(left, top)| !left.is_empty() && top.len() >= 2);
    dotted.then_some(local + 1 + name.len())
}
