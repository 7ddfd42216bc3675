//! The card of `airy`, and the checks that need several of its parameters at once.

use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::{Parameters, shown, shown_number};

use super::medium::{Layer, Medium};
use super::pulse::{Orientation, Pulse};
use crate::SolverError;
use crate::card::{Checked, also_called, choice, optional_real, optional_text, real, whole, with_unit};

/// The pulse must not have arrived at t = 0, or the quiescent start would be wrong.
const LARGEST_START: f64 = 1e-12;

/// One iteration's values are held in memory and written as text at once: 100 MB of it.
const LARGEST_WINDOW: u64 = 4_000_000;

/// A run this long would take days and overflow every disk.
const MOST_VALUES: f64 = 1e13;

/// How far 1/h and t_max/h may be from whole numbers; h is written in decimal.
const ROUNDING: f64 = 1e-6;

/// What is to be computed, all checks passed.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// The incident pulse.
    pub pulse: Pulse,
    /// The medium on the mesh.
    pub medium: Medium,
    /// 1/N: the step in x and in t.
    pub h: f64,
    /// The last row Nt.
    pub last_row: u64,
    /// Rows per iteration.
    pub window: u64,
}

/// How people meet `airy`.
pub fn card() -> SolverCard {
    let parameters = vec![
        real(
            "eps",
            4.0,
            Some(1.0),
            None,
            "permittivity of the layer over that of the background; up to 25 is usual",
        ),
        real(
            "sigma",
            0.0,
            Some(0.0),
            None,
            "conductivity sigma L Z_b of the layer; h sigma/eps up to 0.1 is accurate",
        ),
        real(
            "kerr",
            0.0,
            None,
            None,
            "Kerr coefficient alpha/eps_b; below 0 only while eps + 3 kerr E^2 >= 1, kerr amp^2 up to 1 is accurate",
        ),
        also_called(
            "A",
            real(
                "amp",
                1.0,
                None,
                None,
                "amplitude A of the pulse A Ai(S) exp(a S)",
            ),
        ),
        real(
            "a",
            0.05,
            Some(1e-9),
            None,
            "decay of the pulse's tail; 0.02 to 1 is usual",
        ),
        with_unit(
            "L/v",
            also_called(
                "T",
                real(
                    "scale",
                    1.0,
                    Some(1e-9),
                    None,
                    "duration T of the pulse's unit of S",
                ),
            ),
        ),
        with_unit(
            "L/v",
            real("tc", 15.0, Some(0.0), None, "when S = 0 arrives at x = 0"),
        ),
        choice(
            "orientation",
            &["front_first", "tail_first"],
            "which end of the pulse arrives first",
        ),
        with_unit(
            "L",
            real(
                "h",
                0.01,
                Some(1e-5),
                Some(0.5),
                "step in x and in t; 1/h is whole: 0.05, 0.02, 0.01, 0.005",
            ),
        ),
        with_unit(
            "L/v",
            real("t_max", 100.0, Some(1e-5), None, "until when; t_max/h is whole"),
        ),
        with_unit(
            "L/v",
            optional_real(
                "t_s",
                Some(1e-5),
                None,
                "when the layer is switched; t_s/h is whole",
            ),
        ),
        optional_real(
            "eps2",
            Some(1.0),
            None,
            "eps after the switch; without it eps stays",
        ),
        optional_real(
            "sigma2",
            Some(0.0),
            None,
            "sigma after the switch; without it sigma stays",
        ),
        optional_text(
            "layers",
            2000,
            "several layers from x = 0 to 1 as until:eps:sigma:kerr, e.g. 0.5:4:0:0,1:2.25:0.3:0; replaces eps, sigma and kerr",
        ),
        whole("window", 100, 1, 1_000_000, "rows of the mesh per iteration"),
    ];
    SolverCard {
        name: "airy".to_owned(),
        version: "1".to_owned(),
        help: "An Airy pulse enters a plane-layered dielectric: the field E(t, x) by the method of approximating functions"
            .to_owned(),
        view: Some("E[x=0.6]".to_owned()),
        needs: Default::default(),
        parameters,
    }
}

impl Setup {
    /// Checks what the card cannot: parameters together.
    pub fn new(parameters: &Parameters) -> Result<Self, SolverError> {
        let given = Checked(parameters);
        let cells = cell_count(given.number("h"))?;
        let h = 1.0 / cells as f64;
        let last_row = row_of("t_max", given.number("t_max"), h)?;
        let window = given.count("window");
        check_size(cells, last_row, window)?;
        let pulse = pulse(&given)?;
        let layers = layers(&given, cells)?;
        let medium = match switch(&given, h, last_row, &layers)? {
            Some((row, after)) => Medium::new(&layers, Some((row, &after))),
            None => Medium::new(&layers, None),
        };
        Ok(Self {
            pulse,
            medium,
            h,
            last_row,
            window,
        })
    }
}

fn refused<T>(reason: String) -> Result<T, SolverError> {
    Err(SolverError::Refused(reason))
}

fn cell_count(h: f64) -> Result<u64, SolverError> {
    let cells = 1.0 / h;
    let whole = cells.round().max(2.0);
    if (cells - whole).abs() > ROUNDING * whole {
        return refused(format!(
            "h={}: 1/h = {} must be a whole number of at least 2; use e.g. h={}",
            shown_number(h),
            shown_number(rounded(cells, Direction::Nearest, 8)),
            shown_number(round_step(h))
        ));
    }
    Ok(whole as u64)
}

/// The step nearest to `h` that is written with two digits: 0.025 rather than 0.030303.
fn round_step(h: f64) -> f64 {
    let steps = (1..=5).flat_map(|decimals| {
        let unit = 10u64.pow(decimals);
        (1..100)
            .filter(move |digits| unit % digits == 0 && unit / digits >= 2)
            .map(move |digits| digits as f64 / unit as f64)
    });
    let distance = |step: &f64| (step / h).ln().abs();
    steps
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(0.01)
}

/// The row at a time that must be a whole number of steps.
fn row_of(name: &str, time: f64, h: f64) -> Result<u64, SolverError> {
    let rows = time / h;
    let whole = rows.round().max(1.0);
    if (rows - whole).abs() > ROUNDING {
        return refused(format!(
            "{name}={}: {name}/h = {} must be a whole number of at least 1; use e.g. {name}={}",
            shown_number(time),
            shown_number(rounded(rows, Direction::Nearest, 8)),
            shown_number(rounded(whole * h, Direction::Nearest, 12))
        ));
    }
    Ok(whole as u64)
}

#[derive(Clone, Copy)]
enum Direction {
    Up,
    Nearest,
    Down,
}

/// A number that people like to type: at most so many digits, the rest is zeros.
fn rounded(x: f64, direction: Direction, digits: i32) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let last = x.abs().log10().floor() as i32 + 1 - digits;
    // Powers of ten with a negative exponent are not exact; dividing by those that are gives the nearest decimal.
    let (up, down) = (10f64.powi(-last.min(0)), 10f64.powi(last.max(0)));
    let scaled = x * up / down;
    let whole = match direction {
        Direction::Up => scaled.ceil(),
        Direction::Nearest => scaled.round(),
        Direction::Down => scaled.floor(),
    };
    whole * down / up
}

fn check_size(cells: u64, last_row: u64, window: u64) -> Result<(), SolverError> {
    let row = cells + 1;
    if (last_row as f64 + 1.0) * row as f64 > MOST_VALUES {
        return refused(format!(
            "h and t_max make {} rows of {row} values, more than {} in all; use a larger h or a smaller t_max",
            shown_number(last_row as f64 + 1.0),
            shown_number(MOST_VALUES)
        ));
    }
    if window.min(last_row + 1) * row > LARGEST_WINDOW {
        return refused(format!(
            "window={window} rows of {row} values are more than {LARGEST_WINDOW} values in one iteration; use window={} or less",
            rounded((LARGEST_WINDOW / row) as f64, Direction::Down, 2)
        ));
    }
    Ok(())
}

fn pulse(given: &Checked) -> Result<Pulse, SolverError> {
    let orientation = match given.find_text("orientation") {
        Some("tail_first") => Orientation::TailFirst,
        Some(_) | None => Orientation::FrontFirst,
    };
    let (scale, arrival) = (given.number("scale"), given.number("tc"));
    let pulse = Pulse {
        amplitude: given.number("amp"),
        decay: given.number("a"),
        scale,
        arrival,
        orientation,
    };
    let start = pulse.shape(0.0).abs();
    if start.is_nan() || start > LARGEST_START {
        let is_enough = |arrival: f64| {
            let later = Pulse {
                arrival,
                ..pulse.clone()
            };
            later.shape(0.0).abs() <= LARGEST_START / 2.0
        };
        // The tail oscillates: passing through zero is not enough.
        let stays_enough = |tc: &f64| (0..40).all(|quarter| is_enough(tc + f64::from(quarter) * scale / 4.0));
        let later = (1..2000)
            .map(|i| rounded(arrival + f64::from(i) * scale, Direction::Up, 2))
            .find(stays_enough);
        let remedy = match later {
            Some(tc) => format!("use tc={} or later", shown_number(tc)),
            None => "use another a or a much later tc".to_owned(),
        };
        return refused(format!(
            "tc={}: at t = 0 the pulse already has {start:.1e} of its amplitude, and at most {LARGEST_START:e} is allowed; {remedy}",
            shown_number(arrival)
        ));
    }
    Ok(pulse)
}

/// The layer of each cell.
fn layers(given: &Checked, cells: u64) -> Result<Vec<Layer>, SolverError> {
    let (eps, sigma, kerr) = (given.number("eps"), given.number("sigma"), given.number("kerr"));
    let only = Layer { eps, sigma, kerr };
    let Some(text) = given.find_text("layers").filter(|text| !text.is_empty()) else {
        return Ok(vec![only; cells as usize]);
    };
    let default = card();
    for name in ["eps", "sigma", "kerr"] {
        let own = default.find_parameter(name).and_then(|card| card.default.clone());
        if own != given.0.0.get(name).cloned() {
            return refused(format!(
                "layers already gives {name} for each layer; leave {name} out"
            ));
        }
    }
    let mut layers = Vec::with_capacity(cells as usize);
    for part in text.split(',') {
        let (until, layer) = one_layer(part.trim())?;
        let end = (until * cells as f64).round();
        if (until * cells as f64 - end).abs() > ROUNDING || end <= layers.len() as f64 || end > cells as f64 {
            return refused(format!(
                "layers: a layer until x={} does not fit; layers end at growing multiples of h={} up to 1",
                shown_number(until),
                shown_number(1.0 / cells as f64)
            ));
        }
        layers.resize(end as usize, layer);
    }
    match layers.len() as u64 == cells {
        true => Ok(layers),
        false => refused(format!(
            "layers: the last layer ends at x={}; it must end at 1",
            shown_number(layers.len() as f64 / cells as f64)
        )),
    }
}

fn one_layer(text: &str) -> Result<(f64, Layer), SolverError> {
    let bad = |reason: &str| {
        SolverError::Refused(format!(
            "layers: {} {reason}; write until:eps:sigma:kerr with eps >= 1 and sigma >= 0, e.g. 0.5:4:0:0",
            shown(text)
        ))
    };
    let numbers: Vec<f64> = text
        .split(':')
        .map(|number| number.trim().parse().ok().filter(|x: &f64| x.is_finite()))
        .collect::<Option<_>>()
        .ok_or_else(|| bad("is not made of numbers"))?;
    let (until, layer) = match numbers[..] {
        [until, eps] => (
            until,
            Layer {
                eps,
                sigma: 0.0,
                kerr: 0.0,
            },
        ),
        [until, eps, sigma] => (
            until,
            Layer {
                eps,
                sigma,
                kerr: 0.0,
            },
        ),
        [until, eps, sigma, kerr] => (until, Layer { eps, sigma, kerr }),
        _ => return Err(bad("does not have two to four numbers")),
    };
    match layer.eps >= 1.0 && layer.sigma >= 0.0 {
        true => Ok((until, layer)),
        false => Err(bad("is out of range")),
    }
}

/// The row of the switch and the layers after it.
fn switch(
    given: &Checked,
    h: f64,
    last_row: u64,
    layers: &[Layer],
) -> Result<Option<(u64, Vec<Layer>)>, SolverError> {
    let (eps, sigma) = (given.find_number("eps2"), given.find_number("sigma2"));
    match (given.find_number("t_s"), eps.or(sigma)) {
        (None, None) => Ok(None),
        (None, Some(_)) => refused("eps2 and sigma2 need the time of the switch; add e.g. t_s=20".to_owned()),
        (Some(t_s), None) => refused(format!(
            "t_s={} switches nothing; add eps2 or sigma2, e.g. eps2=2",
            shown_number(t_s)
        )),
        (Some(t_s), Some(_)) => {
            let row = row_of("t_s", t_s, h)?;
            if row > last_row {
                return refused(format!(
                    "t_s={} is later than t_max; use an earlier t_s",
                    shown_number(t_s)
                ));
            }
            let after = layers.iter().map(|layer| Layer {
                eps: eps.unwrap_or(layer.eps),
                sigma: sigma.unwrap_or(layer.sigma),
                ..*layer
            });
            Ok(Some((row, after.collect())))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn advice_is_round() {
        for (h, step) in [
            (0.03, 0.025),
            (0.3, 0.25),
            (0.333, 0.25),
            (0.007, 0.008),
            (0.0003, 0.00032),
            (0.000_012, 0.000_01),
        ] {
            assert_eq!(round_step(h), step, "near {h}");
        }
        assert_eq!(rounded(399.0, Direction::Down, 2), 390.0);
        assert_eq!(rounded(476.4, Direction::Up, 2), 480.0);
        assert_eq!(rounded(3.0 * 0.1, Direction::Nearest, 12), 0.3);
        assert_eq!(rounded(7e-9, Direction::Nearest, 12), 7e-9);
    }

    proptest! {
        #[test]
        fn advice_is_accepted(h in 1e-5..0.5f64, time in 1e-5..1e4f64) {
            let step = round_step(h);
            prop_assert!(cell_count(step).is_ok());
            prop_assert!((1e-5..=0.5).contains(&step) && (step / h).ln().abs() < 0.5, "{step} for {h}");
            if let Err(error) = row_of("t_max", time, step) {
                let text = error.to_string();
                let advice = text.rsplit_once('=').and_then(|(_, time)| time.parse().ok()).expect("a time");
                prop_assert!(row_of("t_max", advice, step).is_ok(), "{text}");
            }
        }
    }
}
