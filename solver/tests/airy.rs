//! `airy` against the published reference, against itself at other steps, and after restarts.

use kymo_runlog::{Quantity, Record};
use kymo_solver::{SolverError, find_built_in};
use serde_json::Value;

/// Every row of a run.
fn field(assignments: &str) -> Vec<Vec<f64>> {
    let records = records(assignments).expect("the parameters are good");
    records.iter().flat_map(rows).collect()
}

fn records(assignments: &str) -> Result<Vec<Record>, SolverError> {
    let airy = find_built_in("airy").unwrap();
    let assignments: Vec<&str> = assignments.split_whitespace().collect();
    let run = airy.card.read(&assignments).unwrap();
    let mut solver = airy.start(&run.parameters)?;
    let mut records = Vec::new();
    while let Some(record) = solver.next()? {
        records.push(record);
    }
    Ok(records)
}

fn rows(record: &Record) -> Vec<Vec<f64>> {
    let Some(Quantity::Array(field)) = record.value("E") else {
        panic!("no field in {record:?}")
    };
    let width = record.axis("x").unwrap().points.len();
    assert_eq!(field.data.len(), width * record.axis("t").unwrap().points.len());
    field.data.chunks(width).map(<[f64]>::to_vec).collect()
}

fn reference() -> Value {
    serde_json::from_str(include_str!("data/airy-public.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// The reference's parameters as a person would write them.
fn assignments(case: &Value) -> String {
    let parameters = case["params"].as_object().unwrap();
    let one = |(name, value): (&String, &Value)| match value.as_str() {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    };
    parameters.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn agrees_with_the_reference_at_every_point_and_step() {
    let reference = reference();
    for (name, case) in reference["cases"].as_object().unwrap() {
        for (column, h, cells) in [(3, "0.02", 50.0), (4, "0.01", 100.0), (5, "0.005", 200.0)] {
            let field = field(&format!("{} h={h} window=1000", assignments(case)));
            for point in case["points"].as_array().unwrap() {
                let (t, x) = (number(&point[0]), number(&point[1]));
                let found = field[(t * cells).round() as usize][(x * cells).round() as usize];
                let expected = number(&point[column]);
                assert!(
                    (found - expected).abs() <= 1e-11,
                    "{name}, h={h}, t={t}, x={x}: {found} not {expected}"
                );
            }
            let grid = &case["grid"][format!("h{h}")];
            assert_eq!(
                (field.len() as u64, field[0].len() as u64),
                (grid["rows"].as_u64().unwrap(), grid["cols"].as_u64().unwrap())
            );
            let values = || field.iter().flatten().copied();
            let sum: f64 = values().sum();
            let squares: f64 = values().map(|e| e * e).sum();
            let largest = values().fold(0.0, |largest: f64, e| largest.max(e.abs()));
            assert!(
                (sum / number(&grid["sum_E"]) - 1.0).abs() < 1e-11,
                "{name}, h={h}: sum {sum}"
            );
            assert!(
                (squares / number(&grid["sum_E2"]) - 1.0).abs() < 1e-11,
                "{name}, h={h}: squares {squares}"
            );
            assert!(
                (largest - number(&grid["max_abs_E"])).abs() < 1e-11,
                "{name}, h={h}: largest {largest}"
            );
        }
    }
}

/// The largest difference to the reference's exact column at its points.
fn error_at(case: &Value, h: &str, cells: f64) -> f64 {
    let field = field(&format!("{} h={h}", assignments(case)));
    let points = case["points"].as_array().unwrap().iter();
    points
        .map(|point| {
            let (t, x) = (number(&point[0]), number(&point[1]));
            (field[(t * cells).round() as usize][(x * cells).round() as usize] - number(&point[2])).abs()
        })
        .fold(0.0, f64::max)
}

#[test]
fn the_error_falls_by_four_when_h_is_halved() {
    for (name, case) in reference()["cases"].as_object().unwrap() {
        let (coarse, fine) = (error_at(case, "0.02", 50.0), error_at(case, "0.01", 100.0));
        assert!((coarse / fine - 4.0).abs() < 0.12, "{name}: {coarse} / {fine}");
    }
}

/// E = tau sum r^2m [g(t - nx - 2mn) + r g(t - n(2-x) - 2mn)], without loss and Kerr.
fn exact(eps: f64, t: f64, x: f64, g: impl Fn(f64) -> f64) -> f64 {
    let n = eps.sqrt();
    let (r, tau) = ((n - 1.0) / (n + 1.0), 2.0 / (n + 1.0));
    let echo = |m: i32| {
        let delay = 2.0 * f64::from(m) * n;
        r.powi(2 * m) * (g(t - n * x - delay) + r * g(t - n * (2.0 - x) - delay))
    };
    tau * (0..60).map(echo).sum::<f64>()
}

#[test]
fn other_pulses_and_layers_converge_to_the_exact_field() {
    // (eps, amp, a, scale, tc, front first)
    for (eps, amp, a, scale, tc, front) in [
        (1.0, 1.0, 0.05, 1.0, 15.0, true),
        (2.25, -0.7, 0.1, 2.0, 26.0, true),
        (9.0, 3.0, 1.0, 3.0, 84.0, false),
    ] {
        let g = |t: f64| {
            let s = if front { (tc - t) / scale } else { (t - tc) / scale };
            if t <= 0.0 {
                0.0
            } else {
                amp * kymo_solver::airy::ai(s) * (a * s).exp()
            }
        };
        let orientation = if front { "front_first" } else { "tail_first" };
        let worst = |h: &str, cells: usize| {
            let field = field(&format!(
                "eps={eps} amp={amp} a={a} scale={scale} tc={tc} orientation={orientation} t_max=120 h={h}"
            ));
            let rows = (0..=120 * 4).map(|i| i * cells / 4);
            let errors = rows.flat_map(|row| {
                let field = &field;
                [0, cells / 2, cells].map(|node| {
                    let (t, x) = (row as f64 / cells as f64, node as f64 / cells as f64);
                    (field[row][node] - exact(eps, t, x, g)).abs()
                })
            });
            errors.fold(0.0, f64::max)
        };
        let (coarse, fine) = (worst("0.05", 20), worst("0.025", 40));
        match eps {
            // Without contrast the scheme is exact but for rounding.
            1.0 => assert!(fine < 1e-12, "{fine}"),
            _ => assert!((coarse / fine - 4.0).abs() < 0.12, "eps={eps}: {coarse} / {fine}"),
        }
    }
}

/// How much nearer the field comes when h is halved, at these times (in 1/20) and places (in 1/10).
fn gain(physics: &str, times: impl Iterator<Item = u32> + Clone, places: &[u32]) -> f64 {
    let grids = [20, 40, 80].map(|cells| {
        let field = field(&format!("{physics} t_max=40 h={}", 1.0 / f64::from(cells)));
        let at =
            |(time, place): (u32, u32)| field[(time * cells / 20) as usize][(place * cells / 10) as usize];
        let points = times
            .clone()
            .flat_map(|time| places.iter().map(move |place| (time, *place)));
        points.map(at).collect::<Vec<f64>>()
    });
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    distance(&grids[0], &grids[1]) / distance(&grids[1], &grids[2])
}

#[test]
fn layers_and_kerr_are_of_second_order() {
    for physics in [
        "layers=0.2:4:0:0,0.5:1.5:0.4:0,1:2.25:0:0",
        "layers=0.5:4:0:0.3,1:2.25:0.3:0.5 amp=1.4",
        "orientation=tail_first a=1 scale=1 tc=30 kerr=0.3 amp=0.3 sigma=0.2",
    ] {
        let gain = gain(physics, (0..=800).step_by(5), &[0, 3, 7, 10]);
        assert!((gain - 4.0).abs() < 0.3, "{physics}: {gain}");
    }
}

#[test]
fn a_switch_is_of_second_order_where_its_fronts_have_not_come() {
    // The field jumps at t_s; from then on fronts run inwards from both ends at 1/sqrt(eps2).
    for physics in ["t_s=18 eps2=2.5", "t_s=18 eps2=9", "sigma=0.1 t_s=18 eps2=2"] {
        let gain = gain(physics, 362..=364, &[3, 5, 7]);
        assert!((gain - 4.0).abs() < 0.3, "{physics}: {gain}");
    }
}

#[test]
fn what_goes_in_is_reflected_transmitted_or_turned_to_heat() {
    for (parameters, reflected, transmitted, heat) in [
        ("eps=4", 0.178342, 0.713753, 0.0),
        ("eps=4 sigma=0.5", 0.152041, 0.542447, 0.197608),
        ("kerr=0.5 amp=1.5", 0.409616, 1.597599, 0.0),
    ] {
        let h = 0.01;
        let rows = field(parameters);
        let incident = field(&format!(
            "eps=1{}",
            if parameters.contains("amp") {
                " amp=1.5"
            } else {
                ""
            }
        ));
        let energy = |e: f64| h * e * e;
        let r: f64 = rows
            .iter()
            .zip(&incident)
            .map(|(row, g)| energy(row[0] - g[0]))
            .sum();
        let t: f64 = rows.iter().map(|row| energy(row[100])).sum();
        let q: f64 = rows
            .iter()
            .flat_map(|row| row.iter().enumerate())
            .map(|(j, e)| h * energy(*e) * if j == 0 || j == 100 { 0.5 } else { 1.0 })
            .sum();
        let q = if heat > 0.0 { 0.5 * q } else { 0.0 };
        assert!((r - reflected).abs() < 2e-6, "{parameters}: reflected {r}");
        assert!((t - transmitted).abs() < 2e-6, "{parameters}: transmitted {t}");
        assert!((q - heat).abs() < 2e-6, "{parameters}: heat {q}");
    }
}

#[test]
fn one_layer_in_pieces_is_one_layer() {
    let whole = field("eps=2.25 sigma=0.3 kerr=0.4 amp=1.5 t_max=40");
    let pieces = field("layers=0.25:2.25:0.3:0.4,1:2.25:0.3:0.4 amp=1.5 t_max=40 window=7");
    assert_eq!(whole, pieces);
    let switched = field("eps=4 sigma=0.1 t_s=20 eps2=4 sigma2=0.1 t_max=40");
    assert_eq!(switched, field("eps=4 sigma=0.1 t_max=40"));
}

#[test]
fn an_iteration_is_a_window_of_rows() {
    let records = records("").unwrap();
    assert_eq!(records.len(), 101);
    let last = records.last().unwrap();
    assert_eq!(
        (last.iteration, last.total, rows(last).len()),
        (101, Some(101), 1)
    );
    let line = records[2].to_json();
    let line = String::from_utf8(line[..180].to_vec()).unwrap();
    insta::assert_snapshot!(line, @r#"{"iteration":3,"total":101,"axes":{"t":{"unit":"L/v","start":2.0,"step":0.01,"count":100},"x":{"unit":"L","start":0.0,"step":0.01,"count":101}},"values":{"E":{"axes":["t","x"],"dat"#);
    let even = |record: &Record, axis: &str| format!("{:?}", record.axis(axis).unwrap().points);
    insta::assert_snapshot!(even(last, "t"), @"Even { start: 100.0, step: 0.01, count: 1 }");
    assert!(rows(&records[0])[0].iter().all(|e| *e == 0.0));
}

/// Goes on from the JSON text of what a log would hand back, and returns the records from there on.
fn resumed(assignments: &str, records: &[Record], after: usize) -> Vec<Record> {
    let airy = find_built_in("airy").unwrap();
    let assignments: Vec<&str> = assignments.split_whitespace().collect();
    let run = airy.card.read(&assignments).unwrap();
    let mut solver = airy.start(&run.parameters).unwrap();
    let past: Vec<Record> = records[after.saturating_sub(2)..after]
        .iter()
        .map(|record| Record::parse(&record.to_json()).unwrap())
        .collect();
    solver.restore(&past).unwrap();
    std::iter::from_fn(|| solver.next().unwrap()).collect()
}

#[test]
fn a_restart_changes_no_bit() {
    for physics in [
        "eps=4",
        "sigma=0.5",
        "kerr=0.5 amp=1.5",
        "layers=0.5:4,1:2.25:0.3:0.2",
        "t_s=20 eps2=2 sigma2=0.3",
    ] {
        for (window, places) in [
            (1, [1, 2, 1000]),
            (7, [1, 143, 200]),
            (200, [1, 5, 9]),
            (3333, [1, 1, 1]),
        ] {
            let assignments = format!("{physics} h=0.02 t_max=40 window={window}");
            let records = records(&assignments).unwrap();
            for after in places {
                let resumed = resumed(&assignments, &records, after.min(records.len()));
                assert_eq!(
                    resumed,
                    records[after.min(records.len())..],
                    "{assignments} after {after}"
                );
            }
        }
    }
}

#[test]
fn a_past_that_does_not_fit_is_refused() {
    let past = |assignments: &str, change: fn(&mut Vec<Record>)| {
        let mut records = records("t_max=1 window=10").unwrap();
        records.truncate(3);
        change(&mut records);
        let airy = find_built_in("airy").unwrap();
        let run = airy
            .card
            .read(&assignments.split_whitespace().collect::<Vec<_>>())
            .unwrap();
        airy.start(&run.parameters)
            .unwrap()
            .restore(&records)
            .map_err(|error| error.to_string())
    };
    let told = [
        past("t_max=1 window=20", |_| ()),
        past("t_max=1 window=10 h=0.02", |_| ()),
        past("t_max=1 window=10", |records| records[2].values.clear()),
        past("t_max=0.2 window=10", |_| ()),
        past("t_max=1 window=10", |records| records[2].iteration = 4),
        past("t_max=1 window=10", |records| {
            let Quantity::Array(field) = &mut records[2].values[0].1 else {
                unreachable!()
            };
            field.data[7] = f64::NAN;
        }),
    ];
    let told = told.map(|told| told.map_or_else(|told| told, |()| "nothing".to_owned()));
    insta::assert_snapshot!(told.join("\n"), @r#"
cannot go on after iteration 3: iteration 3 in the log has another shape than these parameters make; start the run afresh
cannot go on after iteration 3: iteration 3 in the log has another shape than these parameters make; start the run afresh
cannot go on after iteration 3: iteration 3 in the log has another shape than these parameters make; start the run afresh
cannot go on after iteration 3: iteration 3 in the log has another shape than these parameters make; start the run afresh
cannot go on after iteration 4: iteration 4 in the log has another shape than these parameters make; start the run afresh
cannot go on after iteration 3: iteration 3 holds a value that is no finite number; start the run afresh
"#);
}

#[test]
fn parameters_that_do_not_go_together_are_refused() {
    let told: Vec<String> = [
        "h=0.03",
        "h=0.3",
        "t_max=0.015",
        "t_max=0.001",
        "tc=5",
        "scale=3",
        "orientation=tail_first",
        "orientation=tail_first a=1e-9",
        "t_s=20",
        "eps2=2",
        "t_s=0.005 eps2=2",
        "t_s=101 eps2=2",
        "layers=0.5:4",
        "layers=0.5:4,0.5:2,1:3",
        "layers=0.505:4,1:3",
        "layers=1:0.9",
        "layers=1:4:-1",
        "layers=1",
        "layers=1:4:0:0:0",
        "layers=1:four",
        "layers=1:nan",
        "layers=1:4 sigma=1",
        "h=0.00001 t_max=100000",
        "h=0.0001 window=1000",
        "h=0.0001 window=1000000 t_max=1000",
        "eps=1.3 kerr=-0.5",
        "kerr=-2",
    ]
    .iter()
    .map(|assignments| match records(assignments) {
        Ok(_) => format!("{assignments}: fine"),
        Err(error) => format!("{assignments}: {error}"),
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
h=0.03: h=0.03: 1/h = 33.333333 must be a whole number of at least 2; use e.g. h=0.025
h=0.3: h=0.3: 1/h = 3.3333333 must be a whole number of at least 2; use e.g. h=0.25
t_max=0.015: t_max=0.015: t_max/h = 1.5 must be a whole number of at least 1; use e.g. t_max=0.02
t_max=0.001: t_max=0.001: t_max/h = 0.1 must be a whole number of at least 1; use e.g. t_max=0.01
tc=5: tc=5: at t = 0 the pulse already has 1.4e-4 of its amplitude, and at most 1e-12 is allowed; use tc=12 or later
scale=3: tc=15: at t = 0 the pulse already has 1.4e-4 of its amplitude, and at most 1e-12 is allowed; use tc=36 or later
orientation=tail_first: tc=15: at t = 0 the pulse already has 1.3e-1 of its amplitude, and at most 1e-12 is allowed; use tc=530 or later
orientation=tail_first a=1e-9: tc=15: at t = 0 the pulse already has 2.8e-1 of its amplitude, and at most 1e-12 is allowed; use another a or a much later tc
t_s=20: t_s=20 switches nothing; add eps2 or sigma2, e.g. eps2=2
eps2=2: eps2 and sigma2 need the time of the switch; add e.g. t_s=20
t_s=0.005 eps2=2: t_s=0.005: t_s/h = 0.5 must be a whole number of at least 1; use e.g. t_s=0.01
t_s=101 eps2=2: t_s=101 is later than t_max; use an earlier t_s
layers=0.5:4: layers: the last layer ends at x=0.5; it must end at 1
layers=0.5:4,0.5:2,1:3: layers: a layer until x=0.5 does not fit; layers end at growing multiples of h=0.01 up to 1
layers=0.505:4,1:3: layers: a layer until x=0.505 does not fit; layers end at growing multiples of h=0.01 up to 1
layers=1:0.9: layers: "1:0.9" is out of range; write until:eps:sigma:kerr with eps >= 1 and sigma >= 0, e.g. 0.5:4:0:0
layers=1:4:-1: layers: "1:4:-1" is out of range; write until:eps:sigma:kerr with eps >= 1 and sigma >= 0, e.g. 0.5:4:0:0
layers=1: layers: "1" does not have two to four numbers; write until:eps:sigma:kerr with eps >= 1 and sigma >= 0, e.g. 0.5:4:0:0
layers=1:4:0:0:0: layers: "1:4:0:0:0" does not have two to four numbers; write until:eps:sigma:kerr with eps >= 1 and sigma >= 0, e.g. 0.5:4:0:0
layers=1:four: layers: "1:four" is not made of numbers; write until:eps:sigma:kerr with eps >= 1 and sigma >= 0, e.g. 0.5:4:0:0
layers=1:nan: layers: "1:nan" is not made of numbers; write until:eps:sigma:kerr with eps >= 1 and sigma >= 0, e.g. 0.5:4:0:0
layers=1:4 sigma=1: layers already gives sigma for each layer; leave sigma out
h=0.00001 t_max=100000: h and t_max make 10000000001 rows of 100001 values, more than 10000000000000 in all; use a larger h or a smaller t_max
h=0.0001 window=1000: window=1000 rows of 10001 values are more than 4000000 values in one iteration; use window=390 or less
h=0.0001 window=1000000 t_max=1000: window=1000000 rows of 10001 values are more than 4000000 values in one iteration; use window=390 or less
eps=1.3 kerr=-0.5: iteration 16 failed: eps + 3 kerr E^2 fell below 1 at t=15.51, x=0 (E=0.4485418089533871), where no solution is stable; use a smaller amp, a larger eps or a kerr nearer to 0
kerr=-2: fine
"#);
}

#[test]
fn a_negative_kerr_is_fine_while_the_medium_is_stable() {
    let rows = field("kerr=-0.5 amp=1.5 h=0.02");
    let largest = rows
        .iter()
        .flatten()
        .fold(0.0, |largest: f64, e| largest.max(e.abs()));
    assert!((0.5..0.9).contains(&largest), "{largest}");
}
