//! The top of a picture: whose numbers these are on the left, what they say on the right.

use super::compose::{LEFT, Label, RIGHT, Scene};
use crate::card::Names;
use crate::number;
use crate::paint::palette::Mark;
use crate::paint::text::{Ends, Letters, Style};
use crate::series::{Curve, Curves, Plot};

const NAME: Style = Style::Bold(46);
const VALUE: Style = Style::Bold(80);
const SMALL: Style = Style::Medium(32);
const DETAIL: Style = Style::Medium(34);
const CURVE: Style = Style::Bold(38);
const ROWS: [i32; 3] = [74, 124, 170];

pub fn labels(scene: &Scene<'_>, letters: &Letters) -> Vec<Label> {
    let mut labels = match scene.plot {
        Some(Plot::Curves(curves)) if curves.curves.len() > 1 => legend(curves, letters),
        Some(plot) => value(plot, letters),
        None => Vec::new(),
    };
    // Each line on the left ends where the right side begins.
    let room = |row: usize| {
        let near = labels
            .iter()
            .filter(|label| (label.baseline - ROWS[row]).abs() < 44);
        near.map(|label| label.x).fold(RIGHT as f32, f32::min) - LEFT as f32 - 32.0
    };
    let points = scene.plot.map_or(0, Plot::points);
    let mut facts = String::new();
    if let Some(plot) = scene.plot.filter(|plot| !plot.label().is_empty()) {
        facts.push_str(plot.label());
        facts.push_str(" · ");
    }
    let count = format!(
        "{} {}",
        number::count(points),
        if points == 1 { "point" } else { "points" }
    );
    let rooms = [room(0), room(1), room(2)];
    let left = |style, mark, row: usize, text: String| Label {
        style,
        mark,
        x: LEFT as f32,
        baseline: ROWS[row],
        text,
    };
    labels.push(left(
        NAME,
        Mark::Ink,
        0,
        letters.elide_pieces(NAME, &scene.names.title, rooms[0], ' ', Ends::First),
    ));
    labels.push(left(
        DETAIL,
        Mark::Muted,
        1,
        details(scene.names, rooms[1], letters),
    ));
    // The number of points is never cut, only what stands before it.
    let before = letters.elide(DETAIL, &facts, rooms[2] - letters.width(DETAIL, &count));
    labels.push(left(DETAIL, Mark::Muted, 2, format!("{before}{count}")));
    labels
}

/// The topic as far as it fits; the short id after it is what people ask for the run by.
fn details(names: &Names, room: f32, letters: &Letters) -> String {
    let id = format!(" · {}", names.short);
    let room = room - letters.width(DETAIL, &id);
    format!(
        "{}{id}",
        letters.elide_pieces(DETAIL, &names.topic, room, '-', Ends::Both)
    )
}

/// Differences that the picture can show.
fn resolution(curve: &Curve) -> f64 {
    curve
        .bounds()
        .map_or(0.0, |(min, max)| (max / 2e3 - min / 2e3) * 2.0)
}

fn right(letters: &Letters, style: Style, mark: Mark, baseline: i32, text: String) -> Label {
    Label {
        style,
        mark,
        x: RIGHT as f32 - letters.width(style, &text),
        baseline,
        text,
    }
}

fn value(plot: &Plot, letters: &Letters) -> Vec<Label> {
    let Some(last) = plot.last() else {
        return Vec::new();
    };
    let (step, facts) = match plot {
        Plot::Curves(curves) => {
            let Some(curve) = curves.curves.first() else {
                return Vec::new();
            };
            let step = resolution(curve);
            (step, change_and_minimum(curve, last, step))
        }
        Plot::Heat { map, .. } => {
            let Some((min, max)) = map.bounds() else {
                return Vec::new();
            };
            let step = (max / 2e3 - min / 2e3) * 2.0;
            (
                step,
                vec![
                    format!("max {}", number::number(max, step)),
                    format!("min {}", number::number(min, step)),
                ],
            )
        }
    };
    let mut labels = vec![right(letters, VALUE, Mark::Ink, 86, number::number(last, step))];
    for (text, baseline) in facts.into_iter().zip([130, 170]) {
        labels.push(right(letters, SMALL, Mark::Muted, baseline, text));
    }
    labels
}

fn change_and_minimum(curve: &Curve, last: f64, step: f64) -> Vec<String> {
    let mut facts = Vec::new();
    let before = curve.len().checked_sub(2).and_then(|i| curve.ys().get(i));
    if let Some(change) = before
        .map(|before| last - before)
        .filter(|change| change.is_finite())
    {
        // A change is worth its own digits, however small it is beside the whole.
        let digits = if change == 0.0 {
            step
        } else {
            step.min(change.abs() / 10.0)
        };
        facts.push(format!("change {}", number::signed(change, digits)));
    }
    if let Some((min, _)) = curve.bounds() {
        facts.push(format!("min {}", number::number(min, step)));
    }
    facts
}

/// Names and newest values of several curves in their colours, three to a column.
fn legend(curves: &Curves, letters: &Letters) -> Vec<Label> {
    let mut labels = Vec::new();
    let mut edge = RIGHT as f32;
    let texts: Vec<String> = curves
        .curves
        .iter()
        .map(|curve| {
            let name = letters.elide(CURVE, &curve.name, 260.0);
            let value = curve
                .ys()
                .last()
                .map_or("–".to_owned(), |y| number::number(y, resolution(curve)));
            format!("{name}  {value}")
        })
        .collect();
    for column in (0..texts.len().div_ceil(ROWS.len())).rev() {
        let first = column * ROWS.len();
        let inside = &texts[first..texts.len().min(first + ROWS.len())];
        let wide = inside
            .iter()
            .map(|text| letters.width(CURVE, text))
            .fold(0.0, f32::max);
        for (i, text) in inside.iter().enumerate() {
            let mark = Mark::Curve((first + i) as u8);
            labels.push(Label {
                style: CURVE,
                mark,
                x: edge - wide,
                baseline: ROWS[i],
                text: text.clone(),
            });
        }
        edge -= wide + 36.0;
    }
    labels
}
