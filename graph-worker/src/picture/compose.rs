//! What stands where: texts, axes and the area of the marks. Values in, positions out; nothing is painted here.

use chrono::{DateTime, FixedOffset};

use super::mapping::Mapping;
use super::{footer, header, heat};
use crate::card::Names;
use crate::paint::palette::{Kind, Mark};
use crate::paint::raster::Rect;
use crate::paint::text::{Letters, Style};
use crate::paint::theme::Theme;
use crate::progress::Progress;
use crate::scale::{MOST_TICKS, Range, Ticks};
use crate::series::{AxisName, Curves, HeatMap, ITERATION, Plot};

pub const WIDTH: u16 = 1280;
pub const HEIGHT: u16 = 960;

/// The left and right edge of everything.
pub const LEFT: i32 = 40;
pub const RIGHT: i32 = 1240;
/// The lines of the header and the area of the curves below it.
const PLOT_TOP: i32 = 222;
/// Above and below these rows everything is painted each time.
pub const HEADER: i32 = PLOT_TOP - 8;
pub const FOOTER: i32 = 852;
const PLOT_BOTTOM: i32 = 786;
/// Between the frame and the outermost value: neither a dot nor the newest one's halo is cut.
const PADDING: i32 = 18;
pub const STRIP: Rect = Rect {
    left: LEFT,
    top: 916,
    right: RIGHT,
    bottom: 936,
};

const TICK: Style = Style::Medium(34);

/// Room for the name of an upright axis.
const MOST_NAME: f32 = 170.0;

/// Everything that a picture shows.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub names: &'a Names,
    pub plot: Option<&'a Plot>,
    pub ordinal: bool,
    pub progress: &'a Progress,
    pub now: DateTime<FixedOffset>,
    pub theme: Theme,
}

/// A text at its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub style: Style,
    pub mark: Mark,
    pub x: f32,
    pub baseline: i32,
    pub text: String,
}

/// A composed picture.
#[derive(Debug, PartialEq)]
pub struct Composition {
    pub kind: Kind,
    /// Texts that change with every picture.
    pub news: Vec<Label>,
    /// Axes; `None` while there is nothing to draw.
    pub chart: Option<Chart>,
    pub done: Option<f64>,
}

/// The part of a picture that stays while the scales stay.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    pub frame: Rect,
    pub map: Mapping,
    pub labels: Vec<Label>,
    /// Rows of the horizontal grid.
    pub rows: Vec<i32>,
    /// Columns of the ticks below.
    pub columns: Vec<i32>,
    /// The colour bar and its range.
    pub bar: Option<(Rect, Range)>,
}

pub fn compose(scene: &Scene<'_>, letters: &Letters) -> Composition {
    let chart = match scene.plot {
        None => None,
        Some(Plot::Curves(curves)) => curve_chart(scene, curves, letters),
        Some(Plot::Heat {
            rows, columns, map, ..
        }) => heat_chart(scene, rows, columns, map, letters),
    };
    let kind = kind(scene.plot, chart.as_ref());
    let mut news = header::labels(scene, letters);
    news.extend(footer::labels(scene, letters));
    if chart.is_none() {
        news.push(empty(scene, letters));
    }
    Composition {
        kind,
        news,
        chart,
        done: scene.progress.share(),
    }
}

fn kind(plot: Option<&Plot>, chart: Option<&Chart>) -> Kind {
    match plot {
        None => Kind::Dots,
        Some(Plot::Heat { map, .. }) => Kind::Heat {
            signed: heat::colour_range(map).is_some_and(|(_, signed)| signed),
        },
        Some(Plot::Curves(curves)) if curves.curves.len() > 1 => Kind::Curves,
        Some(Plot::Curves(curves)) => {
            let width = chart.map_or(0, |chart| chart.map.area.width());
            let points = curves.curves.first().map_or(0, |curve| curve.len());
            if points <= 2 * width as usize {
                Kind::Dots
            } else {
                Kind::Band
            }
        }
    }
}

fn empty(scene: &Scene<'_>, letters: &Letters) -> Label {
    let style = Style::Medium(46);
    let text = match (scene.plot.map_or(0, Plot::points), scene.progress.attempt) {
        (0, _) if scene.progress.missing_beginning.is_some() => "The beginning of the results is missing",
        (0, 0) => "Waiting for the first record",
        (0, _) => "Started; waiting for the first iteration",
        (_, _) => "No finite number yet",
    };
    let x = (f32::from(WIDTH) - letters.width(style, text)) / 2.0;
    Label {
        style,
        mark: Mark::Muted,
        x,
        baseline: (PLOT_TOP + PLOT_BOTTOM) / 2,
        text: text.to_owned(),
    }
}

fn curve_chart(scene: &Scene<'_>, curves: &Curves, letters: &Letters) -> Option<Chart> {
    let bounds = curves.curves.iter().filter_map(|curve| curve.bounds());
    let (min, max) = bounds.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    let ordinal = scene.ordinal || !curves.curves.iter().all(|curve| curve.xs().rises());
    let ends = curves
        .curves
        .iter()
        .filter(|curve| !curve.is_empty())
        .map(|curve| match ordinal {
            true => (1.0, curve.len() as f64),
            false => (curve.xs().get(0).unwrap_or(0.0), curve.xs().last().unwrap_or(0.0)),
        });
    let (first, last) = ends.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))?;
    // A first point alone stands in the middle of a unit to each side.
    let lonely = first == last && first.abs() < 1e6;
    let moving = curves.grows && !scene.progress.complete() && scene.progress.ended.is_none();
    let x = match (lonely, moving) {
        (true, _) => Range {
            low: first - 1.0,
            high: first + 1.0,
        },
        (false, true) => Range::with_room(first, last),
        (false, false) => Range::exactly(first, last),
    };
    let number = AxisName {
        name: "number".to_owned(),
        unit: None,
    };
    let axis = if ordinal { &number } else { &curves.axis };
    Some(chart(
        x,
        Range::around(min, max),
        axis,
        None,
        ordinal,
        RIGHT,
        letters,
    ))
}

fn heat_chart(
    scene: &Scene<'_>,
    rows: &AxisName,
    columns: &AxisName,
    map: &HeatMap,
    letters: &Letters,
) -> Option<Chart> {
    let (colours, _) = heat::colour_range(map)?;
    let (first, last) = map.row_range()?;
    let ordinal = scene.ordinal || !map.rises();
    let (_, width) = map.size();
    // Coordinates that are no numbers are counted instead.
    let finite = |(low, high): &(f64, f64)| low.is_finite() && high.is_finite();
    let (low, high) = map.column_range().filter(finite).unwrap_or((1.0, width as f64));
    let (first, last) = if ordinal {
        (1.0, (map.points() / width.max(1) as u64) as f64)
    } else {
        (first, last)
    };
    let ended = scene.progress.complete() || scene.progress.ended.is_some();
    let x = if ended || first >= last {
        Range::exactly(first, last)
    } else {
        Range::with_room(first, last)
    };
    let y = Range::exactly(low.min(high), low.max(high));
    let number = AxisName {
        name: "number".to_owned(),
        unit: None,
    };
    let axis = if ordinal { &number } else { rows };
    let scale = colours.ticks(MOST_TICKS, false);
    let wide = scale
        .ticks
        .iter()
        .map(|(_, text)| letters.width(TICK, text))
        .fold(0.0, f32::max);
    let right = RIGHT - wide.ceil() as i32 - 12 - 28 - 28;
    let mut chart = chart(x, y, axis, Some(columns), ordinal, right, letters);
    chart.map.area = chart.frame;
    let bar = Rect {
        left: right + 28,
        right: right + 56,
        ..chart.frame
    };
    let vertical = Mapping {
        x,
        y: colours,
        area: bar,
        ordinal: false,
    };
    chart.labels.extend(scale.ticks.iter().map(|(v, text)| Label {
        style: TICK,
        mark: Mark::Muted,
        x: (right + 68) as f32,
        baseline: vertical.up().at(*v).round() as i32 + 12,
        text: text.clone(),
    }));
    if let Some(note) = scale.note {
        let x = RIGHT as f32 - letters.width(TICK, &note);
        chart.labels.push(Label {
            style: TICK,
            mark: Mark::Muted,
            x,
            baseline: PLOT_TOP - 14,
            text: note,
        });
    }
    chart.bar = Some((bar, colours));
    Some(chart)
}

fn chart(
    x: Range,
    y: Range,
    axis: &AxisName,
    up: Option<&AxisName>,
    ordinal: bool,
    right: i32,
    letters: &Letters,
) -> Chart {
    let rows = y.ticks(MOST_TICKS, false);
    let wide = rows
        .ticks
        .iter()
        .map(|(_, text)| letters.width(TICK, text))
        .fold(0.0, f32::max);
    let name = up.map_or(0.0, |up| letters.width(TICK, &title(up)).min(MOST_NAME));
    let wide = wide.max(name);
    let frame = Rect {
        left: LEFT + wide.ceil() as i32 + 16,
        top: PLOT_TOP,
        right,
        bottom: PLOT_BOTTOM,
    };
    let map = Mapping {
        x,
        y,
        area: frame.shrunk(PADDING),
        ordinal,
    };
    // A map has no padding: its cells touch the frame.
    let drawn = if up.is_some() {
        Mapping { area: frame, ..map }
    } else {
        map
    };
    let columns = x.ticks(MOST_TICKS, ordinal || whole(x, axis));
    let mut labels = row_labels(&rows, &drawn, &frame, up, letters);
    labels.extend(column_labels(&columns, &drawn, &frame, axis, letters));
    Chart {
        frame,
        map,
        labels,
        rows: rows
            .ticks
            .iter()
            .map(|(v, _)| drawn.up().at(*v).round() as i32)
            .collect(),
        columns: columns
            .ticks
            .iter()
            .map(|(v, _)| drawn.across().at(*v).round() as i32)
            .collect(),
        bar: None,
    }
}

fn muted(x: f32, baseline: i32, text: String) -> Label {
    Label {
        style: TICK,
        mark: Mark::Muted,
        x,
        baseline,
        text,
    }
}

fn row_labels(
    rows: &Ticks,
    map: &Mapping,
    frame: &Rect,
    up: Option<&AxisName>,
    letters: &Letters,
) -> Vec<Label> {
    let named = rows.ticks.len().checked_sub(2).filter(|_| up.is_some());
    let mut labels: Vec<Label> = Vec::new();
    for (i, (v, text)) in rows.ticks.iter().enumerate() {
        let name = up
            .filter(|_| Some(i) == named)
            .map(|up| letters.elide(TICK, &title(up), MOST_NAME));
        let text = name.unwrap_or_else(|| text.clone());
        let x = frame.left as f32 - 16.0 - letters.width(TICK, &text);
        labels.push(muted(x, map.up().at(*v).round() as i32 + 12, text));
    }
    labels.extend(
        rows.note
            .clone()
            .map(|note| muted(LEFT as f32, PLOT_TOP - 14, note)),
    );
    labels
}

/// Numbers below the axis; its name takes the place of the last but one, as in a good textbook.
fn column_labels(
    columns: &Ticks,
    map: &Mapping,
    frame: &Rect,
    axis: &AxisName,
    letters: &Letters,
) -> Vec<Label> {
    let baseline = frame.bottom + 46;
    let centred = |v: f64, text: String| {
        let width = letters.width(TICK, &text);
        let x = (map.across().at(v) - width / 2.0).clamp(LEFT as f32, (RIGHT as f32 - width).max(0.0));
        muted(x, baseline, text)
    };
    let mut labels: Vec<Label> = columns
        .ticks
        .iter()
        .map(|(v, text)| centred(*v, text.clone()))
        .collect();
    let name = match &columns.note {
        Some(note) => format!("{} {note}", title(axis)),
        None => title(axis),
    };
    let end = |label: &Label| label.x + letters.width(TICK, &label.text);
    let n = labels.len();
    if n < 3 {
        // Few numbers leave room at the right end.
        let x = labels.last().map_or(frame.left as f32, |last| end(last) + 24.0);
        let text = letters.elide(TICK, &name, RIGHT as f32 - x);
        labels.push(muted(RIGHT as f32 - letters.width(TICK, &text), baseline, text));
        return labels;
    }
    let (left, right) = (end(&labels[n - 3]) + 20.0, labels[n - 1].x - 20.0);
    let text = letters.elide(TICK, &name, right - left);
    let x = (left + right - letters.width(TICK, &text)) / 2.0;
    labels[n - 2] = muted(x, baseline, text);
    labels
}

/// Iterations are counted.
fn whole(range: Range, axis: &AxisName) -> bool {
    range.low.fract() == 0.0 && axis.name == ITERATION
}

/// `t, L/v`.
fn title(axis: &AxisName) -> String {
    match &axis.unit {
        Some(unit) => format!("{}, {unit}", axis.name),
        None => axis.name.clone(),
    }
}
