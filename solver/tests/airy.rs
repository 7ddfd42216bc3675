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
