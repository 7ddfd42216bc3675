//! Numbers as people read them: as many digits as mean something, exponents as superscripts.

/// `v` times ten to the power `e`, correctly rounded: through decimal text, where a power of ten is exact.
pub fn times_ten(v: f64, e: i32) -> f64 {
    let text = format!("{v:e}");
    let Some((mantissa, own)) = text.split_once('e') else {
        return v;
    };
    let exponent = own.parse::<i32>().unwrap_or(0).saturating_add(e);
    format!("{mantissa}e{exponent}").parse().unwrap_or(v)
}

/// The decimal exponent of a number's first digit; 0 for zero.
pub fn exponent(v: f64) -> i32 {
    if v == 0.0 || !v.is_finite() {
        return 0;
    }
    // Formatting rounds correctly where a logarithm would be off by one at powers of ten.
    let text = format!("{v:e}");
    text.split_once('e')
        .and_then(|(_, e)| e.parse().ok())
        .unwrap_or(0)
}

/// A number for people: digits down to `resolution`, at most seven; 0 means what f64 holds, up to six.
pub fn number(v: f64, resolution: f64) -> String {
    if v.is_nan() {
        return "NaN".to_owned();
    }
    if v.is_infinite() {
        return if v > 0.0 {
            "∞".to_owned()
        } else {
            "−∞".to_owned()
        };
    }
    let finest = exponent(v).saturating_sub(5);
    let last = if resolution > 0.0 {
        exponent(resolution).max(finest - 1)
    } else {
        finest
    };
    let rounded = round_to(v, last);
    let first = exponent(rounded);
    if rounded == 0.0 {
        return "0".to_owned();
    }
    let text = if (-4..7).contains(&first) {
        let text = format!("{rounded:.*}", usize::try_from(-last).unwrap_or(0));
        if resolution > 0.0 { text } else { trim(&text) }
    } else {
        let digits = usize::try_from(first - last).unwrap_or(0);
        let mantissa = format!("{:.*}", digits, times_ten(rounded, -first));
        format!("{}×10{}", trim(&mantissa), superscript(first))
    };
    with_minus(&text)
}

/// A number with a sign in front, for changes.
pub fn signed(v: f64, resolution: f64) -> String {
    let text = number(v, resolution);
    if v > 0.0 && text != "0" {
        format!("+{text}")
    } else {
        text
    }
}

/// A count with thin groups of thousands: `1 000 000`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    if digits.len() <= 4 {
        return digits;
    }
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

/// `decimals` digits after the point, with a real minus sign and no minus before zero.
pub fn fixed(v: f64, decimals: usize) -> String {
    let text = format!("{v:.decimals$}");
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| matches!(c, '0' | '.')) => zero.to_owned(),
        _ => with_minus(&text),
    }
}

pub fn superscript(e: i32) -> String {
    e.to_string()
        .chars()
        .map(|c| match c.to_digit(10) {
            Some(digit) => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize],
            None => '⁻',
        })
        .collect()
}

fn with_minus(text: &str) -> String {
    text.replace('-', "−")
}

fn trim(text: &str) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

/// Rounded to the decimal place `last`.
fn round_to(v: f64, last: i32) -> f64 {
    let digits = usize::try_from(exponent(v).saturating_sub(last)).unwrap_or(0);
    if exponent(v) < last {
        return times_ten(times_ten(v, -last).round(), last);
    }
    format!("{v:.digits$e}").parse().unwrap_or(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_read_well() {
        for (v, resolution, text) in [
            (0.0, 0.0, "0"),
            (-0.0, 0.001, "0"),
            (0.0642137, 0.0001, "0.0642"),
            (-0.06, 0.0001, "−0.0600"),
            (3.0, 0.0, "3"),
            (1.0 / 3.0, 0.0, "0.333333"),
            (123_456.789, 0.0, "123457"),
            (1234.5, 1.0, "1234"),
            (1e-300, 0.0, "1×10⁻³⁰⁰"),
            (-1.2345e300, 1e297, "−1.234×10³⁰⁰"),
            (12_345_678.0, 0.0, "1.23457×10⁷"),
            (0.00001, 0.0, "1×10⁻⁵"),
            (999_999.96, 0.1, "1000000.0"),
            (0.99999, 0.001, "1.000"),
            (f64::NAN, 0.0, "NaN"),
            (f64::NEG_INFINITY, 0.0, "−∞"),
            (5e-324, 0.0, "5×10⁻³²⁴"),
            (1e-9, 0.01, "0"),
        ] {
            assert_eq!(number(v, resolution), text, "{v} at {resolution}");
        }
        assert_eq!(signed(0.25, 0.01), "+0.25");
        assert_eq!(signed(-0.25, 0.01), "−0.25");
        assert_eq!(count(999), "999");
        assert_eq!(count(10_001), "10\u{a0}001");
        assert_eq!(count(1_000_000), "1\u{a0}000\u{a0}000");
        assert_eq!(fixed(-0.0001, 2), "0.00");
        assert_eq!(fixed(-0.25, 2), "−0.25");
    }

    proptest! {
        #[test]
        fn any_number_is_short(v in any::<f64>(), resolution in any::<f64>()) {
            let text = number(v, resolution.abs());
            prop_assert!(!text.is_empty() && text.chars().count() <= 16, "{}", text);
        }
    }
}
