//! The command of a catalogued solver. Parameters reach it as JSON on standard input, and wherever the
//! command says `{name}`; each argument stays one argument, and no shell ever sees it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kymo_runlog::{Parameters, Value, shown};
use serde::{Deserialize, Serialize};

/// A command as the catalogue writes it, placeholders and all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CommandLine {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Where it runs; `None`: where the initiator runs.
    #[serde(default)]
    pub directory: Option<PathBuf>,
    /// What is added to the environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
}

/// Why a command cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// `{name}` names no parameter.
    #[error("{} asks for {{{name}}}, which is no parameter; declare it, or write {{{{ for a brace", shown(.text))]
    Unknown { text: String, name: String },
    /// `{` without `}`.
    #[error("{} opens a brace and never closes it; write {{{{ for a brace", shown(.text))]
    Open { text: String },
    /// A text from outside would be read as an option.
    #[error("{name}={} would be read as an option by the program; it must not begin with -", shown(.value).trim_matches('"'))]
    Option { name: String, value: String },
}

impl CommandLine {
    /// The program and its arguments for these parameters.
    pub fn argv(&self, parameters: &Parameters) -> Result<Vec<String>, CommandError> {
        self.argv
            .iter()
            .map(|text| {
                let filled = fill(text, |name| lookup(parameters, name))?;
                match leading_text(text, parameters) {
                    Some((name, value)) if filled.starts_with('-') => Err(CommandError::Option {
                        name: name.to_owned(),
                        value: value.to_owned(),
                    }),
                    _ => Ok(filled),
                }
            })
            .collect()
    }

    /// What is added to the environment for these parameters.
    pub fn environment(&self, parameters: &Parameters) -> Result<Vec<(String, String)>, CommandError> {
        self.environment
            .iter()
            .map(|(name, text)| Ok((name.clone(), fill(text, |name| lookup(parameters, name))?)))
            .collect()
    }

    /// Whether every placeholder names one of these parameters.
    pub(super) fn check(&self, names: &[&str]) -> Result<(), CommandError> {
        for text in self.argv.iter().chain(self.environment.values()) {
            fill(text, |name| names.contains(&name).then(String::new))?;
        }
        Ok(())
    }
}

/// A parameter that was left out is empty; one that cannot exist was refused when the catalogue was read.
fn lookup(parameters: &Parameters, name: &str) -> Option<String> {
    Some(parameters.0.get(name).map(Value::to_string).unwrap_or_default())
}

/// The text parameter that an argument begins with.
fn leading_text<'a>(text: &'a str, parameters: &'a Parameters) -> Option<(&'a str, &'a str)> {
    let name = text.strip_prefix('{')?.split('}').next()?;
    match parameters.0.get(name) {
        Some(Value::Text(value)) => Some((name, value)),
        Some(Value::Number(_) | Value::Flag(_)) | None => None,
    }
}

/// Replaces `{name}`; `{{` and `}}` stand for braces.
fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, CommandError> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let brace = &rest[at..=at];
        filled.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if rest.starts_with(brace) {
            filled.push_str(brace);
            rest = &rest[1..];
        } else if brace == "}" {
            // A lone closing brace cannot be misread.
            filled.push('}');
        } else {
            let (name, after) = rest.split_once('}').ok_or_else(|| CommandError::Open {
                text: text.to_owned(),
            })?;
            let found = value(name);
            filled += &found.ok_or_else(|| CommandError::Unknown {
                text: text.to_owned(),
                name: name.to_owned(),
            })?;
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(argument: &str, parameters: &str) -> Result<String, CommandError> {
        let command = CommandLine {
            argv: vec![argument.to_owned()],
            ..CommandLine::default()
        };
        Ok(command
            .argv(&serde_json::from_str(parameters).unwrap())?
            .remove(0))
    }

    #[test]
    fn values_stay_inside_of_their_argument() {
        let parameters = r#"{"eps":4,"file":"a b; rm -rf $(x) {eps}","on":true,"low":-3}"#;
        for (argument, expected) in [
            ("--eps={eps}", "--eps=4"),
            ("{eps}{on}", "4true"),
            ("{low}", "-3"),
            ("{file}", "a b; rm -rf $(x) {eps}"),
            ("{{eps}} }", "{eps} }"),
            ("awk {{print}}", "awk {print}"),
        ] {
            assert_eq!(argv(argument, parameters).unwrap(), expected, "{argument}");
        }
    }

    #[test]
    fn a_text_cannot_become_an_option() {
        assert!(matches!(
            argv("{file}", r#"{"file":"--help"}"#),
            Err(CommandError::Option { .. })
        ));
        assert_eq!(
            argv("--file={file}", r#"{"file":"--help"}"#).unwrap(),
            "--file=--help"
        );
    }
}
