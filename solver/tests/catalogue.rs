//! The `[[solver]]` tables of kymo.toml.

use std::path::Path;

use kymo_runlog::RunId;
use kymo_solver::catalogue::{Catalogue, Feed, Program, Restart};

fn read(text: &str) -> Result<Catalogue, String> {
    Catalogue::from_toml(text, Path::new("/etc/kymo")).map_err(|error| error.to_string())
}

const TRAIN: &str = r#"
[telegram]
admins = [1]

[[solver]]
name = "train"
help = "Trains"
command = ["python3", "train.py", "--rate={rate}", "{{literal}}"]
directory = "work"
environment = { EPOCHS = "{epochs}" }
patience = 600
restart = "on-failure"
backoff = 5
limit = 3
replay = "state"
view = "loss"
total = "epochs"
cores = 2
memory = "4 GiB"
on = ["gpu"]
step-interval = 30
log-topic = true
log-megabytes = 2

[[solver.parameter]]
name = "rate"
min = 0
max = 1
default = 0.001
unit = "1/step"
help = "Learning rate"

[[solver.parameter]]
name = "epochs"
type = "integer"
min = 1
default = 90
aliases = ["n"]

[[solver]]
name = "md"
command = ["./md"]
pattern = 'step\s+(?<iteration>\d+)\s+energy\s+(?<energy>\S+)'
"#;

#[test]
fn a_table_becomes_an_entry() {
    let catalogue = read(TRAIN).unwrap();
    let names: Vec<String> = catalogue.cards().into_iter().map(|card| card.name).collect();
    assert_eq!(names, ["airy", "heat", "lorenz", "monte-carlo", "train", "md"]);
    let train = catalogue.find("train").unwrap();
    let run = train.card.read(&["rate=0.01", "n=5"]).unwrap();
    let Program::Command(command) = &train.program else {
        panic!("no command")
    };
    assert_eq!(
        command.argv(&run.parameters).unwrap(),
        ["python3", "train.py", "--rate=0.01", "{literal}"]
    );
    assert_eq!(
        command.environment(&run.parameters).unwrap(),
        [("EPOCHS".to_owned(), "5".to_owned())]
    );
    assert_eq!(command.directory.as_deref(), Some(Path::new("/etc/kymo/work")));
    assert_eq!(
        (train.patience, train.replay, train.resumes),
        (Some(600.0), Feed::State, true)
    );
    assert!(matches!(
        train.restart,
        Restart::OnFailure {
            limit: 3,
            backoff: 5.0,
            ..
        }
    ));
    assert_eq!(
        (train.step_interval, train.log_bytes),
        (Some(30.0), Some(2 << 20))
    );
    assert_eq!(train.total(&run.parameters), Some(5));
    assert_eq!(train.card.needs.to_string(), "2 cores, 4 GiB of memory, on gpu");
    let md = catalogue.find("md").unwrap();
    assert_eq!(
        (md.patience, md.replay, md.resumes, md.restart),
        (None, Feed::None, false, Restart::Never)
    );
}

#[test]
fn an_order_is_checked_again() {
    let catalogue = read(TRAIN).unwrap();
    let check = |solver: &str, parameters: &str| {
        let run = RunId {
            solver: solver.to_owned(),
            parameters: serde_json::from_str(parameters).unwrap(),
        };
        catalogue
            .check(&run)
            .map(|entry| entry.card.name.clone())
            .unwrap_or_else(|error| error.to_string())
    };
    insta::assert_snapshot!([
        check("train", r#"{"rate":0.001,"epochs":90}"#),
        check("train", r#"{"rate":0.001}"#),
        check("train", r#"{"rate":0.001,"n":90}"#),
        check("train", r#"{"rate":"$(reboot)","epochs":90}"#),
        check("train", r#"{"rate":2,"epochs":1.5}"#),
        check("trian", "{}"),
        check("\u{202e}rm -rf", "{}"),
    ].join("\n"), @r#"
train
train now has other parameters than when this run was named; start a new run of it
train now has other parameters than when this run was named; start a new run of it
rate=$(reboot) is not a number; write rate=0.001
epochs=1.5 is not a whole number; write e.g. epochs=2
rate=2 is out of range; it must be from 0 to 1 1/step
there is no solver "trian"; did you mean train?
there is no solver "\u{202e}rm -rf"; there are airy, heat, lorenz, monte-carlo, train, md
"#);
}

#[test]
fn broken_tables_are_refused_with_a_remedy() {
    let solver = |fields: &str| format!("[[solver]]\nname = \"a\"\ncommand = [\"a\"]\n{fields}");
    let parameter = |fields: &str| solver(&format!("[[solver.parameter]]\nname = \"p\"\n{fields}"));
    let broken = [
        "[[solver]\n".to_owned(),
        "[[solver]]\nname = \"a\"\n".to_owned(),
        "[[solver]]\nname = \"a\"\ncommand = \"a b\"\n".to_owned(),
        "[[solver]]\nname = \"a\"\ncommand = []\n".to_owned(),
        "[[solver]]\nname = \"a b\"\ncommand = [\"a\"]\n".to_owned(),
        "[[solver]]\nname = \"airy\"\ncommand = [\"a\"]\n".to_owned(),
        solver("colour = \"red\""),
        solver("patience = 0"),
        solver("patience = \"1h\""),
        solver("patience = nan"),
        solver("restart = \"always\""),
        solver("limit = 3"),
        solver("step-interval = 0"),
        solver("log-megabytes = 3"),
        solver("log-topic = true\nlog-megabytes = 0"),
        solver("replay = \"all\""),
        solver("pattern = \"(\""),
        solver("pattern = \"loss\""),
        solver("pattern = 3"),
        solver("view = \"E[x\""),
        solver("total = \"n\""),
        solver("environment = { A = \"{b}\" }"),
        "[[solver]]\nname = \"a\"\ncommand = [\"a\", \"{b\"]\n".to_owned(),
        parameter("type = \"float\""),
        parameter("type = \"choice\""),
        parameter("type = \"text\"\nunit = \"m\""),
        parameter("options = [\"x\"]"),
        parameter("type = \"integer\"\nmin = 0.5"),
        parameter("min = 2\nmax = 1"),
        parameter("min = 2\ndefault = 1"),
        parameter("[[solver.parameter]]\nname = \"p\""),
        solver("[[solver.parameter]]\nname = \"pace\""),
        solver("[[solver.parameter]]\nname = \"ü\""),
        solver("[[solver.parameter]]\nname = \"on\""),
        solver("memory = \"4\""),
        solver("on = [\"two words\"]"),
    ];
    let told = broken
        .iter()
        .map(|text| read(text).map_or_else(|error| error, |_| "fine".to_owned()));
    insta::assert_snapshot!(told.map(|error| error.trim_end().to_owned()).collect::<Vec<_>>().join("\n"), @r#"
TOML parse error at line 1, column 10
  |
1 | [[solver]
  |          ^
unclosed array table, expected `]`
TOML parse error at line 1, column 1
  |
1 | [[solver]]
  | ^^^^^^^^^^
missing field `command`
TOML parse error at line 3, column 11
  |
3 | command = "a b"
  |           ^^^^^
invalid type: string "a b", expected a sequence
line 1: solver "a": command is empty; write the program and its arguments, e.g. ["python3", "train.py"]
line 1: solver "a b": a name is 1 to 40 letters a-z A-Z, digits or hyphens, and does not begin with a hyphen
line 1: solver "airy": there is a solver of this name already; choose another name
TOML parse error at line 4, column 1
  |
4 | colour = "red"
  | ^^^^^^
unknown field `colour`, expected one of `name`, `version`, `help`, `command`, `directory`, `environment`, `patience`, `grace`, `restart`, `limit`, `backoff`, `replay`, `resumes`, `pattern`, `patterns`, `view`, `total`, `cores`, `memory`, `on`, `step-interval`, `step_interval`, `log-topic`, `log_topic`, `log-megabytes`, `log_megabytes`, `parameter`, `parameters`
line 1: solver "a": patience=0 must be a number of seconds above 0
TOML parse error at line 4, column 12
  |
4 | patience = "1h"
  |            ^^^^
invalid type: string "1h", expected f64
line 1: solver "a": patience=NaN must be a number of seconds above 0
TOML parse error at line 4, column 11
  |
4 | restart = "always"
  |           ^^^^^^^^
unknown variant `always`, expected `never` or `on-failure`
line 1: solver "a": limit and backoff need restart = "on-failure"; add it or leave them out
line 1: solver "a": step-interval=0 must be a number of seconds above 0
line 1: solver "a": log-megabytes needs log-topic = true; add it or leave log-megabytes out
line 1: solver "a": log-megabytes=0 must be from 1 to 1024
TOML parse error at line 4, column 10
  |
4 | replay = "all"
  |          ^^^^^
unknown variant `all`, expected one of `none`, `state`, `records`
line 1: solver "a": the pattern "(" is no regular expression: error: unclosed group; see https://docs.rs/regex/latest/regex/#syntax
line 1: solver "a": the pattern "loss" names no value; name a group after it, e.g. loss=(?<loss>\S+)
TOML parse error at line 4, column 11
  |
4 | pattern = 3
  |           ^
expected one regular expression or a list of them
line 1: solver "a": the view "E[x" has an opening bracket without a closing one at its end; write it like `E[x=0.6]`
line 1: solver "a": total = "n" must be a number or the name of an integer parameter
line 1: solver "a": "{b}" asks for {b}, which is no parameter; declare it, or write {{ for a brace
line 1: solver "a": "{b" opens a brace and never closes it; write {{ for a brace
TOML parse error at line 6, column 8
  |
6 | type = "float"
  |        ^^^^^^^
unknown variant `float`, expected one of `real`, `integer`, `choice`, `text`, `flag`
line 1: solver "a": parameter "p": a choice needs options, e.g. options = ["fast", "exact"]
line 1: solver "a": parameter "p": only numbers have min, max and unit; leave them out or change its type
line 1: solver "a": parameter "p": only a choice has options; write type = "choice"
line 1: solver "a": parameter "p": min must be a whole number
line 1: solver "a": parameter "p": min=2 is above max=1; swap them
line 1: solver "a": parameter "p": its default does not fit: p=1 is out of range; it must be 2 or more
line 1: solver "a": the parameter p is declared twice; leave one of them out
line 1: solver "a": parameter "pace": pace slows any solver down and is no parameter; choose another name
line 1: solver "a": parameter "ü": its names must be 1 to 40 letters a-z A-Z, digits, _ or -
line 1: solver "a": parameter "on": on says which hosts may run a solver and is no parameter; choose another name
line 1: solver "a": "4" is no amount of memory; write e.g. 512 MiB or 8 GiB
line 1: solver "a": "two words" is no label; write 1 to 40 letters, digits, hyphens, dots or underscores, e.g. gpu
"#);
}

#[test]
fn the_sample_is_read() {
    let sample = include_str!("../../docs/kymo.sample.toml");
    let catalogue = read(sample).unwrap();
    assert!(catalogue.find("train").is_some());
    // What stands behind #= is shown to people, so it must be right, too.
    let shown = sample.replace("#= ", "");
    assert!(read(&shown).is_ok(), "{:?}", read(&shown));
}

#[test]
fn entries_survive_a_job_file() {
    let catalogue = read(TRAIN).unwrap();
    let json = serde_json::to_string(&catalogue).unwrap();
    assert_eq!(serde_json::from_str::<Catalogue>(&json).unwrap(), catalogue);
}
