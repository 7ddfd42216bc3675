//! The HTML parse mode, as strict as Telegram: known tags only, everything closed in order.

use super::{Entity, Formatted, utf16_len};

struct Open {
    tag: String,
    argument: String,
    offset: usize,
    text_start: usize,
}

/// Parses marked text; the error is what Telegram says after `can't parse entities: `.
pub(crate) fn parse(source: &str) -> Result<Formatted, String> {
    let mut parser = Parser {
        source,
        at: 0,
        text: String::new(),
        offset: 0,
        open: Vec::new(),
        done: Vec::new(),
    };
    while let Some(next) = parser.rest().chars().next() {
        match next {
            '<' if parser.rest().starts_with("</") => parser.end_tag()?,
            '<' => parser.start_tag()?,
            '&' => match decode_reference(parser.rest()) {
                Some((decoded, taken)) => {
                    parser.push(decoded);
                    parser.at += taken;
                }
                None => parser.take(next),
            },
            _ => parser.take(next),
        }
    }
    if let Some(open) = parser.open.last() {
        return Err(format!(
            "Can't find end tag corresponding to start tag \"{}\"",
            open.tag
        ));
    }
    Ok(Formatted {
        text: parser.text,
        entities: parser.done,
    })
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    text: String,
    offset: usize,
    open: Vec<Open>,
    done: Vec<Entity>,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn take(&mut self, next: char) {
        self.push(next);
        self.at += next.len_utf8();
    }

    fn push(&mut self, next: char) {
        self.text.push(next);
        self.offset += next.len_utf16();
    }

    fn start_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        let inside = &self.source[begin + 1..];
        let name_end = inside
            .find(|c: char| c.is_ascii_whitespace() || c == '>')
            .ok_or_else(|| format!("Unclosed start tag at byte offset {begin}"))?;
        let tag = inside[..name_end].to_ascii_lowercase();
        if kind_of(&tag).is_none() {
            return Err(format!("Unsupported start tag \"{tag}\" at byte offset {begin}"));
        }
        let (attributes, taken) = attributes(&inside[name_end..], &tag, begin)?;
        let argument = argument_of(&tag, &attributes);
        if tag == "span" && argument != "spoiler" {
            return Err(format!(
                "Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"
            ));
        }
        self.at = begin + 1 + name_end + taken;
        self.open.push(Open {
            tag,
            argument,
            offset: self.offset,
            text_start: self.text.len(),
        });
        Ok(())
    }

    fn end_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        let open = self
            .open
            .pop()
            .ok_or_else(|| format!("Unexpected end tag at byte offset {begin}"))?;
        let inside = &self.source[begin + 2..];
        let close = inside
            .find('>')
            .ok_or_else(|| format!("Unclosed end tag at byte offset {begin}"))?;
        let found = inside[..close].to_ascii_lowercase();
        let found = found.trim_end();
        if found.contains(char::is_whitespace) {
            return Err(format!("Unclosed end tag at byte offset {begin}"));
        }
        if !found.is_empty() && found != open.tag {
            let expected = &open.tag;
            return Err(format!(
                "Unmatched end tag at byte offset {begin}, expected \"</{expected}>\", found \"</{found}>\""
            ));
        }
        self.at = begin + 2 + close + 1;
        if self.offset > open.offset {
            self.close(open)?;
        }
        Ok(())
    }

    fn close(&mut self, open: Open) -> Result<(), String> {
        let length = self.offset - open.offset;
        let kind = kind_of(&open.tag).unwrap_or("bold");
        let mut entity = Entity::new(kind, open.offset, length);
        match kind {
            "text_link" => {
                let url = if open.argument.is_empty() {
                    &self.text[open.text_start..]
                } else {
                    &open.argument
                };
                match link_target(url) {
                    Some(Target::User(id)) => {
                        entity.kind = "text_mention".into();
                        entity.user = Some(serde_json::json!({ "id": id }));
                    }
                    Some(Target::Url(url)) => entity.url = Some(url),
                    // Telegram drops links that lead nowhere, and keeps the text.
                    None => return Ok(()),
                }
            }
            "blockquote" if !open.argument.is_empty() => entity.kind = "expandable_blockquote".into(),
            "custom_emoji" => {
                if open.argument.parse::<i64>().is_ok_and(|id| id != 0) {
                    entity.custom_emoji_id = Some(open.argument);
                } else {
                    return Err("Invalid custom emoji identifier specified".into());
                }
            }
            "code" if !open.argument.is_empty() => entity.language = Some(open.argument),
            "pre" => {
                let inner = self
                    .done
                    .last()
                    .filter(|e| e.kind == "code" && e.language.is_some());
                if let Some(code) = inner.filter(|e| e.offset == open.offset && e.length == length) {
                    entity.language = code.language.clone();
                    self.done.pop();
                }
            }
            _ => {}
        }
        self.done.push(entity);
        for entity in &mut self.done {
            // A language counts only for code that fills a `pre`.
            if entity.kind == "code" && entity.end() < self.offset {
                entity.language = None;
            }
        }
        Ok(())
    }
}

fn kind_of(tag: &str) -> Option<&'static str> {
    Some(match tag {
        "b" | "strong" => "bold",
        "i" | "em" => "italic",
        "u" | "ins" => "underline",
        "s" | "strike" | "del" => "strikethrough",
        "tg-spoiler" | "span" => "spoiler",
        "tg-emoji" => "custom_emoji",
        "a" => "text_link",
        "pre" => "pre",
        "code" => "code",
        "blockquote" => "blockquote",
        _ => return None,
    })
}

fn argument_of(tag: &str, attributes: &[(String, Option<String>)]) -> String {
    let value = |name: &str| {
        attributes
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
    };
    let class = |prefix: &str| {
        value("class")
            .flatten()
            .and_then(|v| v.strip_prefix(prefix).map(str::to_owned))
    };
    match tag {
        "a" => value("href").flatten(),
        "code" => class("language-"),
        "span" => class("tg-"),
        "tg-emoji" => value("emoji-id").flatten(),
        "blockquote" => value("expandable").map(|_| "1".to_owned()),
        _ => None,
    }
    .unwrap_or_default()
}

type Attributes = Vec<(String, Option<String>)>;

/// Attributes up to and including `>`; also how many bytes that took.
fn attributes(inside: &str, tag: &str, begin: usize) -> Result<(Attributes, usize), String> {
    let unclosed = || format!("Unclosed start tag \"{tag}\" at byte offset {begin}");
    let mut found = Vec::new();
    let mut rest = inside;
    loop {
        rest = rest.trim_ascii_start();
        if let Some(after) = rest.strip_prefix('>') {
            return Ok((found, inside.len() - after.len()));
        }
        let name_end = rest
            .find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/' | '"' | '\''))
            .unwrap_or(rest.len());
        if name_end == 0 {
            return Err(match rest.is_empty() {
                true => unclosed(),
                false => format!("Empty attribute name in the tag \"{tag}\" at byte offset {begin}"),
            });
        }
        let name = rest[..name_end].to_owned();
        rest = rest[name_end..].trim_ascii_start();
        let Some(after) = rest.strip_prefix('=') else {
            if rest.is_empty() {
                return Err(unclosed());
            }
            found.push((name, None));
            continue;
        };
        rest = after.trim_ascii_start();
        let quote = rest.chars().next().ok_or_else(unclosed)?;
        let value;
        if quote == '"' || quote == '\'' {
            let end = rest[1..]
                .find(quote)
                .ok_or_else(|| format!("Unclosed start tag at byte offset {begin}"))?;
            value = decode_all(&rest[1..1 + end]);
            rest = &rest[end + 2..];
        } else {
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-')
                .ok_or_else(|| format!("Unclosed start tag at byte offset {begin}"))?;
            value = rest[..end].to_ascii_lowercase();
            if !rest[end..].starts_with(|c: char| c.is_ascii_whitespace() || c == '>') {
                return Err(format!("Unexpected end of name token at byte offset {begin}"));
            }
            rest = &rest[end..];
        }
        found.push((name, Some(value)));
    }
}

fn decode_all(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let (c, taken) = decode_reference(rest).unwrap_or((next, next.len_utf8()));
        decoded.push(c);
        rest = &rest[taken..];
    }
    decoded
}

/// `&lt;`, `&gt;`, `&amp;`, `&quot;` and numbers; anything else stays as it is written.
fn decode_reference(text: &str) -> Option<(char, usize)> {
    let body = text.strip_prefix('&')?;
    let (decoded, length) = if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, prefix) = match number.strip_prefix('x') {
            Some(hex) => (hex, 16, 2),
            None => (number, 10, 1),
        };
        let n = digits
            .bytes()
            .take_while(|b| (*b as char).is_digit(radix))
            .count();
        let code = u32::from_str_radix(&digits[..n], radix)
            .ok()
            .filter(|&c| c != 0)?;
        (char::from_u32(code)?, prefix + n)
    } else {
        let n = body.bytes().take_while(u8::is_ascii_alphabetic).count();
        let decoded = match &body[..n] {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            _ => return None,
        };
        (decoded, n)
    };
    let end = 1 + length;
    Some((decoded, end + usize::from(text[end..].starts_with(';'))))
}

pub(crate) enum Target {
    User(i64),
    Url(String),
}

/// Where a link leads, if anywhere.
pub(crate) fn link_target(url: &str) -> Option<Target> {
    if let Some(id) = url.strip_prefix("tg://user?id=") {
        return id.parse().ok().map(Target::User);
    }
    let known = ["http://", "https://", "tg://", "ton://", "tonsite://"]
        .iter()
        .any(|s| url.starts_with(s));
    if known {
        return Some(Target::Url(url.to_owned()));
    }
    let host = url.split(['/', '?', '#']).next().unwrap_or_default();
    let plausible = host.contains('.') && !host.contains(char::is_whitespace) && utf16_len(host) > 3;
    (plausible && !url.contains("://")).then(|| Target::Url(format!("http://{url}")))
}
