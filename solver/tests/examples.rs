//! Every example is run as its table in examples/kymo.toml says, killed in thought and resumed.
//! Those whose interpreter not every machine has are left out by a plain `cargo test`, and not by `./test`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kymo_runlog::{Quantity, Record, RunId};
use kymo_solver::catalogue::{Catalogue, Entry, Feed, Program};
use kymo_solver::protocol::{JobLine, Line, LineParser};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn needs(program: &str) {
    assert!(
        is_there(program),
        "{program} is missing; install it: ./test does, where Debian has it"
    );
}

/// What a watchdog does, without waiting for anything but the end.
struct Stage {
    entry: Entry,
    run: RunId,
}

impl Stage {
    fn new(folder: &Path, name: &str) -> Self {
        let text = fs::read_to_string(examples().join("kymo.toml")).unwrap();
        let catalogue = Catalogue::from_toml(&text, folder).unwrap();
        let entry = catalogue.find(name).unwrap().clone();
        let run = entry.card.read(&[] as &[&str]).unwrap();
        Self { entry, run }
    }

    /// The records after `past`, and every other line.
    fn play(&self, past: &[Record]) -> (Vec<Record>, Vec<String>) {
        let Played { records, texts, .. } = self.play_from(past, None);
        (records, texts)
    }

    /// The same, from a step inside the next iteration.
    fn play_from(&self, past: &[Record], step: Option<String>) -> Played {
        let Program::Command(command) = &self.entry.program else {
            panic!("no command")
        };
        let argv = command.argv(&self.run.parameters).unwrap();
        let mut child = Command::new(&argv[0])
            .args(&argv[1..])
            .current_dir(command.directory.as_ref().unwrap())
            .envs(command.environment(&self.run.parameters).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{argv:?}: {error}"));
        let state = past.last().and_then(|record| record.state.clone());
        let job = JobLine {
            run: self.run.topic(),
            parameters: self.run.parameters.clone(),
            resume_after: past.len() as u64,
            pace: None,
            records: None,
            state: state.filter(|_| self.entry.replay == Feed::State),
            step,
        };
        // Whoever does not read the job line may be gone before it is written.
        drop(writeln!(child.stdin.take().unwrap(), "{}", job.to_line()));
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{argv:?}: {}", output.status);
        let total = self.entry.total(&self.run.parameters);
        let mut parser = LineParser::new(past.len() as u64, &self.entry.patterns)
            .unwrap()
            .with_total(total);
        let (mut records, mut steps, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for line in output.stdout.split(|byte| *byte == b'\n') {
            match parser.parse(line) {
                Line::Record { record, .. } => records.push(*record),
                Line::Step { iteration, state } => {
                    assert_eq!(iteration, (past.len() + records.len() + 1) as u64);
                    steps.push((iteration, state));
                }
                Line::Text => texts.push(String::from_utf8_lossy(line).into_owned()),
                Line::Rejected(reason) => panic!("{}: {reason}", String::from_utf8_lossy(line)),
            }
        }
        Played {
            records,
            steps,
            texts,
        }
    }
}

/// What a program printed.
struct Played {
    records: Vec<Record>,
    /// With the iteration that they are inside of.
    steps: Vec<(u64, String)>,
    texts: Vec<String>,
}

/// An example is played to its end, and again from the middle: the results must be the same.
fn check_resume(name: &str, folder: &Path) -> Vec<Record> {
    let stage = Stage::new(folder, name);
    let (undisturbed, _) = stage.play(&[]);
    assert_eq!(undisturbed.len(), 20, "{name}");
    assert_eq!(undisturbed[19].total, Some(20), "{name}");
    let (resumed, _) = stage.play(&undisturbed[..13]);
    assert_eq!(resumed, undisturbed[13..], "{name}");
    undisturbed
}

/// x_1 .. x_20 as IEEE arithmetic gives them in any language.
fn check_logistic(name: &str, folder: &Path) {
    let mut x = 0.4;
    for record in check_resume(name, folder) {
        x = 3.9 * x * (1.0 - x);
        assert_eq!(
            record.value("x"),
            Some(&Quantity::Scalar(x)),
            "{name}, iteration {}",
            record.iteration
        );
    }
}

#[test]
fn python() {
    needs("python3");
    check_logistic("logistic-python", &examples());
    let rod = check_resume("rod", &examples());
    let Some(Quantity::Array(profile)) = rod[19].value("u") else {
        panic!("no profile")
    };
    assert_eq!(
        (profile.axes.as_slice(), profile.data.len()),
        (["x".to_owned()].as_slice(), 41)
    );
}

#[test]
fn python_with_long_iterations() {
    needs("python3");
    let undisturbed = check_resume("primes", &examples());
    // There are 9592 primes below 100 000.
    assert_eq!(undisturbed[19].value("primes"), Some(&Quantity::Scalar(9592.0)));
    let stage = Stage::new(&examples(), "primes");
    let steps = stage.play_from(&undisturbed[..13], None).steps;
    let (_, last) = steps
        .iter()
        .rfind(|(iteration, _)| *iteration == 14)
        .expect("a step inside 14");
    let resumed = stage.play_from(&undisturbed[..13], Some(last.clone()));
    assert_eq!(resumed.records, undisturbed[13..]);
    assert_eq!(
        resumed.steps.len() + 4,
        steps.len(),
        "four steps were not repeated"
    );
}

#[test]
fn python_that_only_prints() {
    needs("python3");
    let (records, texts) = Stage::new(&examples(), "short").play(&[]);
    assert_eq!(records.len(), 5);
    assert_eq!(records[4].total, Some(5));
    assert!(matches!(records[0].value("gradient"), Some(Quantity::Scalar(x)) if x.is_nan()));
    assert_eq!(texts[0], "epoch 0");
}

#[test]
fn shell() {
    needs("sh");
    needs("awk");
    check_logistic("logistic-shell", &examples());
}

#[test]
fn a_program_that_was_never_changed() {
    let (records, texts) = Stage::new(&examples(), "unchanged").play(&[]);
    let energies: Vec<_> = records
        .iter()
        .map(|record| record.value("energy").unwrap().clone())
        .collect();
    assert_eq!(energies, [-100.5, -101.5, -102.5, -103.5].map(Quantity::Scalar));
    assert_eq!((records[3].iteration, records[3].total), (4, Some(4)));
    assert_eq!(texts[0], "molecular dynamics 1.0, 4 atoms");
}

#[test]
fn c() {
    needs("cc");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("c")).unwrap();
    let compiled = Command::new("cc")
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-ffp-contract=off", "-o"])
        .arg(folder.path().join("c/logistic"))
        .arg(examples().join("c/logistic.c"))
        .status();
    assert!(compiled.unwrap().success());
    check_logistic("logistic-c", folder.path());
}

#[test]
#[ignore = "needs R: ./test"]
fn r() {
    needs("Rscript");
    check_logistic("logistic-r", &examples());
}

#[test]
#[ignore = "needs Octave: ./test"]
fn octave() {
    needs("octave-cli");
    check_logistic("logistic-octave", &examples());
}

#[test]
#[ignore = "needs Julia, which ./test does not install"]
fn julia() {
    needs("julia");
    check_logistic("logistic-julia", &examples());
}

#[test]
fn the_guide_shows_the_examples_as_they_are() {
    let page = |name: &str| fs::read_to_string(examples().join("../docs").join(name)).unwrap();
    let guide = page("solvers.md") + &page("solvers-not-run.md");
    for file in [
        "python/logistic.py",
        "python/rod.py",
        "python/primes.py",
        "python/short.py",
        "shell/logistic.sh",
        "shell/unchanged.sh",
        "c/logistic.c",
        "r/logistic.R",
        "octave/logistic.m",
        "julia/logistic.jl",
        "matlab/logistic.m",
        "wolfram/logistic.wls",
    ] {
        let text = fs::read_to_string(examples().join(file)).unwrap();
        assert!(
            guide.contains(text.trim_end()),
            "the guide does not show examples/{file} as it is"
        );
    }
}

#[test]
fn the_guide_is_true() {
    let guide = fs::read_to_string(examples().join("../docs/solvers.md")).unwrap();
    for block in blocks(&guide, "json lines") {
        let mut parser = LineParser::new(0, &[] as &[&str]).unwrap();
        for line in block.lines() {
            assert!(
                matches!(
                    parser.parse(line.as_bytes()),
                    Line::Record { .. } | Line::Step { .. }
                ),
                "no record: {line}"
            );
            parser = LineParser::new(0, &[] as &[&str]).unwrap();
        }
    }
    for block in blocks(&guide, "json job") {
        JobLine::parse(block.trim()).unwrap();
    }
    for block in blocks(&guide, "toml") {
        Catalogue::from_toml(block, Path::new("/")).unwrap();
    }
    for name in Catalogue::built_in().cards() {
        assert!(guide.contains(&format!("`{}`", name.name)));
    }
}

/// The code blocks of one kind.
fn blocks<'a>(guide: &'a str, kind: &str) -> Vec<&'a str> {
    let opening = format!("```{kind}\n");
    let found: Vec<&str> = guide
        .split(&opening)
        .skip(1)
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect();
    assert!(!found.is_empty(), "the guide has no {kind} block");
    found
}
