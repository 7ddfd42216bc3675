//! Writes a kymo.toml: the documented sample with a few answers filled in.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};

use crate::cli::{Common, Init};
use crate::config::{data_folder, make_folder};
use crate::say::say;

const SAMPLE: &str = include_str!("../../docs/kymo.sample.toml");

pub fn run(common: &Common, args: Init) -> anyhow::Result<()> {
    let path = match args.file {
        Some(path) => path,
        None => data_folder(common)?.join("kymo.toml"),
    };
    if path.exists() && !args.force {
        bail!("{} exists already; --force replaces it", path.display());
    }
    let answers = if args.yes || !io::stdin().is_terminal() {
        Answers::default()
    } else {
        ask(&mut io::stdin().lock(), &mut io::stdout())?
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_folder(folder)?;
    }
    fs::write(&path, fill(SAMPLE, &answers)).with_context(|| format!("cannot write {}", path.display()))?;
    say!("wrote {}", path.display());
    say!("next: put the bot's token where it says (token-file), then try: kymo doctor, kymo up");
    Ok(())
}

/// What a person says; empty means the sample's own value.
#[derive(Default)]
struct Answers {
    token_file: String,
    admin: String,
    brokers: String,
}

fn ask(input: &mut impl BufRead, output: &mut impl Write) -> anyhow::Result<Answers> {
    let mut question = |text: &str| -> anyhow::Result<String> {
        write!(output, "{text}\n> ")?;
        output.flush()?;
        let mut answer = String::new();
        input.read_line(&mut answer)?;
        Ok(answer.trim().to_owned())
    };
    let token_file = question("File with the Telegram token from @BotFather? [telegram.token]")?;
    let admin = loop {
        let answer =
            question("Your Telegram user id? Empty: `kymo up` prints a one-time link for the first admin")?;
        if answer.is_empty() || answer.parse::<i64>().is_ok_and(|id| id > 0) {
            break answer;
        }
        question("A user id is a positive number, as @userinfobot tells it. Enter to try again")?;
    };
    let brokers =
        question("Kafka brokers (host:port,host:port,...)? Empty: the embedded log, no server needed")?;
    Ok(Answers {
        token_file,
        admin,
        brokers,
    })
}

/// The sample with the answers in their places.
fn fill(sample: &str, answers: &Answers) -> String {
    let mut text = without_samples_of_solvers(sample);
    let mut put = |old: &str, new: String| {
        debug_assert!(text.contains(old), "the sample has no line {old:?}");
        text = text.replacen(old, &new, 1);
    };
    if !answers.token_file.is_empty() {
        put(
            "token-file = \"telegram.token\"",
            format!("token-file = {}", quoted(&answers.token_file)),
        );
    }
    if !answers.admin.is_empty() {
        put("admins = []", format!("admins = [{}]", answers.admin));
    }
    if !answers.brokers.is_empty() {
        put("#= [log.kafka]", "[log.kafka]".to_owned());
        put(
            "#= brokers = \"localhost:19092,localhost:29092,localhost:39092\"",
            format!("brokers = {}", quoted(&answers.brokers)),
        );
    }
    text
}

/// A new configuration names no program that is not there: the samples stay as comments.
pub(super) fn without_samples_of_solvers(sample: &str) -> String {
    let Some(at) = sample.find("[[solver]]") else {
        return sample.to_owned();
    };
    let (kept, samples) = sample.split_at(at);
    let comment = |line: &str| match line {
        "" => String::from("\n"),
        line if line.starts_with('#') => format!("{line}\n"),
        line => format!("#= {line}\n"),
    };
    kept.to_owned() + &samples.lines().map(comment).collect::<String>()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_find_their_places() {
        let answers = Answers {
            token_file: "a \"b\".token".into(),
            admin: "42".into(),
            brokers: "k1:9092".into(),
        };
        let table: toml::Table = toml::from_str(&fill(SAMPLE, &answers)).expect("still TOML");
        assert_eq!(table["telegram"]["token-file"].as_str(), Some("a \"b\".token"));
        assert_eq!(table["telegram"]["admins"][0].as_integer(), Some(42));
        assert_eq!(table["log"]["kafka"]["brokers"].as_str(), Some("k1:9092"));
    }

    #[test]
    fn a_wrong_id_is_asked_again() {
        let mut input = "\nmyself\n\n77\n\n".as_bytes();
        let mut output = Vec::new();
        let answers = ask(&mut input, &mut output).expect("reads from memory");
        assert_eq!(answers.admin, "77");
        assert!(String::from_utf8_lossy(&output).contains("positive number"));
    }
}
