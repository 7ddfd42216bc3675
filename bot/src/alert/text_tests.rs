//! Alerts as people read them.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

fn crash() -> Alert {
    Alert {
        id: uuid::Uuid::nil(),
        key: "airy 1".into(),
        topic: None,
        state: AlertState::Open,
        severity: Severity::Critical,
        title: "airy crashed: killed by signal 11 (SIGSEGV)".into(),
        text: "Saved up to iteration 12 of 101. It starts again in 8 s.".into(),
        last_lines: vec!["step 1".into(), "\u{1b}[31merror\u{1b}[0m: a < b && c > d".into()],
        at: "2026-11-22T12:00:00Z".parse().expect("a time"),
        host: "lab-pc".into(),
    }
}

#[test]
fn a_crash() {
    assert_snapshot!(alert_html(&crash(), None), @r"
    🔴 <b>airy crashed: killed by signal 11 (SIGSEGV)</b>
    <i>lab-pc · 2026-11-22 12:00:00 UTC</i>
    Saved up to iteration 12 of 101. It starts again in 8 s.
    <pre>step 1
    error: a &lt; b &amp;&amp; c &gt; d</pre>
    ");
}

#[test]
fn a_crash_that_is_over_still_says_what_it_was() {
    let over = Alert {
        state: AlertState::Resolved,
        title: "airy goes on from iteration 13".into(),
        text: String::new(),
        last_lines: Vec::new(),
        ..crash()
    };
    assert_snapshot!(alert_html(&over, Some(&crash())), @r"
    ✅ <b>airy goes on from iteration 13</b>
    <s>airy crashed: killed by signal 11 (SIGSEGV)</s>
    <i>lab-pc · 2026-11-22 12:00:00 UTC</i>
    ");
}

#[test]
fn news_without_trouble_is_plain() {
    let news = Alert {
        severity: Severity::Info,
        state: AlertState::Resolved,
        title: "airy finished".into(),
        text: "101 iterations.".into(),
        last_lines: Vec::new(),
        ..crash()
    };
    assert_snapshot!(alert_html(&news, None), @r"
    <b>airy finished</b>
    <i>lab-pc · 2026-11-22 12:00:00 UTC</i>
    101 iterations.
    ");
}

#[test]
fn of_many_lines_the_last_ones_are_kept() {
    let lines = (1..=1000).map(|i| format!("line {i}")).collect();
    let html = alert_html(
        &Alert {
            last_lines: lines,
            ..crash()
        },
        None,
    );
    assert!(html.ends_with("line 999\nline 1000</pre>"), "{html}");
    assert!(!html.contains("line 1\n"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn an_alert_always_fits(
        title in "\\PC{0,3000}", text in "\\PC{0,5000}", host in "\\PC{0,300}",
        lines in prop::collection::vec("[\\PC\\t\\x00-\\x1f]{0,900}", 0..60),
    ) {
        let alert = Alert { title: title.clone(), text, host, last_lines: lines, state: AlertState::Resolved, ..crash() };
        let html = alert_html(&alert, Some(&Alert { title, ..crash() }));
        let mut plain = html;
        for tag in ["b", "i", "s", "pre"] {
            plain = plain.replace(&format!("<{tag}>"), "").replace(&format!("</{tag}>"), "");
        }
        prop_assert!(!plain.contains('<') && !plain.contains('>'));
        let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        prop_assert!(html::length(&plain) <= 4096, "{}", html::length(&plain));
    }
}
