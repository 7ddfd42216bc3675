//! A solver's state is text in a record. A program may use any JSON; what is no plain text is kept as
//! `json:` and that JSON, and handed back as it came.

use serde_json::value::RawValue;

const PREFIX: &str = "json:";

/// The text that a record keeps for what the program sent.
pub(super) fn to_text(json: &RawValue) -> Option<String> {
    match serde_json::from_str::<Option<String>>(json.get()) {
        Ok(text) => match text {
            // A text that looks like our own spelling must not be taken for it later.
            Some(text) if text.starts_with(PREFIX) => Some(format!("{PREFIX}{}", json.get())),
            text => text,
        },
        Err(_) => Some(format!("{PREFIX}{}", json.get())),
    }
}

/// The JSON that the program gets back.
pub(super) fn to_json(text: &str) -> Box<RawValue> {
    let kept = text
        .strip_prefix(PREFIX)
        .and_then(|json| RawValue::from_string(json.to_owned()).ok());
    kept.unwrap_or_else(|| serde_json::value::to_raw_value(text).expect("a text is always JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_comes_back_as_it_went() {
        for json in [
            r#""plain""#,
            r#""json:1""#,
            r#"{"w":[1,2.50]}"#,
            "17",
            "[]",
            r#""""#,
            "false",
        ] {
            let raw = RawValue::from_string(json.to_owned()).unwrap();
            assert_eq!(to_json(&to_text(&raw).unwrap()).get(), json);
        }
        assert_eq!(to_text(&RawValue::from_string("null".to_owned()).unwrap()), None);
    }
}
