//! The MarkdownV2 parse mode: every reserved character means something or is escaped.

use super::html::{Target, link_target};
use super::{Entity, Formatted, utf16_len};

const RESERVED: &str = "_*[]()~`>#+-=|{}.!\n";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mark {
    Bold,
    Italic,
    Underline,
    Strikethrough,
    Spoiler,
    Code,
    Pre,
    Link,
    Emoji,
    Quote,
}

impl Mark {
    /// As Telegram names it in its refusals.
    fn name(self) -> &'static str {
        match self {
            Mark::Bold => "Bold",
            Mark::Italic => "Italic",
            Mark::Underline => "Underline",
            Mark::Strikethrough => "Strikethrough",
            Mark::Spoiler => "Spoiler",
            Mark::Code => "Code",
            Mark::Pre => "Pre",
            Mark::Link => "TextUrl",
            Mark::Emoji => "CustomEmoji",
            Mark::Quote => "BlockQuote",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Mark::Bold => "bold",
            Mark::Italic => "italic",
            Mark::Underline => "underline",
            Mark::Strikethrough => "strikethrough",
            Mark::Spoiler => "spoiler",
            Mark::Code => "code",
            Mark::Pre => "pre",
            Mark::Link => "text_link",
            Mark::Emoji => "custom_emoji",
            Mark::Quote => "blockquote",
        }
    }

    /// What ends it; a quote ends with its last line.
    fn end(self) -> &'static str {
        match self {
            Mark::Bold => "*",
            Mark::Italic => "_",
            Mark::Underline => "__",
            Mark::Strikethrough => "~",
            Mark::Spoiler => "||",
            Mark::Code => "`",
            Mark::Pre => "```",
            Mark::Link | Mark::Emoji => "]",
            Mark::Quote => "\n",
        }
    }
}

struct Open {
    mark: Mark,
    at: usize,
    offset: usize,
    text_start: usize,
    language: Option<String>,
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
        line_start: true,
    };
    while let Some(next) = parser.rest().chars().next() {
        parser.step(next)?;
    }
    parser.finish()
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    text: String,
    offset: usize,
    open: Vec<Open>,
    done: Vec<Entity>,
    /// A quote may begin only where a line does.
    line_start: bool,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    fn push(&mut self, next: char) {
        self.text.push(next);
        self.offset += next.len_utf16();
        self.line_start = next == '\n';
    }

    fn step(&mut self, next: char) -> Result<(), String> {
        if next == '\\'
            && let Some(escaped) = self.rest()[1..]
                .chars()
                .next()
                .filter(|c| ('\u{1}'..='\u{7e}').contains(c))
        {
            self.push(escaped);
            self.at += 2;
            return Ok(());
        }
        let inside = self.open.last().map(|o| o.mark);
        let reserved = match inside {
            Some(Mark::Code | Mark::Pre) => next == '`',
            _ => RESERVED.contains(next),
        };
        if !reserved {
            self.push(next);
            self.at += next.len_utf8();
            return Ok(());
        }
        if next == '\n' && self.in_quote() && !self.rest()[1..].starts_with('>') {
            return self.end_quote();
        }
        if let Some(mark) = inside
            && self.ends(mark)
        {
            self.at += mark.end().len();
            return self.close();
        }
        self.begin(next)
    }

    fn in_quote(&self) -> bool {
        self.open.iter().any(|o| o.mark == Mark::Quote)
    }

    fn ends(&self, mark: Mark) -> bool {
        match mark {
            Mark::Italic => self.rest().starts_with('_') && !self.rest().starts_with("__"),
            Mark::Quote => false,
            Mark::Bold
            | Mark::Underline
            | Mark::Strikethrough
            | Mark::Spoiler
            | Mark::Code
            | Mark::Pre
            | Mark::Link
            | Mark::Emoji => self.rest().starts_with(mark.end()),
        }
    }

    fn begin(&mut self, next: char) -> Result<(), String> {
        let rest = self.rest();
        let mark = match next {
            '\n' => {
                self.push('\n');
                self.at += 1;
                return Ok(());
            }
            '>' if self.line_start && self.in_quote() => {
                self.at += 1;
                return Ok(());
            }
            '>' if self.line_start => Mark::Quote,
            '_' if rest.starts_with("__") => Mark::Underline,
            '_' => Mark::Italic,
            '*' => Mark::Bold,
            '~' => Mark::Strikethrough,
            '|' if rest.starts_with("||") => Mark::Spoiler,
            '[' => Mark::Link,
            '!' if rest.starts_with("![") => Mark::Emoji,
            '`' if rest.starts_with("```") => Mark::Pre,
            '`' => Mark::Code,
            other => {
                return Err(format!(
                    "Character '{other}' is reserved and must be escaped with the preceding '\\'"
                ));
            }
        };
        let at = self.at;
        self.at += match mark {
            Mark::Underline | Mark::Spoiler | Mark::Emoji => 2,
            Mark::Pre => 3,
            Mark::Bold | Mark::Italic | Mark::Strikethrough | Mark::Code | Mark::Link | Mark::Quote => 1,
        };
        let language = if mark == Mark::Pre {
            self.take_language()
        } else {
            None
        };
        self.open.push(Open {
            mark,
            at,
            offset: self.offset,
            text_start: self.text.len(),
            language,
        });
        Ok(())
    }

    /// The word after the fence, if a line end or a space follows it; the first line end is dropped.
    fn take_language(&mut self) -> Option<String> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '`')?;
        let language = (end > 0 && !rest[end..].starts_with('`')).then(|| rest[..end].to_owned());
        if language.is_some() {
            self.at += end;
        }
        for line_end in ["\r\n", "\n\r", "\n", "\r"] {
            if self.rest().starts_with(line_end) {
                self.at += line_end.len();
                break;
            }
        }
        language
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let mut entity = Entity::new(open.mark.kind(), open.offset, self.offset - open.offset);
        entity.language = open.language;
        match open.mark {
            Mark::Link => {
                let url = match self.take_url()? {
                    Some(url) => url,
                    None => self.text[open.text_start..].to_owned(),
                };
                match link_target(&url) {
                    Some(Target::User(id)) => {
                        entity.kind = "text_mention".into();
                        entity.user = Some(serde_json::json!({ "id": id }));
                    }
                    Some(Target::Url(url)) => entity.url = Some(url),
                    None => return Ok(()),
                }
            }
            Mark::Emoji => {
                let url = self
                    .take_url()?
                    .ok_or("The entity must contain a tg://emoji or tg://time URL")?;
                let id = url
                    .strip_prefix("tg://emoji?id=")
                    .filter(|id| id.parse::<i64>().is_ok());
                let id = id.ok_or("Invalid tg://emoji or tg://time URL specified")?;
                entity.custom_emoji_id = Some(id.to_owned());
            }
            Mark::Bold
            | Mark::Italic
            | Mark::Underline
            | Mark::Strikethrough
            | Mark::Spoiler
            | Mark::Code
            | Mark::Pre
            | Mark::Quote => {}
        }
        if entity.length > 0 {
            self.done.push(entity);
        }
        Ok(())
    }

    fn take_url(&mut self) -> Result<Option<String>, String> {
        if !self.rest().starts_with('(') {
            return Ok(None);
        }
        self.at += 1;
        let begin = self.at;
        let mut url = String::new();
        let mut chars = self.source[begin..].char_indices();
        while let Some((i, c)) = chars.next() {
            match c {
                ')' => {
                    self.at = begin + i + 1;
                    return Ok(Some(url));
                }
                '\\' => url.extend(chars.next().map(|(_, escaped)| escaped)),
                _ => url.push(c),
            }
        }
        Err(format!("Can't find end of a URL at byte offset {begin}"))
    }

    /// A line that does not go on with `>` ends the quote; `||` before it folds the quote.
    fn end_quote(&mut self) -> Result<(), String> {
        let folded = self
            .open
            .last()
            .is_some_and(|o| o.mark == Mark::Spoiler && o.at + 2 == self.at);
        if folded {
            self.open.pop();
        }
        match self.open.pop() {
            Some(open) if open.mark == Mark::Quote => {
                let ended = self.at < self.source.len();
                if ended {
                    self.push('\n');
                    self.at += 1;
                }
                let kind = if folded {
                    "expandable_blockquote"
                } else {
                    "blockquote"
                };
                let length = self.offset - open.offset;
                if length > 0 {
                    self.done.push(Entity::new(kind, open.offset, length));
                }
                Ok(())
            }
            Some(open) => Err(unclosed(&open)),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Formatted, String> {
        if self.in_quote() {
            self.end_quote()?;
        }
        match self.open.last() {
            Some(open) => Err(unclosed(open)),
            None => {
                debug_assert_eq!(self.offset, utf16_len(&self.text));
                Ok(Formatted {
                    text: self.text,
                    entities: self.done,
                })
            }
        }
    }
}

fn unclosed(open: &Open) -> String {
    let name = if open.language.is_some() {
        "PreCode"
    } else {
        open.mark.name()
    };
    format!("Can't find end of {name} entity at byte offset {}", open.at)
}
