//! Topic names: readable, reversible, and never two runs under one name.

use kymo_runlog::{Named, Parameters, RunId, ShortId, Topic, Value};
use proptest::prelude::*;

fn run(solver: &str, parameters: &[(&str, Value)]) -> RunId {
    let parameters = parameters
        .iter()
        .map(|(name, value)| (*name, value.clone()))
        .collect();
    RunId {
        solver: solver.to_owned(),
        parameters,
    }
}

fn number(x: f64) -> Value {
    Value::Number(x)
}

#[test]
fn a_name_shows_the_solver_and_every_parameter() {
    let cases = [
        (run("airy", &[]), "airy"),
        (
            run("airy", &[("kerr", number(0.5)), ("eps", number(4.0))]),
            "airy-eps.4-kerr.0.5",
        ),
        (run("airy", &[("x", number(-1.0))]), "airy-x.--1"),
        (
            run("airy", &[("t_max", number(100.0)), ("h", number(1e-7))]),
            "airy-h.1e--7-t..max.100",
        ),
        (
            run("monte-carlo", &[("what", "pi".into())]),
            "monte--carlo-what.pi",
        ),
        (
            run("train", &[("on", true.into()), ("path", "a/b_c.d".into())]),
            "train-on.true-path.a...2fb..c.d",
        ),
        (run("train", &[("v", "4".into())]), "train-v....34"),
        (run("train", &[("v", "true".into())]), "train-v....74rue"),
        (
            run("train", &[("v", "".into()), ("w", "_".into())]),
            "train-v.-w....5f",
        ),
        (run("train", &[("v", "4.steps".into())]), "train-v.4...2esteps"),
        (run("train", &[("v", "steps".into())]), "train-v....73teps"),
        (run("kymo.orders", &[]), "kymo...2eorders"),
        (run("_", &[]), "...5f"),
    ];
    for (run, name) in cases {
        assert_eq!(run.topic().as_str(), name);
        assert_eq!(RunId::of_topic(&run.topic()), Ok(Named::Whole(run)), "{name}");
    }
}

#[test]
fn equal_numbers_are_one_run() {
    let topic = |text: &str| run("airy", &[("x", Value::of_text(text))]).topic();
    for same in ["4", "4.0", "4e0", "+4", "0.4e1"] {
        assert_eq!(topic(same).as_str(), "airy-x.4");
    }
    assert_eq!(topic("-0"), topic("0"));
    assert_eq!(run("a", &[("x", number(-0.0))]), run("a", &[("x", number(0.0))]));
}

#[test]
fn only_the_one_spelling_of_a_run_is_its_topic() {
    for stranger in [
        "kymo.orders",
        "airy-eps.4.steps",
        "airy.log",
        "airy-eps.4.0",
        "airy-eps",
        "airy-b.1-a.2",
        "airy-a.1-a.2",
        "airy.....",
        "airy...zz",
        "airy-a.1...4",
        "-",
    ] {
        let topic = Topic::parse(stranger).expect("a topic");
        let found = RunId::of_topic(&topic);
        assert!(found.is_err(), "{stranger} was read as {found:?}");
    }
}

#[test]
fn a_long_name_is_cut_and_closed_with_a_hash() {
    let long = run(
        "train",
        &[
            ("a", number(1.0)),
            ("text", "x".repeat(300).as_str().into()),
            ("z", number(2.0)),
        ],
    );
    let topic = long.topic();
    assert_eq!(topic.as_str().len(), 235);
    let Ok(Named::Cut(seen)) = RunId::of_topic(&topic) else {
        panic!("{topic} is a cut name")
    };
    assert_eq!(seen.parameters.get("a"), Some(&number(1.0)));
    assert!(
        seen.parameters
            .get("text")
            .and_then(Value::as_text)
            .is_some_and(|text| text.starts_with("xxx"))
    );
    let other = run(
        "train",
        &[
            ("a", number(1.0)),
            ("text", "x".repeat(300).as_str().into()),
            ("z", number(3.0)),
        ],
    );
    assert_ne!(topic, other.topic());
}

#[test]
fn a_short_id_has_eight_characters_that_nobody_mistakes() {
    let id = ShortId::of(&run("airy", &[]).topic());
    assert_eq!(id.as_str().len(), 8);
    assert_eq!(id.as_str().parse(), Ok(id.clone()));
    for bad in ["", "abc", "ABCDEFGH", "abcdefgi", "abcdefghj", "абвгдежз"] {
        assert!(bad.parse::<ShortId>().is_err(), "{bad}");
    }
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[a-z0-9._-]{0,8}",
        "[-._]{0,6}",
        "\\PC{0,12}",
        any::<String>(),
        any::<f64>().prop_map(|x| x.to_string()),
        Just("true".to_owned()),
        Just("log".to_owned()),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Flag),
        any::<f64>()
            .prop_filter("finite", |x| x.is_finite())
            .prop_map(Value::Number),
        (-1000i32..1000).prop_map(|x| Value::Number(f64::from(x) / 4.0)),
        any_text().prop_map(Value::Text),
    ]
}

fn any_run() -> impl Strategy<Value = RunId> {
    let name = any_text().prop_filter("not empty", |name| !name.is_empty());
    (name, prop::collection::btree_map(any_text(), any_value(), 0..5)).prop_map(|(solver, parameters)| {
        RunId {
            solver,
            parameters: Parameters(parameters),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_name_reads_back_to_its_run(run in any_run()) {
        let topic = run.topic();
        prop_assert!(topic.as_str().len() <= 235);
        prop_assert!(topic.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-'));
        prop_assert!(Topic::parse(topic.as_str()).is_ok());
        match RunId::of_topic(&topic) {
            Ok(Named::Whole(back)) => prop_assert_eq!(back, run),
            Ok(Named::Cut(back)) => {
                // All but the last parameter are whole, and the solver too when there is one.
                let count = back.parameters.0.len();
                for (name, value) in back.parameters.iter().take(count.saturating_sub(1)) {
                    prop_assert_eq!(run.parameters.get(name), Some(value));
                }
                prop_assert!(count == 0 || back.solver == run.solver);
            }
            Err(e) => prop_assert!(false, "{}", e),
        }
    }

    #[test]
    fn two_runs_never_share_a_name(a in any_run(), b in any_run()) {
        prop_assert_eq!(a == b, a.topic() == b.topic());
    }

    /// Near misses: the same text once as key, once as value, dots and underscores swapped.
    #[test]
    fn near_runs_never_share_a_name(a in "[a._-]{1,5}", b in "[a._-]{0,5}", c in "[a4._-]{0,5}", d in "[a4._-]{0,5}") {
        let runs = [
            run(&a, &[(&b, Value::of_text(&c))]),
            run(&a, &[(&c, Value::of_text(&b))]),
            run(&a, &[(&b, Value::Text(c.clone()))]),
            run(&a, &[(&b, Value::of_text(&d))]),
            run(&a, &[(&b, Value::Text(c.replace('.', "_")))]),
            run(&a.replace('.', "_"), &[(&b, Value::Text(c.clone()))]),
            run(&a, &[(&b, Value::Text(format!("{c}-{d}")))]),
            run(&a, &[(&b, Value::Text(c.clone())), (&d, Value::Text(String::new()))]),
            run(&a, &[]),
        ];
        for one in &runs {
            for other in &runs {
                prop_assert_eq!(one == other, one.topic() == other.topic(), "{} {}", one, other);
            }
        }
    }

    #[test]
    fn any_topic_is_read_without_a_panic(name in "[a-c0-2.-]{1,40}") {
        if let Ok(topic) = Topic::parse(&name)
            && let Ok(Named::Whole(run)) = RunId::of_topic(&topic)
        {
            prop_assert_eq!(run.topic(), topic);
        }
    }

    #[test]
    fn parameters_travel_through_json(run in any_run()) {
        let json = run.parameters.to_json();
        let back: Parameters = serde_json::from_str(&json).expect("canonical JSON");
        prop_assert_eq!(back.to_json(), json);
        prop_assert_eq!(back, run.parameters);
    }
}
