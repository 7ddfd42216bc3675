//! Telegram's HTML, and what counts as its length.

/// Text from outside, so that it stands in Telegram's HTML as it is.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// How long Telegram finds a text (before it was escaped): it counts UTF-16 units.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// At most `limit` units of a text (before it is escaped), with an ellipsis where it was cut.
pub fn cut(text: &str, limit: usize) -> String {
    if length(text) <= limit {
        return text.to_owned();
    }
    let mut left = limit.saturating_sub(1);
    let mut kept = String::new();
    for c in text.chars() {
        if c.len_utf16() > left {
            break;
        }
        left -= c.len_utf16();
        kept.push(c);
    }
    if limit > 0 {
        kept.push('…');
    }
    kept
}

/// Without what a screen cannot show or what would turn the text around: control characters
/// become `·`, terminal colours and direction overrides go.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\u{1b}' if chars.peek() == Some(&'[') => {
                for c in chars.by_ref().skip(1) {
                    if c.is_ascii_alphabetic() {
                        break;
                    }
                }
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\r' => {}
            c if c.is_control() => shown.push('·'),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_telegram_would_read_as_markup_is_escaped() {
        assert_eq!(escape("<b>a & b</b>"), "&lt;b&gt;a &amp; b&lt;/b&gt;");
    }

    #[test]
    fn a_cut_counts_as_telegram_does_and_splits_no_character() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("🦀🦀🦀", 4), "🦀…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn what_a_screen_cannot_show_is_taken_out() {
        assert_eq!(
            printable("\u{1b}[31mred\u{1b}[0m \u{7}bell \u{202e}turned"),
            "red ·bell turned"
        );
    }
}
