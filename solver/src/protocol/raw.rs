//! JSON as programs really print it: bare NaN and Infinity, nested lists of numbers gathered into one
//! flat array as they are read, and everything that is no number remembered by what it is.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// One JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    /// Nested lists of numbers, row-major.
    Array {
        shape: Vec<usize>,
        data: Vec<f64>,
    },
    Texts(Vec<String>),
    /// A list that is no array of numbers, and why.
    BadList(String),
    Map(Vec<(String, Raw)>),
}

impl Raw {
    /// What it is, for people.
    pub fn kind(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Flag(flag) => format!("the boolean {flag}"),
            Self::Number(number) => format!("the number {}", kymo_runlog::shown_number(*number)),
            Self::Text(text) => format!("the text {}", kymo_runlog::shown(text)),
            Self::Array { shape, .. } => format!("an array of {}", shape_text(shape)),
            Self::Texts(texts) => {
                format!(
                    "a list of texts ({})",
                    kymo_runlog::shown(texts.first().map_or("", |text| text))
                )
            }
            Self::BadList(why) => format!("a list that {why}"),
            Self::Map(_) => "an object".to_owned(),
        }
    }
}

/// `3 x 4`.
pub(super) fn shape_text(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" x ")
}

/// The number that a text stands for in a record.
pub(super) fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// What Python, C and others print for numbers that JSON does not have.
const BARE: [(&str, &str); 8] = [
    ("-Infinity", "\"-Infinity\""),
    ("Infinity", "\"Infinity\""),
    ("-inf", "\"-Infinity\""),
    ("inf", "\"Infinity\""),
    ("-nan", "\"NaN\""),
    ("-NaN", "\"NaN\""),
    ("NaN", "\"NaN\""),
    ("nan", "\"NaN\""),
];

/// Puts bare NaN and Infinity into quotes. What stands inside of texts stays.
pub(super) fn quote_specials(line: &str) -> Cow<'_, str> {
    let mut quoted = String::new();
    let (mut copied, mut at, mut in_text) = (0, 0, false);
    let bytes = line.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_text => at += 2,
            b'"' => {
                in_text = !in_text;
                at += 1;
            }
            b'N' | b'n' | b'I' | b'i' | b'-' if !in_text => {
                match BARE
                    .iter()
                    .find(|(bare, _)| bytes[at..].starts_with(bare.as_bytes()))
                {
                    Some((bare, spelling)) => {
                        quoted.push_str(&line[copied..at]);
                        quoted.push_str(spelling);
                        at += bare.len();
                        copied = at;
                    }
                    None => at += 1,
                }
            }
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(line);
    }
    quoted.push_str(&line[copied..]);
    Cow::Owned(quoted)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Raw, E> {
        Ok(Raw::Flag(flag))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Raw, E> {
        Ok(Raw::Number(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Raw, E> {
        Ok(Raw::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Raw, E> {
        Ok(Raw::Number(number as f64))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut list = Gathered::default();
        while list.bad.is_none() {
            match seq.next_element()? {
                Some(item) => list.push(item),
                None => return Ok(list.finish()),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(list.finish())
    }
}

/// A list while it is read.
#[derive(Default)]
struct Gathered {
    count: usize,
    data: Vec<f64>,
    texts: Vec<String>,
    /// The shape that every row must have; `None` while there are only numbers.
    row: Option<Vec<usize>>,
    bad: Option<String>,
}

impl Gathered {
    fn push(&mut self, item: Raw) {
        let first = self.count == 0;
        self.count += 1;
        let number = match &item {
            Raw::Number(number) => Some(*number),
            Raw::Text(text) => special(text),
            _ => None,
        };
        match item {
            _ if number.is_some() && self.row.is_none() && self.texts.is_empty() => self.data.extend(number),
            Raw::Array { shape, data } if first || self.row.as_ref() == Some(&shape) => {
                self.row = Some(shape);
                self.data.extend(data);
            }
            Raw::Array { .. } | Raw::Number(_) if self.texts.is_empty() => {
                self.bad = Some(match (&self.row, &item) {
                    (Some(row), Raw::Array { shape, .. }) => {
                        let (one, other) = (shape_text(row), shape_text(shape));
                        format!(
                            "is ragged: its first row has {one} numbers and row {} has {other}",
                            self.count
                        )
                    }
                    _ => "mixes numbers and lists".to_owned(),
                });
            }
            Raw::Text(text) if self.data.is_empty() && self.row.is_none() => self.texts.push(text),
            Raw::BadList(why) => self.bad = Some(why),
            other => self.bad = Some(format!("holds {}", other.kind())),
        }
    }

    fn finish(self) -> Raw {
        match self {
            Self { bad: Some(why), .. } => Raw::BadList(why),
            Self { texts, .. } if !texts.is_empty() => Raw::Texts(texts),
            Self { count, row, data, .. } => {
                let shape = std::iter::once(count).chain(row.unwrap_or_default()).collect();
                Raw::Array { shape, data }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Raw {
        serde_json::from_str(&quote_specials(json)).unwrap()
    }

    #[test]
    fn nested_lists_become_one_array() {
        let data = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(
            read("[[1,2],[3,4],[5,6]]"),
            Raw::Array {
                shape: vec![3, 2],
                data: data.clone()
            }
        );
        assert_eq!(
            read("[[[1,2,3]],[[4,5,6]]]"),
            Raw::Array {
                shape: vec![2, 1, 3],
                data
            }
        );
        assert_eq!(
            read("[]"),
            Raw::Array {
                shape: vec![0],
                data: vec![]
            }
        );
        assert_eq!(
            read(r#"["t","x"]"#),
            Raw::Texts(vec!["t".to_owned(), "x".to_owned()])
        );
    }

    #[test]
    fn what_is_no_array_says_why() {
        for (json, why) in [
            (
                "[[1,2],[3]]",
                "is ragged: its first row has 2 numbers and row 2 has 1",
            ),
            ("[1,[2]]", "mixes numbers and lists"),
            ("[[1],2]", "mixes numbers and lists"),
            ("[1,null]", "holds null"),
            ("[true]", "holds the boolean true"),
            (r#"[1,"0.3"]"#, "holds the text \"0.3\""),
            (r#"[[1],["0.3"]]"#, "holds a list of texts (\"0.3\")"),
            ("[[1,null],[2,3]]", "holds null"),
        ] {
            assert_eq!(read(json), Raw::BadList(why.to_owned()), "{json}");
        }
    }

    #[test]
    fn bare_specials_are_numbers_and_texts_stay_texts() {
        let Raw::Array { data, .. } = read("[NaN,Infinity,-Infinity,nan,inf,-inf,-nan,\"NaN\",-1]") else {
            panic!("no array")
        };
        assert_eq!(
            format!("{data:?}"),
            "[NaN, inf, -inf, NaN, inf, -inf, NaN, NaN, -1.0]"
        );
        for untouched in [
            r#"{"a":"NaN, \" Infinity"}"#,
            r#"{"inf":1}"#,
            "{\"a\":null}",
            "{\"a\":\"\\",
        ] {
            assert!(
                matches!(quote_specials(untouched), Cow::Borrowed(_)),
                "{untouched}"
            );
        }
        assert_eq!(quote_specials("{\"é\":NaN}"), "{\"é\":\"NaN\"}");
    }
}
