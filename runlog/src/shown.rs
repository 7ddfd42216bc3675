//! How foreign text appears inside our sentences: short, on one line, and unable to rearrange them.

/// The longest piece of foreign text that a sentence quotes.
const LONGEST: usize = 40;

/// Quotes `text` for people: cut when long, control characters escaped, right-to-left text isolated so
/// that it cannot turn the rest of the sentence around.
pub fn shown(text: &str) -> String {
    let mut quoted = String::new();
    for c in text.chars().take(LONGEST) {
        if c.is_control() || is_bidi_control(c) {
            quoted.extend(c.escape_unicode());
        } else {
            quoted.push(c);
        }
    }
    if quoted.chars().any(is_right_to_left) {
        quoted = format!("\u{2068}{quoted}\u{2069}");
    }
    match text.chars().count() {
        n if n > LONGEST => format!("\"{quoted}…\" ({n} characters)"),
        _ => format!("\"{quoted}\""),
    }
}

/// A number as a person would write it; `{}` alone prints 1e300 with three hundred digits.
pub fn shown_number(x: f64) -> String {
    match x.abs() {
        a if a == 0.0 || (1e-4..1e15).contains(&a) || !a.is_finite() => format!("{x}"),
        _ => format!("{x:e}"),
    }
}

fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{0590}'..='\u{08ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_in_its_quotes() {
        for (text, expected) in [
            ("eps", "\"eps\""),
            ("a\nb", "\"a\\u{a}b\""),
            ("\u{202e}spe", "\"\\u{202e}spe\""),
            ("🙂", "\"🙂\""),
            ("שלום", "\"\u{2068}שלום\u{2069}\""),
        ] {
            assert_eq!(shown(text), expected);
        }
        let long = shown(&"x".repeat(300));
        assert!(
            long.ends_with("…\" (300 characters)") && long.len() < 80,
            "{long}"
        );
        assert_eq!(shown_number(1e300), "1e300");
        assert_eq!(shown_number(0.02), "0.02");
    }
}
