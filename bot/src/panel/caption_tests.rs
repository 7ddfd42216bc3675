//! Captions as people read them.

use insta::assert_snapshot;
use kymo_runlog::catalogue::{ParameterCard, ParameterKind};
use kymo_runlog::{Parameters, Value};
use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().expect("a time")
}

fn facts() -> PanelFacts {
    let parameters = [
        ("eps".to_owned(), Value::Number(4.0)),
        ("h".to_owned(), Value::Number(0.02)),
        ("kerr".to_owned(), Value::Number(0.5)),
    ];
    PanelFacts {
        solver: "airy".into(),
        parameters: Parameters(parameters.into()),
        attempt: 1,
        iteration: 12,
        total: Some(101),
        view: "E[x=0.6]".into(),
        value: Some(-0.123_456_7),
        points: 1200,
        newest_at: Some(now() - TimeDelta::seconds(3)),
        eta: Some(now() + TimeDelta::seconds(95)),
        rejected: 0,
        rejected_reason: None,
        not_finite: 0,
        ended: false,
        pace: None,
    }
}

fn card() -> SolverCard {
    let parameter = |name: &str, default: f64| ParameterCard {
        name: name.into(),
        kind: ParameterKind::Real { min: None, max: None },
        unit: None,
        default: Some(Value::Number(default)),
        optional: false,
        aliases: Default::default(),
        help: String::new(),
    };
    SolverCard {
        name: "airy".into(),
        version: "1".into(),
        help: String::new(),
        view: None,
        needs: Default::default(),
        parameters: vec![
            parameter("eps", 1.0),
            parameter("h", 0.02),
            parameter("kerr", 0.0),
        ],
    }
}

#[test]
fn a_running_solver() {
    assert_snapshot!(caption(&facts(), &RunState::Running, Some(&card()), None, now()), @r"
    <b>airy</b> eps=4 kerr=0.5
    iteration 12/101 · 11 %
    ▶️ running · ETA 1 min 35 s
    E[x=0.6] = -0.12346 · newest record 3 s old at 12:00:00 UTC
    ");
}

#[test]
fn a_paced_run_of_an_unknown_length_before_its_first_record() {
    let facts = PanelFacts {
        total: None,
        iteration: 0,
        value: None,
        newest_at: None,
        eta: None,
        pace: Some(0.5),
        ..facts()
    };
    assert_snapshot!(caption(&facts, &RunState::Running, None, None, now()), @r"
    <b>airy</b> eps=4 h=0.02 kerr=0.5
    iteration 0
    ▶️ running · paced 0.5 s
    ");
}

#[test]
fn a_crash_with_hostile_words() {
    let state = RunState::Crashed {
        reason: "killed by <b>signal</b> 11 & \u{202e}more".into(),
        again_at: Some(now() + TimeDelta::seconds(8)),
    };
    let facts = PanelFacts {
        rejected: 2,
        rejected_reason: Some("position 7: no number: \"<script>\"".into()),
        not_finite: 3,
        ..facts()
    };
    assert_snapshot!(caption(&facts, &state, Some(&card()), None, now()), @r#"
    <b>airy</b> eps=4 kerr=0.5
    iteration 12/101 · 11 %
    💥 crashed: killed by &lt;b&gt;signal&lt;/b&gt; 11 &amp; more · starts again in 8 s
    E[x=0.6] = -0.12346 · newest record 3 s old at 12:00:00 UTC
    ⚠️ 2 records kept aside, the last: position 7: no number: "&lt;script&gt;"
    ⚠️ 3 values are NaN or infinite
    "#);
}

#[test]
fn each_state_in_a_word() {
    let states = [
        RunState::Unknown,
        RunState::Queued { why: None },
        RunState::Queued {
            why: Some("queued, 2nd of 3: no host has room: lab has 2 of 2 runs".to_owned()),
        },
        RunState::Running,
        RunState::Stopped { by: "Ada".into() },
        RunState::Finished,
        RunState::Crashed {
            reason: "exit code 3".into(),
            again_at: None,
        },
        RunState::Silent { seconds: 4000.0 },
        RunState::Lost {
            since: now() - TimeDelta::minutes(2),
        },
        RunState::Refused {
            reason: "no host has a solver `airy`".into(),
        },
    ];
    let facts = PanelFacts { eta: None, ..facts() };
    let words: Vec<_> = states.iter().map(|state| word(&facts, state, now())).collect();
    assert_snapshot!(words.join("\n"), @r"

    ⏳ waiting for a machine
    ⏳ queued, 2nd of 3: no host has room: lab has 2 of 2 runs
    ▶️ running
    ⏹ stopped by Ada
    🏁 finished
    💥 crashed: exit code 3
    🔇 silent for 1 h 6 min
    ❓ lost: nothing heard since 11:58:00 UTC; Start goes on from the log
    🚫 not started: no host has a solver `airy`
    ");
}

#[test]
fn numbers_are_short() {
    let numbers = [
        0.0,
        1.0,
        -2.5,
        123_456.7,
        1_234_567.0,
        0.001,
        0.000_12,
        1e-300,
        f64::NAN,
        f64::INFINITY,
    ];
    let shown: Vec<_> = numbers.into_iter().map(number).collect();
    assert_eq!(
        shown,
        [
            "0",
            "1",
            "-2.5",
            "123457",
            "1.2346e6",
            "0.001",
            "1.2000e-4",
            "1.0000e-300",
            "NaN",
            "inf"
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_caption_always_fits(
        solver in "\\PC{0,2000}", name in "\\PC{0,400}", value in "\\PC{0,1000}", view in "\\PC{0,400}",
        reason in "\\PC{0,3000}", rejected in "\\PC{0,3000}",
    ) {
        let facts = PanelFacts {
            solver,
            parameters: Parameters([(name, Value::Text(value))].into()),
            view,
            rejected: 1,
            rejected_reason: Some(rejected),
            not_finite: 1,
            ..facts()
        };
        let html = caption(&facts, &RunState::Crashed { reason, again_at: None }, None, None, now());
        let plain = html.replace("<b>", "").replace("</b>", "");
        prop_assert!(!plain.contains('<') && !plain.contains('>'));
        let plain = plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        prop_assert!(html::length(&plain) <= 1024, "{}", html::length(&plain));
    }
}

#[test]
fn a_log_that_gives_no_answer_is_told_while_the_run_computes() {
    let since = Some(now() - TimeDelta::seconds(7));
    let says = |state| {
        caption(&facts(), &state, Some(&card()), since, now()).contains("the log is slow: no answer since")
    };
    assert!(says(RunState::Running));
    assert!(says(RunState::Queued { why: None }));
    assert!(!says(RunState::Finished));
}
