//! `airy`: the built-in pulse without output, beside the naive sum over the whole past.

use kymo_runlog::{Parameters, Value};
use kymo_solver::airy::{Airy, naive_sum};
use kymo_solver::find_built_in;

use crate::{Figure, cpu_ms};

/// The naive sum costs the square of the nodes: only its first rows are computed, the rest is scaled up.
const NAIVE_ROWS: u64 = 2000;
const NAIVE: &str = "naive sum over the past, scaled from its first rows";

/// Linear and Kerr, on the demonstration's grid and on one ten times finer.
pub fn airy() -> anyhow::Result<Vec<Figure>> {
    let kerr = [("kerr", 0.5), ("amp", 1.5)];
    Ok(vec![
        Figure::new("airy.linear", ms(&[], 41)?, "ms")
            .goal(1.5)
            .beside(NAIVE, naive_ms(&[])?),
        Figure::new("airy.kerr", ms(&kerr, 41)?, "ms")
            .goal(8.0)
            .beside(NAIVE, naive_ms(&kerr)?),
        Figure::new("airy.linear_fine", ms(&[("h", 0.001)], 3)? / 1e3, "s").goal(0.3),
        Figure::new(
            "airy.kerr_fine",
            ms(&[("h", 0.001), ("kerr", 0.5), ("amp", 1.5)], 3)? / 1e3,
            "s",
        )
        .goal(1.2),
    ])
}

/// Median CPU milliseconds of a whole calculation, its pulse included.
fn ms(given: &[(&str, f64)], times: usize) -> anyhow::Result<f64> {
    let parameters = parameters(given)?;
    Airy::start(&parameters)?.sum()?;
    Ok(cpu_ms(times, || {
        let sum = Airy::start(&parameters).map(Airy::sum);
        std::hint::black_box(&sum);
    }))
}

fn naive_ms(given: &[(&str, f64)]) -> anyhow::Result<f64> {
    let parameters = parameters(given)?;
    naive_sum(&parameters, 10)?;
    let rows = cpu_ms(1, || {
        std::hint::black_box(naive_sum(&parameters, NAIVE_ROWS).is_ok());
    });
    // Each row costs the same once the past is longer than the layer.
    Ok(rows * 10_001.0 / NAIVE_ROWS as f64)
}

fn parameters(given: &[(&str, f64)]) -> anyhow::Result<Parameters> {
    let solver = find_built_in("airy").expect("airy is built in");
    let given = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::Number(*value)))
        .collect();
    let run = solver.card.complete(&Parameters(given)).map_err(|problems| {
        anyhow::anyhow!(
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; ")
        )
    })?;
    Ok(run.parameters)
}
