//! Exports that are not whole, not ours, or not what they were: each is an error that names the place, and no message
//! comes out of a file that did not go in.

use std::sync::Arc;

use kymo_runlog::moving::{IfThere, Source, export, import};
use kymo_runlog::{Log, LogConfig, Message, Position, Topic, open};
use proptest::prelude::*;

async fn log() -> (Arc<dyn Log>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(&LogConfig::embedded(folder.path())).await.expect("open");
    (log, folder)
}

async fn file_of(messages: Vec<Message>) -> Vec<u8> {
    let (log, _folder) = log().await;
    let topic = Topic::parse("airy-h.0.02").expect("a name");
    log.create(&topic).await.expect("create");
    log.append(&topic, messages).await.expect("append");
    let mut file = Vec::new();
    export(&*log, &topic, &mut file).await.expect("export");
    file
}

fn three() -> Vec<Message> {
    let message = |number: u8| Message {
        key: Some(vec![number]),
        headers: vec![("kymo-kind".to_owned(), b"record".to_vec())],
        payload: format!("{{\"iteration\":{number}}}").into_bytes(),
    };
    (1..=3).map(message).collect()
}

/// What comes out, up to the first damage.
fn read(file: &[u8]) -> (Vec<Message>, Option<String>) {
    let mut messages = Vec::new();
    let mut source = match Source::open(file) {
        Ok(source) => source,
        Err(damage) => return (messages, Some(damage.to_string())),
    };
    loop {
        match source.read() {
            Ok(Some(stored)) => messages.push(stored.message),
            Ok(None) => return (messages, None),
            Err(damage) => return (messages, Some(damage.to_string())),
        }
    }
}

#[tokio::test]
async fn an_export_is_text_that_people_and_jq_can_read() {
    let file = String::from_utf8(file_of(three()).await).expect("UTF-8");
    let lines: Vec<serde_json::Value> = file
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines[0]["kymo-export"], 1);
    assert_eq!(lines[0]["topic"], "airy-h.0.02");
    assert_eq!(lines[2]["payload"], "{\"iteration\":2}");
    assert_eq!(lines[2]["headers"][0][1], "record");
    assert_eq!(lines[2]["key"]["hex"], "02");
    assert_eq!(lines[4]["messages"], 3);
}

/// The page is what a program in another language is written from.
#[test]
fn the_three_lines_of_the_guide_are_a_whole_export() {
    let page = include_str!("../../docs/moving.md");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("{\"")).collect();
    let (messages, damage) = read((lines.join("\n") + "\n").as_bytes());
    assert_eq!(damage, None);
    assert_eq!(messages[0].payload, b"{\"iteration\":3,\"values\":{}}");
    assert_eq!(messages[0].header("kymo-kind"), Some("record"));
}

#[tokio::test]
async fn a_file_that_is_none_of_ours_is_told_so_with_its_remedy() {
    let file = file_of(three()).await;
    let text = String::from_utf8(file.clone()).expect("UTF-8");
    let newer = text.replacen("\"kymo-export\":1", "\"kymo-export\":9", 1);
    let changed = text.replacen("iteration\\\":2", "iteration\\\":7", 1);
    let without_a_line: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("iteration\\\":2"))
        .collect();
    let without_a_line = without_a_line.join("\n") + "\n";
    let twice = text.clone() + &text;
    let told: Vec<String> = [
        b"".as_slice(),
        b"hello\n",
        b"\x1f\x8b\x08\x00",
        newer.as_bytes(),
        changed.as_bytes(),
        without_a_line.as_bytes(),
        twice.as_bytes(),
        &file[..file.len() - 1],
        &file[..text.rfind("{\"messages\"").expect("a last line")],
    ]
    .into_iter()
    .map(|file| read(file).1.expect("damaged"))
    .collect();
    let sums = without_digests(&told.join("\n"));
    insta::assert_snapshot!(sums, @r"
line 1: it is empty; an export has a header at least
line 1: it is no export of kymo, whose first line tells version and topic; make one with `kymo export`
line 1: it is compressed; unpack it on the way: `gunzip -c FILE | kymo import -`
line 1: it has version 9, this kymo knows 1; use the kymo that wrote it, or a newer one
line 3, behind the message at position 0: its checksum says ce2ba1ea, its content b35c55af; the file is damaged: export the topic again
line 4, behind the message at position 2: it says 3 messages, 93 bytes, sha256 DIGEST but before it stand 2 messages, 62 bytes, sha256 DIGEST lines are missing or changed; export the topic again
line 5, behind the message at position 2: more follows behind the line that closes the export; import one export at a time
line 5, behind the message at position 2: it is cut off in the middle; export the topic again
line 4, behind the message at position 2: it ends here, without the line that closes an export: it was cut off; export the topic again
");
}

/// Without digests, which are long and tell people nothing.
fn without_digests(text: &str) -> String {
    let word = |word: &str| match word.len() {
        64 | 65 => "DIGEST".to_owned(),
        _ => word.to_owned(),
    };
    text.lines()
        .map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn a_file_cut_anywhere_is_never_taken_for_whole() {
    let file = file_of(three()).await;
    for length in 0..file.len() {
        let (messages, damage) = read(&file[..length]);
        assert!(three().starts_with(&messages), "cut at {length}");
        assert!(damage.is_some(), "cut at {length}");
    }
    assert_eq!(read(&file), (three(), None));
}

#[tokio::test]
async fn a_damaged_import_says_what_is_there_and_changes_no_other_topic() {
    let (log, _folder) = log().await;
    let (topic, other) = (
        Topic::parse("copy").expect("a name"),
        Topic::parse("other").expect("a name"),
    );
    log.create(&other).await.expect("create");
    let file = file_of(three()).await;
    let cut = &file[..file.len() / 2];
    let mut source = Source::open(cut).expect("a header");
    let error = import(&*log, &topic, &mut source, IfThere::Refuse)
        .await
        .expect_err("cut off");
    assert!(error.to_string().contains("cut off"), "{error}");
    assert_eq!(log.end(&other).await.expect("end"), Position::START);
}

proptest! {
    /// Whatever happens to one byte of a file: no message comes out that did not go in.
    #[test]
    fn a_changed_byte_changes_no_message(place in 0.0..1.0_f64, byte in any::<u8>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        static FILE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let mut file = FILE.get_or_init(|| runtime.block_on(file_of(three()))).clone();
        let place = (place * file.len() as f64) as usize;
        file[place] = byte;
        let (messages, damage) = read(&file);
        prop_assert!(three().starts_with(&messages), "{:?}", messages);
        prop_assert!(damage.is_some() || messages == three());
    }

    /// Anything at all is an error, and no panic.
    #[test]
    fn anything_may_be_handed_in(bytes in proptest::collection::vec(any::<u8>(), 0..300), lines in proptest::collection::vec(".{0,80}", 0..5)) {
        prop_assert!(read(&bytes).1.is_some());
        let header = "{\"kymo-export\":1,\"topic\":\"a\",\"log\":\"\",\"at\":\"2026-01-01T00:00:00Z\"}\n";
        let file = header.to_owned() + &lines.join("\n");
        let (messages, damage) = read(file.as_bytes());
        prop_assert!(messages.is_empty() && damage.is_some());
    }
}
