//! Draws the pictures that one should look at after a change: `cargo run -p kymo-graph-worker --example gallery -- DIR`.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta};
use kymo_graph_worker::{Canvas, Names, Plot, Progress, Scene, Theme, Tools};
use kymo_runlog::view::View;
use kymo_runlog::{Array, Axis, Outcome, Points, Quantity, Record};

/// A reproducible noise in -0.5..0.5.
fn noise(i: usize) -> f64 {
    let mut x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03;
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

fn pulse(t: f64, x: f64) -> f64 {
    let s = (t - 22.0 - 4.0 * x) / 6.0;
    0.42 * (-0.5 * s * s).exp() * (2.6 * s + 0.4).cos()
        - 0.05 * (-((t - 60.0 + 5.0 * x) / 9.0).powi(2)).exp() * (0.9 * t).sin()
}

fn over_time(window: usize, iterations: u64, total: u64, y: impl Fn(usize) -> f64) -> Vec<Record> {
    (0..iterations)
        .map(|k| {
            let first = k as usize * window;
            let data = (first..first + window).map(&y).collect();
            let array = Array {
                axes: vec!["t".into()],
                data,
                unit: None,
            };
            let axis = Axis {
                unit: Some("L/v".into()),
                points: Points::Even {
                    start: first as f64 * 0.01,
                    step: 0.01,
                    count: window,
                },
            };
            record(
                k + 1,
                Some(total),
                vec![("t".into(), axis)],
                vec![("E".into(), Quantity::Array(array))],
            )
        })
        .collect()
}

fn record(
    iteration: u64,
    total: Option<u64>,
    axes: Vec<(String, Axis)>,
    values: Vec<(String, Quantity)>,
) -> Record {
    Record {
        iteration,
        total,
        axes,
        values,
        state: None,
        pace: None,
    }
}

fn field(iterations: u64) -> Vec<Record> {
    (0..iterations)
        .map(|k| {
            let rows = 100;
            let first = k as usize * rows;
            let at = |i: usize| pulse((first + i / 101) as f64 * 0.01, (i % 101) as f64 * 0.01);
            let array = Array {
                axes: vec!["t".into(), "x".into()],
                data: (0..rows * 101).map(at).collect(),
                unit: None,
            };
            let t = Points::Even {
                start: first as f64 * 0.01,
                step: 0.01,
                count: rows,
            };
            let x = Points::Even {
                start: 0.0,
                step: 0.01,
                count: 101,
            };
            let axes = vec![
                (
                    "t".into(),
                    Axis {
                        unit: Some("L/v".into()),
                        points: t,
                    },
                ),
                (
                    "x".into(),
                    Axis {
                        unit: Some("L".into()),
                        points: x,
                    },
                ),
            ];
            record(k + 1, Some(101), axes, vec![("E".into(), Quantity::Array(array))])
        })
        .collect()
}

fn scalars(
    iterations: u64,
    total: Option<u64>,
    values: impl Fn(u64) -> Vec<(&'static str, f64)>,
) -> Vec<Record> {
    let named = |i| {
        values(i)
            .into_iter()
            .map(|(name, v)| (name.to_owned(), Quantity::Scalar(v)))
            .collect()
    };
    (1..=iterations)
        .map(|i| record(i, total, vec![], named(i)))
        .collect()
}

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "gallery".to_owned()));
    std::fs::create_dir_all(&folder).expect("a folder for the pictures");
    let only = std::env::args().nth(2);
    let airy =
        "airy.a-0.05.amp-1.5.eps-4.h-0.01.kerr-0.5.orientation-front-first.scale-1.sigma-0.t-max-100.tc-15";
    let train = "train.batch-64.lr-0.001.model-resnet18";
    let cases: Vec<(&str, &str, &str, &str, Vec<Record>)> = vec![
        ("empty", airy, "kerr=0.5 amp=1.5 · 3f9a12bc", "E", vec![]),
        (
            "one",
            train,
            "lr=0.001 · 3f9a12bc",
            "loss",
            scalars(1, Some(40), |_| vec![("loss", 2.31)]),
        ),
        (
            "few",
            train,
            "lr=0.001 · 3f9a12bc",
            "loss",
            scalars(23, Some(40), |i| {
                vec![(
                    "loss",
                    2.3 * (-(i as f64) / 9.0).exp() + 0.11 + 0.05 * noise(i as usize),
                )]
            }),
        ),
        (
            "airy-slice",
            airy,
            "kerr=0.5 amp=1.5 · 3f9a12bc",
            "E[x=0.6]",
            field(38),
        ),
        (
            "airy-done",
            airy,
            "kerr=0.5 amp=1.5 · 3f9a12bc",
            "E[x=0.6]",
            field(100),
        ),
        (
            "airy-profile",
            airy,
            "kerr=0.5 amp=1.5 · 3f9a12bc",
            "E[t=last]",
            field(24),
        ),
        (
            "airy-heat",
            airy,
            "kerr=0.5 amp=1.5 · 3f9a12bc",
            "heat:E",
            field(62),
        ),
        ("heat-unsigned", train, "lr=0.001", "heat:u", {
            let mut records = field(40);
            for record in &mut records {
                record.values[0].0 = "u".into();
                if let Quantity::Array(array) = &mut record.values[0].1 {
                    array.data.iter_mut().for_each(|v| *v = 1e-7 * *v * *v);
                }
            }
            records
        }),
        (
            "noise-1e3",
            train,
            "lr=0.001",
            "E",
            over_time(100, 10, 40, |i| (i as f64 / 160.0).sin() + 0.6 * noise(i)),
        ),
        (
            "noise-1e5",
            train,
            "lr=0.001",
            "E",
            over_time(1000, 100, 140, |i| {
                (i as f64 / 16e3).sin() + 0.6 * noise(i) + if i % 9973 == 17 { 1.4 } else { 0.0 }
            }),
        ),
        (
            "noise-1e6",
            train,
            "lr=0.001",
            "E",
            over_time(10_000, 100, 140, |i| {
                (i as f64 / 16e4).sin() * noise(i) + 0.1 * noise(i + 7)
            }),
        ),
        (
            "holes",
            train,
            "lr=0.001",
            "loss",
            scalars(300, None, |i| {
                vec![(
                    "loss",
                    if (80..130).contains(&i) || i % 37 == 0 {
                        f64::NAN
                    } else {
                        (i as f64 / 30.0).cos()
                    },
                )]
            }),
        ),
        (
            "lorenz",
            "lorenz.beta-2.6666666666666665.rho-28.sigma-10",
            "rho=28 · a1b2c3d4",
            "x,y,z",
            scalars(900, Some(3400), |i| {
                let t = i as f64 / 40.0;
                vec![
                    ("x", 8.0 * t.sin() + 4.0 * (3.1 * t).sin()),
                    ("y", 9.0 * (t + 0.3).sin() + 6.0 * (3.1 * t).cos()),
                    ("z", 25.0 + 9.0 * (2.0 * t).cos()),
                ]
            }),
        ),
        (
            "tiny",
            "tiny.😀.имя",
            "name=😀🚀 مرحبا שלום Ω=Їжак",
            "v",
            scalars(50, Some(50), |i| vec![("v", 1e-300 * i as f64)]),
        ),
        (
            "huge",
            train,
            "a=1",
            "v",
            scalars(50, Some(50), |i| vec![("v", 1e300 * (i as f64).sin())]),
        ),
        (
            "constant",
            train,
            "a=1",
            "v",
            scalars(1000, Some(5000), |_| vec![("v", 3.25)]),
        ),
        (
            "nearly-constant",
            train,
            "a=1",
            "energy",
            scalars(80, Some(100), |i| {
                vec![("energy", 0.892_103_000 + 1e-10 * noise(i as usize))]
            }),
        ),
        (
            "all-nan",
            train,
            "a=1",
            "v",
            scalars(12, Some(100), |_| vec![("v", f64::NAN)]),
        ),
    ];
    let newest = DateTime::parse_from_rfc3339("2026-11-22T14:02:10+02:00").expect("a constant date");
    let mut tools = Tools::default();
    for (name, topic, subtitle, view, records) in cases {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let view: View = view.parse().expect("a view");
        let mut plot = Plot::new(&view.what);
        let mut progress = Progress::default();
        progress.attempt = 1;
        let n = records.len() as i64;
        for (i, record) in records.iter().enumerate() {
            plot.push(record, i == 0)
                .expect("the gallery's views fit its records");
            progress.advance(
                record,
                newest.to_utc() - TimeDelta::seconds((n - 1 - i as i64) * 7),
            );
        }
        if name.ends_with("done") {
            progress.end(Outcome {
                iterations: records.len() as u64,
                finished: true,
            });
        }
        for (theme, word) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
            let plot = (!records.is_empty()).then_some(&plot);
            let now = newest + TimeDelta::seconds(3);
            let (parameters, short) = subtitle.split_once(" · ").unwrap_or((subtitle, "3f9a12bc"));
            let solver = topic.split(['.', '-']).next().unwrap_or(topic);
            let names = Names {
                title: format!("{solver} {parameters}"),
                topic: topic.to_owned(),
                short: short.to_owned(),
            };
            let scene = Scene {
                names: &names,
                plot,
                ordinal: view.ordinal,
                progress: &progress,
                now,
                theme,
            };
            let png = Canvas::default().draw(&mut tools, &scene);
            std::fs::write(folder.join(format!("{name}-{word}.png")), png).expect("a picture's file");
        }
    }
}
