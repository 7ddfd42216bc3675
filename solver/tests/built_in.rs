//! The built-in solvers as a log and a watchdog meet them: exact restarts, honest numbers, clear refusals.

use std::io;

use kymo_runlog::{Quantity, Record, RunId};
use kymo_solver::monte_carlo::Tally;
use kymo_solver::protocol::{JobLine, Line, LineParser};
use kymo_solver::{catalogue::Feed, find_built_in, monte_carlo::MonteCarlo, standalone, undisturbed_digest};
use proptest::prelude::*;

fn run_of(name: &str, assignments: &str) -> RunId {
    let assignments: Vec<&str> = assignments.split_whitespace().collect();
    find_built_in(name).unwrap().card.read(&assignments).unwrap()
}

fn records(name: &str, assignments: &str) -> Vec<Record> {
    let mut solver = find_built_in(name)
        .unwrap()
        .start(&run_of(name, assignments).parameters)
        .unwrap();
    std::iter::from_fn(|| solver.next().unwrap()).collect()
}

fn scalar(record: &Record, name: &str) -> f64 {
    match record.value(name) {
        Some(Quantity::Scalar(value)) => *value,
        other => panic!("{name} is {other:?}"),
    }
}

/// What a watchdog's child prints after this part of the past.
fn spoken(name: &str, assignments: &str, past: &[Record]) -> String {
    let run = run_of(name, assignments);
    let feed = match find_built_in(name).unwrap().feed {
        Feed::Last(count) => past.len().saturating_sub(count as usize),
        Feed::None | Feed::State | Feed::Records => panic!("a built-in solver asks for its last records"),
    };
    let job = JobLine {
        run: run.topic(),
        parameters: run.parameters,
        resume_after: past.len() as u64,
        pace: None,
        records: Some(past[feed..].to_vec()),
        state: None,
        step: None,
    };
    let mut out = Vec::new();
    standalone::speak(name, &mut job.to_line().as_bytes(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn printed(name: &str, assignments: &[&str]) -> Result<String, String> {
    let assignments: Vec<String> = assignments
        .iter()
        .map(|assignment| (*assignment).to_owned())
        .collect();
    let mut out = Vec::new();
    standalone::print(name, &assignments, false, &mut out).map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(out).unwrap())
}

const RUNS: [(&str, &str); 7] = [
    ("lorenz", "iterations=12 steps=40"),
    ("monte-carlo", "batches=12 samples=300 seed=7"),
    ("heat", "n=9 sweeps=7 iterations=12"),
    (
        "heat",
        "n=8 side=0.1 r=0.2 start=sines k=2 l=3 sweeps=1 iterations=12",
    ),
    ("airy", "h=0.1 t_max=11 window=10 tc=12"),
    (
        "airy",
        "h=0.1 t_max=11 window=10 tc=12 kerr=0.5 amp=1.5 sigma=0.1",
    ),
    ("airy", "h=0.25 t_max=3 window=1 tc=12"),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Wherever a run is killed, what its next attempt prints is what the undisturbed run would have.
    #[test]
    fn a_restart_from_json_text_changes_no_bit(run in prop::sample::select(RUNS.to_vec()), after in 0_usize..=12) {
        let (name, assignments) = run;
        let undisturbed = spoken(name, assignments, &[]);
        let lines: Vec<&str> = undisturbed.lines().collect();
        let mut parser = LineParser::new(0, &[] as &[&str]).unwrap();
        let past: Vec<Record> = lines[..after.min(lines.len())].iter().map(|line| match parser.parse(line.as_bytes()) {
            Line::Record { record, .. } => *record,
            other => panic!("{other:?}"),
        }).collect();
        let resumed = spoken(name, assignments, &past);
        prop_assert_eq!(resumed.lines().collect::<Vec<_>>(), &lines[past.len()..]);
    }
}

#[test]
fn lorenz_follows_the_attractor() {
    let records = records("lorenz", "iterations=400");
    assert_eq!(records.len(), 400);
    let z: Vec<f64> = records.iter().map(|record| scalar(record, "z")).collect();
    assert!(z.iter().skip(100).all(|z| (0.0..50.0).contains(z)));
    assert_eq!(scalar(&records[399], "t"), 20.0);
    // Near the fixed point at rho < 1 every path ends at rest.
    let calm = self::records("lorenz", "rho=0.5 iterations=1000");
    assert!(scalar(&calm[999], "x").abs() < 1e-8);
}

#[test]
fn lorenz_is_of_fourth_order() {
    let at_half = |dt: f64| {
        let steps = (0.5 / dt).round();
        let record = &records("lorenz", &format!("dt={dt} steps={steps} iterations=1"))[0];
        ["x", "y", "z"].map(|name| scalar(record, name))
    };
    let distance =
        |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    let [coarse, middle, fine] = [0.005, 0.0025, 0.00125].map(at_half);
    let order = (distance(coarse, middle) / distance(middle, fine)).log2();
    assert!((order - 4.0).abs() < 0.2, "{order}");
}

/// The middle of the plate, or wherever these fractions of its sides are.
fn temperature(record: &Record, (x, y): (f64, f64)) -> f64 {
    match record.value("u") {
        Some(Quantity::Array(field)) => {
            let width = (field.data.len() as f64).sqrt() as usize;
            let node = |at: f64| (at * (width - 1) as f64).round() as usize;
            field.data[node(y) * width + node(x)]
        }
        other => panic!("u is {other:?}"),
    }
}

#[test]
fn heat_falls_as_the_scheme_says_to_the_last_digits() {
    use std::f64::consts::PI;
    for (n, k, l, r) in [
        (20.0, 1.0, 1.0, 0.25),
        (30.0, 2.0, 3.0, 0.1),
        (16.0, 5.0, 1.0, 0.25),
    ] {
        let given = format!("n={n} start=sines k={k} l={l} r={r} hot=1 sweeps=50 iterations=6");
        // A sine on the mesh is only ever multiplied by this.
        let half = |waves: f64| (waves * PI / (2.0 * n)).sin().powi(2);
        let factor = 1.0 - 4.0 * r * (half(k) + half(l));
        for record in records("heat", &given) {
            let left = factor.powi(50 * record.iteration as i32);
            let Some(Quantity::Array(field)) = record.value("u") else {
                panic!("no field")
            };
            for (i, u) in field.data.iter().enumerate() {
                let (y, x) = ((i / (n as usize + 1)) as f64, (i % (n as usize + 1)) as f64);
                let exact = left * (k * PI * x / n).sin() * (l * PI * y / n).sin();
                assert!(
                    (u - exact).abs() <= 1e-11,
                    "{given}, ({x}, {y}): {u}, not {exact}"
                );
            }
        }
    }
}

#[test]
fn heat_comes_near_the_exact_solution_with_order_two() {
    use std::f64::consts::PI;
    let (side, a) = (0.2_f64, 1.11e-4);
    let error = |n: f64| {
        // The same time each: a fourth of the step, four times the sweeps.
        let sweeps = n * n / 4.0;
        let given = format!("n={n} side={side} start=sines k=1 l=2 hot=1 sweeps={sweeps} iterations=1");
        let record = &records("heat", &given)[0];
        let exact = (-(1.0 + 4.0) * PI * PI * a * scalar(record, "t") / (side * side)).exp();
        (temperature(record, (0.5, 0.25)) - exact).abs()
    };
    let order = (error(16.0) / error(32.0)).log2();
    assert!((order - 2.0).abs() < 0.1, "{order}");
}

#[test]
fn a_hot_spot_spreads_and_cools() {
    let records = records("heat", "n=40 sweeps=200 iterations=5");
    let warmest: Vec<f64> = records.iter().map(|record| scalar(record, "warmest")).collect();
    assert!(
        warmest.is_sorted_by(|a, b| a > b) && warmest[0] < 100.0,
        "{warmest:?}"
    );
    let warm = |record| temperature(record, (0.35, 0.6)) > temperature(record, (0.7, 0.2));
    assert!(records.iter().all(warm));
}

/// The steps that a run offers, each with the records before it.
fn offered(assignments: &str) -> Vec<(usize, String)> {
    let run = run_of("heat", assignments);
    let mut solver = find_built_in("heat").unwrap().start(&run.parameters).unwrap();
    let (mut steps, mut done) = (Vec::new(), 0);
    while solver
        .next_in_steps(&mut |tell| steps.push((done, tell())))
        .unwrap()
        .is_some()
    {
        done += 1;
    }
    steps
}

#[test]
fn a_restart_inside_an_iteration_changes_no_bit() {
    let given = "n=9 sweeps=100 iterations=3";
    let undisturbed = records("heat", given);
    let steps = offered(given);
    assert_eq!(steps.len(), 3 * 6);
    for (done, step) in steps {
        let run = run_of("heat", given);
        let mut solver = find_built_in("heat").unwrap().start(&run.parameters).unwrap();
        solver.restore(&undisturbed[..done]).unwrap();
        let place = solver.restore_step(&step).unwrap();
        assert!(place.ends_with("of 100"), "{place}");
        let rest: Vec<Record> = std::iter::from_fn(|| solver.next().unwrap()).collect();
        assert_eq!(rest, undisturbed[done..]);
    }
}

#[test]
fn a_step_that_is_none_costs_the_iteration_and_nothing_else() {
    let given = "n=3 sweeps=40 iterations=2";
    let undisturbed = spoken("heat", given, &[]);
    let good = &offered(given)[1].1;
    let cold =
        |swept: u64, count: usize| format!(r#"{{"swept":{swept},"u":[{}]}}"#, vec!["0.0"; count].join(","));
    let hostile = [
        "".to_owned(),
        "null".to_owned(),
        "\u{202e}{".to_owned(),
        r#"{"swept":3}"#.to_owned(),
        cold(40, 16),
        cold(u64::MAX, 16),
        cold(3, 15),
        cold(3, 16).replacen("0.0", "1.0", 1),
        cold(3, 16).replacen("0.0", "1e999", 1),
        good[..good.len() / 2].to_owned(),
    ];
    for step in hostile {
        let run = run_of("heat", given);
        let job = JobLine {
            run: run.topic(),
            parameters: run.parameters,
            resume_after: 0,
            pace: None,
            records: None,
            state: None,
            step: Some(step.clone()),
        };
        let mut out = Vec::new();
        standalone::speak("heat", &mut job.to_line().as_bytes(), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), undisturbed, "{step:?}");
    }
    let mut lorenz = find_built_in("lorenz")
        .unwrap()
        .start(&run_of("lorenz", "").parameters)
        .unwrap();
    assert!(lorenz.restore_step(good).is_err());
}

#[test]
fn a_terminal_sees_steps_when_it_asks_for_them() {
    let given = [
        "n=100".to_owned(),
        "sweeps=4000".to_owned(),
        "iterations=1".to_owned(),
    ];
    let lines = |steps| {
        let mut out = Vec::new();
        standalone::print("heat", &given, steps, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let (with, without) = (lines(true), lines(false));
    assert_eq!(without.lines().count(), 1);
    assert_eq!(with.lines().next_back(), without.lines().next_back());
    let mut parser = LineParser::new(0, &[] as &[&str]).unwrap();
    for line in with.lines().rev().skip(1) {
        assert!(matches!(
            parser.parse(line.as_bytes()),
            Line::Step { iteration: 1, .. }
        ));
    }
}

#[test]
fn monte_carlo_comes_near_pi_and_the_price() {
    let records = records("monte-carlo", "batches=20 samples=5000");
    let last = records.last().unwrap();
    // Black and Scholes for the default option.
    for (name, exact) in [("pi", std::f64::consts::PI), ("price", 10.450583572185565)] {
        let (estimate, error) = (scalar(last, name), scalar(last, &format!("{name}_error")));
        assert!(
            (estimate - exact).abs() < 4.0 * error,
            "{name}: {estimate} +- {error}"
        );
        assert!(error < 0.02 * exact);
    }
    assert_eq!(scalar(last, "samples"), 100_000.0);
}

#[test]
fn batches_may_be_counted_in_any_order() {
    let parameters = run_of("monte-carlo", "samples=200").parameters;
    let solver = MonteCarlo::start(&parameters).unwrap();
    let merged = |order: &[u64]| {
        order.iter().fold(Tally::default(), |mut sum, number| {
            sum.merge(&solver.batch(*number));
            sum
        })
    };
    let forward = merged(&[0, 1, 2, 3]);
    assert_eq!(forward, merged(&[3, 1, 0, 2]));
    let record = &records("monte-carlo", "samples=200")[3];
    assert_eq!(scalar(record, "price"), forward.price().mean);
    assert_eq!(scalar(record, "pi"), forward.pi().mean);
}

#[test]
fn the_digest_tells_runs_apart() {
    let digest = |assignments| undisturbed_digest(&run_of("lorenz", assignments)).unwrap();
    assert_eq!(digest("iterations=5"), digest("iterations=5"));
    assert_ne!(digest("iterations=5"), digest("iterations=6"));
}

#[test]
fn pace_slows_down_and_says_so() {
    let begun = std::time::Instant::now();
    let lines = printed("lorenz", &["iterations=3", "pace=0.02 s"]).unwrap();
    assert!(begun.elapsed().as_secs_f64() >= 0.06);
    assert!(
        lines.lines().all(|line| line.ends_with(r#""pace":0.02}"#)),
        "{lines}"
    );
    assert!(!printed("lorenz", &["iterations=3"]).unwrap().contains("pace"));
}

#[test]
fn a_terminal_is_told_what_is_wrong() {
    let told: Vec<String> = [
        ("airi", vec![]),
        ("zzz", vec![]),
        ("airy", vec!["epz=4", "h=0.01s"]),
        ("airy", vec!["h=0.03"]),
        ("lorenz", vec!["pace=fast"]),
        ("lorenz", vec!["pace=-1"]),
        ("lorenz", vec!["pace=1", "pace=2"]),
        ("lorenz", vec!["dt=1", "steps=1000"]),
        ("monte-carlo", vec!["seed=-1"]),
    ]
    .into_iter()
    .map(|(name, assignments)| printed(name, &assignments).map_or_else(|error| error, |_| "fine".to_owned()))
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
there is no built-in solver "airi"; did you mean airy?
there is no built-in solver "zzz"; there are airy, heat, lorenz, monte-carlo
airy has no parameter "epz"; did you mean eps?
h=0.01: the unit "s" does not fit, h is measured in L; write h=0.01
h=0.03: 1/h = 33.333333 must be a whole number of at least 2; use e.g. h=0.025
pace=fast is no pause; it must be from 0 to 3600 s, e.g. pace=0.5
pace=-1 is no pause; it must be from 0 to 3600 s, e.g. pace=0.5
pace is given twice; leave one of them out
iteration 1 failed: the point ran away to infinity with dt=1; use a smaller dt
seed=-1 is out of range; it must be a whole number from 0 to 9007199254740992
"#);
}

#[test]
fn a_bad_job_is_refused() {
    let job = |line: &str| {
        let told = standalone::speak("lorenz", &mut line.as_bytes(), &mut io::sink());
        told.map_or_else(|error| format!("{error:#}"), |()| "fine".to_owned())
    };
    let past = r#"{"run":"lorenz","parameters":{},"resume_after":1,"records":"#;
    insta::assert_snapshot!([
        job(""),
        job("{}"),
        job(r#"{"run":"lorenz","parameters":{"dt":-1},"resume_after":0}"#),
        job(r#"{"run":"lorenz","parameters":{},"resume_after":3}"#),
        job(&format!(r#"{past}[{{"iteration":1,"values":{{"x":1}}}}]}}"#)),
        job(&format!(r#"{past}[{{"iteration":1,"values":{{"x":"NaN","y":1,"z":1}}}}]}}"#)),
    ].join("\n"), @r#"
standard input holds no job line (EOF while parsing a value at line 1 column 0); a watchdog writes one, or use `kymo solver NAME` without --protocol
standard input holds no job line (missing field `run` at line 1 column 2); a watchdog writes one, or use `kymo solver NAME` without --protocol
dt=-1 is out of range; it must be from 1e-9 to 1
the job says resume_after=3 but its last record is iteration 0
cannot go on after iteration 1: it needs finite numbers x, y and z and at most 1000 iterations; start the run afresh
cannot go on after iteration 1: it needs finite numbers x, y and z and at most 1000 iterations; start the run afresh
"#);
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    struct Closed;
    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    standalone::print("lorenz", &[], false, &mut Closed).unwrap();
    standalone::list(&mut Closed).unwrap();
}

#[test]
fn the_list_names_every_parameter() {
    let mut out = Vec::new();
    standalone::list(&mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
airy  An Airy pulse enters a plane-layered dielectric: the field E(t, x) by the method of approximating functions
  eps=4  permittivity of the layer over that of the background; up to 25 is usual; it must be 1 or more
  sigma=0  conductivity sigma L Z_b of the layer; h sigma/eps up to 0.1 is accurate; it must be 0 or more
  kerr=0  Kerr coefficient alpha/eps_b; below 0 only while eps + 3 kerr E^2 >= 1, kerr amp^2 up to 1 is accurate; it must be a number
  amp=1  amplitude A of the pulse A Ai(S) exp(a S); it must be a number
  a=0.05  decay of the pulse's tail; 0.02 to 1 is usual; it must be 1e-9 or more
  scale=1 L/v  duration T of the pulse's unit of S; it must be 1e-9 L/v or more
  tc=15 L/v  when S = 0 arrives at x = 0; it must be 0 L/v or more
  orientation=front_first  which end of the pulse arrives first; choose front_first or tail_first
  h=0.01 L  step in x and in t; 1/h is whole: 0.05, 0.02, 0.01, 0.005; it must be from 1e-5 to 0.5 L
  t_max=100 L/v  until when; t_max/h is whole; it must be 1e-5 L/v or more
  t_s L/v  when the layer is switched; t_s/h is whole; it must be 1e-5 L/v or more
  eps2  eps after the switch; without it eps stays; it must be 1 or more
  sigma2  sigma after the switch; without it sigma stays; it must be 0 or more
  layers  several layers from x = 0 to 1 as until:eps:sigma:kerr, e.g. 0.5:4:0:0,1:2.25:0.3:0; replaces eps, sigma and kerr; it is a text of at most 2000 characters
  window=100  rows of the mesh per iteration; it must be a whole number from 1 to 1000000

heat  Heat spreads over a square plate with a cold rim: the temperature u(y, x) by finite differences
  n=400  cells along each side; it must be a whole number from 2 to 800
  side=1 m  length of each side; it must be from 1e-6 to 1000000 m
  a=0.000111 m^2/s  thermal diffusivity; 1.11e-4 is copper's; it must be from 1e-12 to 1000000000000 m^2/s
  r=0.25  time step in units of (side/n)^2/a; beyond 0.25 the scheme is not stable; it must be from 1e-6 to 0.25
  start=spot  a hot spot, or sin(k pi x/side) sin(l pi y/side); choose spot or sines
  hot=100 K  the highest temperature at the beginning; it must be a number
  k=1  half waves along x of the start sines; it must be a whole number from 1 to 100
  l=1  half waves along y of the start sines; it must be a whole number from 1 to 100
  sweeps=5000  time steps per iteration; it must be a whole number from 1 to 1000000000
  iterations=40  how many iterations; it must be a whole number from 1 to 1000000

lorenz  Lorenz's strange attractor: x, y and z over time, by Runge-Kutta
  sigma=10  Prandtl number; it must be a number
  rho=28  Rayleigh number over its critical value; it must be a number
  beta=2.6666666666666665  shape of the cell; it must be a number
  x0=1  x at the beginning; it must be a number
  y0=1  y at the beginning; it must be a number
  z0=1  z at the beginning; it must be a number
  dt=0.01  step in time; it must be from 1e-9 to 1
  steps=5  Runge-Kutta steps per iteration; it must be a whole number from 1 to 1000000000
  iterations=1000  how many iterations; it must be a whole number from 1 to 1000000000

monte-carlo  pi and the price of a European call option, estimated from random samples
  seed=1  which random numbers; the same seed gives the same bits; it must be a whole number from 0 to 9007199254740992
  samples=10000  samples per batch; one batch is one iteration; it must be a whole number from 1 to 1000000000
  batches=100  how many batches; it must be a whole number from 1 to 1000000
  spot=100  price of the share today; it must be from 1e-6 to 1000000
  strike=100  price at which the option lets you buy it; it must be from 1e-6 to 1000000
  rate=0.05  interest rate per year; it must be from -1 to 1
  volatility=0.2  of the share, per square root of a year; it must be from 0 to 2
  maturity=1 years  until the option may be used; it must be from 1e-6 to 10 years

pace=SECONDS slows any of them down after each iteration
"#);
}
