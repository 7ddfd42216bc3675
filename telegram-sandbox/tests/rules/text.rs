//! HTML and MarkdownV2 become entities, or are refused in Telegram's words.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::kit::Kit;

fn entity(value: &Value) -> String {
    let extra = ["url", "language"]
        .iter()
        .find_map(|f| value[*f].as_str())
        .unwrap_or("");
    format!(
        "{}@{}+{}{extra}",
        value["type"].as_str().unwrap(),
        value["offset"],
        value["length"]
    )
}

async fn parsed(kit: &Kit, chat: i64, mode: &str, source: &str) -> (String, Vec<String>) {
    let sent = kit
        .ok(
            "sendMessage",
            json!({ "chat_id": chat, "text": source, "parse_mode": mode }),
        )
        .await;
    let entities = sent["entities"]
        .as_array()
        .map(|e| e.iter().map(entity).collect())
        .unwrap_or_default();
    (sent["text"].as_str().unwrap().to_owned(), entities)
}

#[tokio::test]
async fn html_becomes_entities() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (source, text, entities) in [
        (
            "<b>a</b> <i>b</i> <u>c</u> <s>d</s>",
            "a b c d",
            vec!["bold@0+1", "italic@2+1", "underline@4+1", "strikethrough@6+1"],
        ),
        (
            "😀<strong>a<em>b</em></strong>",
            "😀ab",
            vec!["bold@2+2", "italic@3+1"],
        ),
        (
            "1 &lt; 2 &amp;&amp; 3 &#62; &#x32; &nbsp;",
            "1 < 2 && 3 > 2 &nbsp;",
            vec![],
        ),
        (
            "<a href=\"https://a.org/?x=1&amp;y=2\">x</a>",
            "x",
            vec!["text_link@0+1https://a.org/?x=1&y=2"],
        ),
        ("<a href=\"nowhere\">x</a>", "x", vec![]),
        (
            "<pre><code class=\"language-rust\">fn</code></pre>",
            "fn",
            vec!["pre@0+2rust"],
        ),
        (
            "<code>/run</code> /run",
            "/run /run",
            vec!["code@0+4", "bot_command@5+4"],
        ),
        (
            "<blockquote expandable>q</blockquote>",
            "q",
            vec!["expandable_blockquote@0+1"],
        ),
        (
            "<tg-spoiler>s</tg-spoiler><span class=\"tg-spoiler\">t</span>",
            "st",
            vec!["spoiler@0+1", "spoiler@1+1"],
        ),
        ("  <b> a </b> ", "a", vec!["bold@0+1"]),
        (
            "see https://a.org/x, @grace_h #airy a@b.org",
            "see https://a.org/x, @grace_h #airy a@b.org",
            vec!["url@4+15", "mention@21+8", "hashtag@30+5", "email@36+7"],
        ),
    ] {
        assert_eq!(
            parsed(&kit, ada, "HTML", source).await,
            (
                text.to_owned(),
                entities.into_iter().map(str::to_owned).collect::<Vec<_>>()
            ),
            "{source}"
        );
    }
}

#[tokio::test]
async fn markdown_v2_becomes_entities() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (source, text, entities) in [
        (
            "*a* _b_ __c__ ~d~ ||e||",
            "a b c d e",
            vec![
                "bold@0+1",
                "italic@2+1",
                "underline@4+1",
                "strikethrough@6+1",
                "spoiler@8+1",
            ],
        ),
        (r"1\.5 \- 2\!", "1.5 - 2!", vec![]),
        ("`a.b-c`", "a.b-c", vec!["code@0+5"]),
        ("```rust\nfn a() {}\n```", "fn a() {}", vec!["pre@0+9rust"]),
        (
            r"[x](https://a.org/\)y)",
            "x",
            vec!["text_link@0+1https://a.org/)y"],
        ),
        ("*a _b_*", "a b", vec!["bold@0+3", "italic@2+1"]),
        (">q\n>r\nz", "q\nr\nz", vec!["blockquote@0+4"]),
        (">q||", "q", vec!["expandable_blockquote@0+1"]),
    ] {
        assert_eq!(
            parsed(&kit, ada, "MarkdownV2", source).await,
            (
                text.to_owned(),
                entities.into_iter().map(str::to_owned).collect::<Vec<_>>()
            ),
            "{source}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_parsed_is_refused_in_telegrams_words() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    for (mode, source, reason) in [
        (
            "HTML",
            "a <b>b",
            "Can't find end tag corresponding to start tag \"b\"",
        ),
        (
            "HTML",
            "a <x>b</x>",
            "Unsupported start tag \"x\" at byte offset 2",
        ),
        ("HTML", "1 < 2", "Unsupported start tag \"\" at byte offset 2"),
        (
            "HTML",
            "<b>a</i>",
            "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\"",
        ),
        ("HTML", "a</b>", "Unexpected end tag at byte offset 1"),
        ("HTML", "<b", "Unclosed start tag at byte offset 0"),
        ("HTML", "<b>a</b", "Unclosed end tag at byte offset 4"),
        (
            "HTML",
            "<span>a</span>",
            "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0",
        ),
        (
            "MarkdownV2",
            "1.5",
            "Character '.' is reserved and must be escaped with the preceding '\\'",
        ),
        (
            "MarkdownV2",
            "a-b",
            "Character '-' is reserved and must be escaped with the preceding '\\'",
        ),
        (
            "MarkdownV2",
            "a *b",
            "Can't find end of Bold entity at byte offset 2",
        ),
        (
            "MarkdownV2",
            "`b",
            "Can't find end of Code entity at byte offset 0",
        ),
        ("MarkdownV2", "[a](b", "Can't find end of a URL at byte offset 4"),
    ] {
        let said = kit
            .refused(
                "sendMessage",
                json!({ "chat_id": ada, "text": source, "parse_mode": mode }),
            )
            .await;
        assert_eq!(
            said,
            format!("Bad Request: can't parse entities: {reason}"),
            "{source}"
        );
    }
}

#[tokio::test]
async fn ready_entities_must_lie_in_the_text() {
    let kit = Kit::new().await;
    let ada = kit.friend("Ada").await;
    let with = |entity: Value| json!({ "chat_id": ada, "text": "abc", "entities": [entity] });
    let sent = kit
        .ok(
            "sendMessage",
            with(json!({ "type": "bold", "offset": 1, "length": 2 })),
        )
        .await;
    assert_eq!(entity(&sent["entities"][0]), "bold@1+2");
    for odd in [
        json!({ "type": "bold", "offset": 2, "length": 2 }),
        json!({ "type": "glitter", "offset": 0, "length": 2 }),
        json!({ "type": "text_link", "offset": 0, "length": 2 }),
        json!({ "type": "bold", "offset": 0, "length": 0 }),
    ] {
        assert!(
            kit.refused("sendMessage", with(odd))
                .await
                .starts_with("Bad Request: can't parse entities: ")
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a bot sends, the sandbox answers; and escaped text arrives as it was.
    #[test]
    fn any_text_is_answered(source in "[ -~é😀\n]{1,60}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let kit = Kit::new().await;
            let ada = kit.friend("Ada").await;
            for mode in ["HTML", "MarkdownV2"] {
                // Refused or not: an answer in JSON is all that is asked here.
                let _ = kit.call("sendMessage", json!({ "chat_id": ada, "text": source, "parse_mode": mode })).await;
            }
            let escaped = source.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let sent = kit.call("sendMessage", json!({ "chat_id": ada, "text": escaped, "parse_mode": "HTML" })).await;
            match sent {
                Ok(message) => assert_eq!(message["text"], source.trim()),
                Err(refusal) => assert!(source.trim().is_empty(), "{refusal:?}"),
            }
        });
    }
}
