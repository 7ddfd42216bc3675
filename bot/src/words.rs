//! Small pieces of text that several answers share: escaping, cutting, numbers, durations.

use chrono::TimeDelta;

pub use crate::html::escape;

/// Text from outside inside our sentences: short, on one line, escaped, unable to turn them around.
pub fn foreign(text: &str, limit: usize) -> String {
    let harmless = |c: char| match c {
        // Direction overrides and other invisible controls.
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' => None,
        c if c.is_whitespace() => Some(' '),
        c if c.is_control() => Some('\u{FFFD}'),
        c => Some(c),
    };
    let one_line: String = text.chars().filter_map(harmless).collect();
    let cut = cut(one_line.trim(), limit);
    let right_to_left = cut
        .chars()
        .any(|c| matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'));
    // Isolated, right-to-left text leaves the sentence around it as it is.
    if right_to_left {
        format!("\u{2068}{}\u{2069}", escape(&cut))
    } else {
        escape(&cut)
    }
}

/// At most `limit` characters; what was cut is shown by an ellipsis.
pub fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// HTML of ours as plain text, for the audit and for toasts.
pub fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut in_tag = false;
    for c in html.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            '\n' if !in_tag => text.push(' '),
            c if !in_tag => text.push(c),
            _ => {}
        }
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Text from outside as it is, in a typewriter's letters.
pub fn code(text: &str) -> String {
    format!("<code>{}</code>", foreign(text, 80))
}

/// A number as people write it: six sensible digits, no trailing zeros, an exponent only where it helps.
pub fn number(x: f64) -> String {
    if !x.is_finite() {
        return if x.is_nan() {
            "NaN".to_owned()
        } else if x > 0.0 {
            "∞".to_owned()
        } else {
            "−∞".to_owned()
        };
    }
    if x == 0.0 {
        return "0".to_owned();
    }
    let magnitude = x.abs().log10().floor() as i32;
    if (-4..15).contains(&magnitude) {
        let decimals = (5 - magnitude).max(0) as usize;
        let text = format!("{x:.decimals$}");
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        return text.to_owned();
    }
    let text = format!("{x:.5e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    format!("{mantissa}e{exponent}")
}

/// A duration in the two units that matter: `3 s`, `2 min 5 s`, `4 h 10 min`, `3 d 2 h`.
pub fn duration(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let two = |big: i64, big_unit: &str, small: i64, small_unit: &str| match small {
        0 => format!("{big} {big_unit}"),
        _ => format!("{big} {big_unit} {small} {small_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86400, "d", seconds % 86400 / 3600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_sensible_digits() {
        for (x, text) in [
            (4.0, "4"),
            (0.02, "0.02"),
            (0.1 + 0.2, "0.3"),
            (-1.5, "-1.5"),
            (1234567.0, "1234567"),
            (1e21, "1e21"),
            (0.00001234, "1.234e-5"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "−∞"),
            (-0.0, "0"),
        ] {
            assert_eq!(number(x), text);
        }
    }

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (125, "2 min 5 s"),
            (15000, "4 h 10 min"),
            (266400, "3 d 2 h"),
        ] {
            assert_eq!(duration(TimeDelta::seconds(seconds)), text);
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(foreign("<b>&\u{202E}x\u{7}\ny", 80), "&lt;b&gt;&amp;x\u{FFFD} y");
        assert_eq!(foreign("שלום", 80), "\u{2068}שלום\u{2069}");
        assert_eq!(plain("<b>a</b> &lt;b&gt;\nx"), "a <b> x");
        assert_eq!(cut("😀😀😀😀", 3), "😀😀…");
        assert_eq!(code(&"x".repeat(300)).chars().count(), 80 + "<code></code>".len());
    }
}
