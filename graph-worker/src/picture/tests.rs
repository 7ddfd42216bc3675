//! What holds for every picture: no extreme is dropped, nothing lies outside the axes, and painting on
//! gives the same pixels as painting anew.

use chrono::{DateTime, FixedOffset, TimeDelta};
use insta::assert_snapshot;
use kymo_runlog::{Array, Axis, Outcome, Points, Quantity, Record};
use proptest::prelude::*;

use super::compose::{Chart, Composition, FOOTER, HEADER, Scene, compose};
use super::mapping::Mapping;
use super::{Canvas, HEIGHT, Tools, WIDTH};
use crate::card::Names;
use crate::paint::palette::{Kind, Mark};
use crate::paint::text::{Letters, Style};
use crate::paint::theme::Theme;
use crate::progress::Progress;
use crate::series::Plot;
use kymo_runlog::view::View;

/// A run under a view, and what is known of it.
struct Story {
    plot: Plot,
    progress: Progress,
    ordinal: bool,
    names: Names,
    /// How long ago it began.
    age: TimeDelta,
}

fn now() -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339("2026-11-22T14:02:10+02:00").expect("a constant date")
}

impl Story {
    fn new(view: &str) -> Self {
        let view: View = view.parse().expect("a view");
        Self {
            plot: Plot::new(&view.what),
            progress: Progress::default(),
            ordinal: view.ordinal,
            names: Names {
                title: "airy kerr=0.5".to_owned(),
                topic: "airy-eps.4-kerr.0.5".to_owned(),
                short: "3f9a12bc".to_owned(),
            },
            age: TimeDelta::seconds(2000),
        }
    }

    fn push(&mut self, record: &Record) {
        self.plot.push(record, false).expect("the record fits");
        let at = now() - self.age + TimeDelta::seconds(record.iteration as i64 * 7);
        self.progress.advance(record, at.to_utc());
    }

    fn scalars(mut self, total: Option<u64>, values: impl IntoIterator<Item = f64>) -> Self {
        for (i, value) in values.into_iter().enumerate() {
            self.push(&scalar(i as u64 + 1, total, value));
        }
        self
    }

    fn scene(&self, theme: Theme) -> Scene<'_> {
        Scene {
            names: &self.names,
            plot: Some(&self.plot),
            ordinal: self.ordinal,
            progress: &self.progress,
            now: now(),
            theme,
        }
    }

    fn composed(&self) -> Composition {
        compose(&self.scene(Theme::Light), &Letters::default())
    }

    /// Everything that a person reads, line by line.
    fn texts(&self) -> String {
        let composition = self.composed();
        let chart = composition.chart.iter().flat_map(|chart| &chart.labels);
        let mut labels: Vec<_> = composition.news.iter().chain(chart).collect();
        labels.sort_by(|a, b| {
            (a.baseline, a.x)
                .partial_cmp(&(b.baseline, b.x))
                .expect("finite places")
        });
        let mut lines: Vec<(i32, String)> = Vec::new();
        for label in labels {
            match lines.last_mut() {
                Some((baseline, line)) if *baseline == label.baseline => {
                    line.push_str(&format!(" | {}", label.text))
                }
                Some(_) | None => lines.push((label.baseline, label.text.clone())),
            }
        }
        lines
            .into_iter()
            .map(|(_, line)| line)
            .collect::<Vec<_>>()
            .join("\n")
            .replace('\u{a0}', "_")
    }

    fn pixels(&self, tools: &mut Tools) -> (Kind, Vec<u8>) {
        let mut canvas = Canvas::default();
        let kind = canvas.paint(tools, &self.scene(Theme::Light));
        (kind, canvas.pixels().to_vec())
    }
}

fn scalar(iteration: u64, total: Option<u64>, value: f64) -> Record {
    let values = vec![("loss".to_owned(), Quantity::Scalar(value))];
    Record {
        iteration,
        total,
        axes: vec![],
        values,
        state: None,
        pace: None,
    }
}

/// A window of `E` over `t`.
fn window(iteration: u64, times: Vec<f64>, data: Vec<f64>) -> Record {
    let axis = Axis {
        unit: Some("s".to_owned()),
        points: Points::Listed { values: times },
    };
    let array = Array {
        axes: vec!["t".to_owned()],
        data,
        unit: None,
    };
    Record {
        iteration,
        total: Some(1000),
        axes: vec![("t".to_owned(), axis)],
        values: vec![("E".to_owned(), Quantity::Array(array))],
        state: None,
        pace: None,
    }
}

/// Whether line or dots cover a pixel (not text, not grid).
fn inked(byte: u8) -> bool {
    byte < 220 && !byte.is_multiple_of(110)
}

fn at(pixels: &[u8], x: i32, y: i32) -> u8 {
    pixels[(y * i32::from(WIDTH) + x) as usize]
}

/// Values in which everything happens: noise, steps, spikes, holes.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        60 => -1.0..1.0f64,
        20 => 0.0..0.01f64,
        1 => Just(40.0),
        1 => Just(f64::NAN),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(-1e-300),
    ];
    prop_oneof![
        3 => prop::collection::vec(value.clone(), 1..300),
        2 => (prop::collection::vec(value, 1..300), 2usize..40)
            .prop_map(|(values, times)| values.iter().cycle().take(values.len() * times).copied().collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn painting_on_equals_painting_anew(values in values(), cuts in prop::collection::vec(1usize..3000, 1..5), step in 0.001..100.0f64) {
        let mut tools = Tools::default();
        let mut story = Story::new("E");
        let mut canvas = Canvas::default();
        let mut rest = values.as_slice();
        let mut t = 0.0;
        for (i, cut) in cuts.iter().enumerate() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            rest = later;
            let times = now.iter().map(|_| { t += step; t }).collect();
            story.push(&window(i as u64 + 1, times, now.to_vec()));
            let kind = canvas.paint(&mut tools, &story.scene(Theme::Light));
            let (anew_kind, anew) = story.pixels(&mut tools);
            prop_assert_eq!(kind, anew_kind);
            prop_assert!(canvas.pixels() == anew, "{:?} after {} points", kind, story.plot.points());
        }
    }

    #[test]
    fn extremes_are_inked_and_nothing_lies_outside(values in values(), irregular in any::<bool>()) {
        let mut tools = Tools::default();
        let mut story = Story::new("E");
        let mut t = 0.0;
        let times: Vec<f64> = values.iter().map(|v| { t += if irregular && v.is_finite() { v.abs() + 1e-3 } else { 0.5 }; t }).collect();
        story.push(&window(1, times.clone(), values.clone()));
        let (kind, pixels) = story.pixels(&mut tools);
        let Some(Chart { frame, map, .. }) = story.composed().chart else {
            prop_assert!(values.iter().all(|v| !v.is_finite()));
            return Ok(());
        };
        prop_assert!(matches!(kind, Kind::Dots | Kind::Band));
        // The smallest and the largest value of every pixel column, with their exact places.
        let mut columns: Vec<Vec<(f32, f64)>> = vec![Vec::new(); map.area.width() as usize];
        for (x, y) in times.iter().zip(&values).filter(|(_, y)| y.is_finite()) {
            columns[column_of(&map, *x)].push((map.across().at(*x), *y));
        }
        for column in &mut columns {
            column.sort_by(|a, b| a.1.total_cmp(&b.1));
            for (x, y) in [column.first(), column.last()].into_iter().flatten() {
                let row = (map.up().at(*y) as i32).clamp(map.area.top, map.area.bottom - 1);
                // On the edge between two columns rounding decides.
                let seen = [x - 0.01, *x, x + 0.01].iter().any(|x| {
                    inked(at(&pixels, (*x as i32).clamp(map.area.left, map.area.right - 1), row))
                });
                prop_assert!(seen, "{:?}: {} at {} row {}", kind, y, x, row);
            }
        }
        for y in HEADER..FOOTER {
            for x in 0..i32::from(WIDTH) {
                let inside = (frame.left..frame.right).contains(&x) && (frame.top..frame.bottom).contains(&y);
                prop_assert!(inside || !inked(at(&pixels, x, y)), "a mark at {} {}", x, y);
            }
        }
    }

    #[test]
    fn iterations_that_are_taken_back_leave_no_trace(lens in prop::collection::vec(0usize..50, 1..12), from in 1u64..12, grows in any::<bool>()) {
        let record = |i: usize, len: usize, shift: f64| {
            let start = if grows { i as f64 * 100.0 } else { 0.0 };
            window(i as u64 + 1, (0..len).map(|k| start + k as f64).collect(), (0..len).map(|k| k as f64 * 0.1 + shift).collect())
        };
        let (mut straight, mut winding) = (Story::new("E"), Story::new("E"));
        for (i, len) in lens.iter().enumerate() {
            straight.push(&record(i, *len, 0.0));
            winding.push(&record(i, *len, if i as u64 + 1 >= from { 7.0 } else { 0.0 }));
        }
        winding.plot.forget(from);
        for (i, len) in lens.iter().enumerate().skip(from as usize - 1) {
            winding.push(&record(i, *len, 0.0));
        }
        let points = |story: &Story| match &story.plot {
            Plot::Curves(curves) => curves.curves.iter().flat_map(|c| c.xs().iter_from(0).zip(c.ys().iter_from(0)).collect::<Vec<_>>()).collect::<Vec<_>>(),
            Plot::Heat { .. } => vec![],
        };
        prop_assert_eq!(points(&straight), points(&winding));
        if let (Plot::Curves(a), Plot::Curves(b)) = (&straight.plot, &winding.plot) {
            prop_assert_eq!(a.curves[0].bounds(), b.curves[0].bounds());
        }
    }
}

fn column_of(map: &Mapping, x: f64) -> usize {
    let column = (map.across().at(x) - map.area.left as f32).floor();
    (column.max(0.0) as usize).min(map.area.width() as usize - 1)
}

#[test]
fn a_picture_says_what_a_person_wants_to_know() {
    let mut story = Story::new("loss");
    story.age = TimeDelta::seconds(866);
    let story = story.scalars(Some(300), (1..=123).map(|i| 2.3 * (-f64::from(i) / 50.0).exp()));
    assert_snapshot!(story.texts(), @r"
    airy kerr=0.5
    0.197
    airy-eps.4-kerr.0.5 · 3f9a12bc
    change −0.0040
    loss · 123 points | min 0.197
    2.0
    1.5
    1.0
    0.5
    25 | 50 | 75 | iteration | 125
    iteration 123 / 300 · 41 % | ETA 14:22 · 21 min | 5 s ago
    ");
}

#[test]
fn holes_are_counted_in_the_footer() {
    let values = [1.0, 2.0, f64::NAN, 3.0, f64::INFINITY, 1.5];
    let story = Story::new("loss").scalars(None, values);
    assert_snapshot!(story.texts(), @r"
    airy kerr=0.5
    1.500
    airy-eps.4-kerr.0.5 · 3f9a12bc
    min 1.000
    loss · 6 points
    3.0
    2.5
    2.0
    1.5
    1.0
    1 | 2 | 3 | 4 | iteration | 6
    iteration 6 | 2 not finite | 32 min ago
    ");
}

#[test]
fn a_finished_run_says_when() {
    let mut story = Story::new("loss").scalars(None, [1.0, 2.0, 4.0]);
    story.progress.end(Outcome {
        iterations: 3,
        finished: true,
    });
    assert_snapshot!(story.texts(), @r"
    airy kerr=0.5
    4.000
    airy-eps.4-kerr.0.5 · 3f9a12bc
    change +2.000
    loss · 3 points | min 1.000
    4
    3
    2
    1
    1 | iteration | 3
    iteration 3 | finished 13:29
    ");
}

#[test]
fn long_texts_never_leave_the_picture_and_stay_readable() {
    let mut story = Story::new("loss").scalars(Some(u64::MAX), [-1.234_567e-300, 5e-301]);
    story.names.topic = format!("solver.{}", "name-1.5.".repeat(25));
    story.names.title = "😀 مرحبا <b>&amp; ".repeat(40);
    for story in [
        story,
        Story::new("loss").scalars(None, []),
        Story::new("loss").scalars(Some(7), [f64::NAN]),
    ] {
        let letters = Letters::default();
        let composition = story.composed();
        let chart = composition.chart.iter().flat_map(|chart| &chart.labels);
        for label in composition.news.iter().chain(chart) {
            let right = label.x + letters.width(label.style, &label.text);
            assert!(
                label.x >= 0.0 && right <= f32::from(WIDTH),
                "{label:?} ends at {right}"
            );
            assert!((30..i32::from(HEIGHT)).contains(&label.baseline), "{label:?}");
        }
    }
}

#[test]
fn sizes_are_those_of_a_phone() {
    let story = Story::new("loss").scalars(Some(40), (1..30).map(f64::from));
    let composition = story.composed();
    let style = |text: &str| {
        composition
            .news
            .iter()
            .find(|l| l.text.contains(text))
            .map(|l| l.style)
    };
    assert_eq!(style("airy"), Some(Style::Bold(46)));
    assert_eq!(style("29.00"), Some(Style::Bold(80)));
    assert_eq!(style("change"), Some(Style::Medium(32)));
    assert_eq!(style("min 1"), Some(Style::Medium(32)));
    assert_eq!(style("29 / 40"), Some(Style::Bold(36)));
    let chart = composition.chart.expect("a chart");
    assert!(
        chart
            .labels
            .iter()
            .all(|label| label.style == Style::Medium(34) && label.mark == Mark::Muted)
    );
    assert!(chart.rows.len() <= 6 && chart.columns.len() <= 6);
}

#[test]
fn hostile_records_are_drawn_or_refused_but_never_break() {
    let mut tools = Tools::default();
    let mut story = Story::new("E");
    story.push(&window(1, vec![0.0, 1.0], vec![1.0, 2.0]));
    // Other axes, backwards, with holes, empty, enormous.
    story.push(&window(2, vec![5.0, 4.0, 3.0], vec![f64::MAX, f64::MIN, 0.0]));
    story.pixels(&mut tools);
    story.push(&window(
        3,
        vec![f64::NAN, f64::INFINITY, 6.0, 6.0],
        vec![1.0, 2.0, f64::NAN, 3.0],
    ));
    story.pixels(&mut tools);
    story.push(&window(4, vec![], vec![]));
    story.pixels(&mut tools);
    let n = 10_000_000;
    let mut wide = window(5, vec![], (0..n).map(|i| f64::from(i % 1000)).collect());
    wide.axes[0].1.points = Points::Even {
        start: 0.0,
        step: 1e-3,
        count: n as usize,
    };
    story.push(&wide);
    assert_eq!(story.plot.points(), 10_000_000);
    story.pixels(&mut tools);
    let mut lying = window(6, vec![0.0, 1.0], vec![1.0]);
    assert!(story.plot.push(&lying, false).is_err());
    lying.axes.clear();
    assert!(story.plot.push(&lying, false).is_err());
    assert_eq!(story.plot.points(), 10_000_000);
}

#[test]
fn a_map_of_strange_coordinates_is_drawn() {
    let mut tools = Tools::default();
    for (start, step) in [
        (f64::NAN, 1.0),
        (0.0, f64::NAN),
        (f64::INFINITY, 1.0),
        (0.0, -1.0),
        (1e300, 1e299),
        (0.0, 0.0),
    ] {
        let mut story = Story::new("heat:E");
        for iteration in 1..=3 {
            let mut record = window(
                iteration,
                vec![iteration as f64, iteration as f64 + 0.5],
                vec![f64::NAN; 8],
            );
            let x = Axis {
                unit: None,
                points: Points::Even {
                    start,
                    step,
                    count: 4,
                },
            };
            record.axes.push(("x".to_owned(), x));
            if let Quantity::Array(array) = &mut record.values[0].1 {
                array.axes.push("x".to_owned());
                array.data = (0..8)
                    .map(|i| if i == 3 { f64::INFINITY } else { f64::from(i) })
                    .collect();
            }
            story.push(&record);
            story.pixels(&mut tools);
        }
        assert!(story.plot.not_finite() > 0);
    }
}

#[test]
fn the_same_topic_and_clock_give_the_same_file() {
    let story = Story::new("loss").scalars(Some(300), (1..=123).map(f64::from));
    let draw = |theme| Canvas::default().draw(&mut Tools::default(), &story.scene(theme));
    assert_eq!(draw(Theme::Light), draw(Theme::Light));
    assert_ne!(draw(Theme::Light), draw(Theme::Dark));
}
