//! A message's text as a command line.

/// A command as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The word after the slash, without `@bot`.
    pub word: String,
    /// It was addressed to us by `@name`.
    pub addressed: bool,
    /// Everything after the command, trimmed.
    pub rest: String,
}

/// What a text is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    Command(Line),
    /// `/cmd@other`: another bot's business.
    NotOurs,
    /// No command at all.
    Plain,
}

/// Parses a message's text; `me` is our username without the `@`.
pub fn parse(text: &str, me: &str) -> Parsed {
    let Some(line) = text.strip_prefix('/') else {
        return Parsed::Plain;
    };
    let (head, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let (word, bot) = match head.split_once('@') {
        Some((word, bot)) => (word, Some(bot)),
        None => (head, None),
    };
    if word.is_empty() || word.len() > 32 || !word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Parsed::Plain;
    }
    if bot.is_some_and(|bot| !bot.eq_ignore_ascii_case(me)) {
        return Parsed::NotOurs;
    }
    Parsed::Command(Line {
        word: word.to_owned(),
        addressed: bot.is_some(),
        rest: rest.trim().to_owned(),
    })
}

/// Splits arguments at white space; double quotes keep it: `note="two words"`.
pub fn arguments(rest: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    let mut begun = false;
    for c in rest.chars() {
        match c {
            // Phones turn straight quotes into curly ones.
            '"' | '“' | '”' => {
                quoted = !quoted;
                begun = true;
            }
            c if c.is_whitespace() && !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                    begun = false;
                }
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ours(word: &str, addressed: bool, rest: &str) -> Parsed {
        Parsed::Command(Line {
            word: word.to_owned(),
            addressed,
            rest: rest.to_owned(),
        })
    }

    #[test]
    fn lines() {
        for (text, parsed) in [
            ("/run airy eps=4", ours("run", false, "airy eps=4")),
            ("/run@KymoBot  airy ", ours("run", true, "airy")),
            ("/RUN@kymobot", ours("RUN", true, "")),
            ("/run\nairy", ours("run", false, "airy")),
            ("/run@other_bot airy", Parsed::NotOurs),
            ("/run@", Parsed::NotOurs),
            ("/", Parsed::Plain),
            ("/ run", Parsed::Plain),
            ("//run", Parsed::Plain),
            ("/rün", Parsed::Plain),
            ("/usr/bin/env", Parsed::Plain),
            (" /run", Parsed::Plain),
            ("run", Parsed::Plain),
            ("", Parsed::Plain),
        ] {
            assert_eq!(parse(text, "KymoBot"), parsed, "{text:?}");
        }
    }

    #[test]
    fn quotes_keep_spaces() {
        assert_eq!(
            arguments(r#" airy  note="two words" x= "" “ab c”"#),
            ["airy", "note=two words", "x=", "", "ab c"]
        );
        assert_eq!(
            arguments(r#"a "b c"#),
            ["a", "b c"],
            "an open quote ends with the text"
        );
        assert!(arguments("  ").is_empty());
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,80}") {
            let _ = (parse(&text, "KymoBot"), parse(&format!("/{text}"), "KymoBot"), arguments(&text));
        }
    }
}
