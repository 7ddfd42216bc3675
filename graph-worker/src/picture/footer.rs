//! The bottom of a picture: how far, when complete, how fresh, and what could not be drawn.

use super::compose::{LEFT, Label, RIGHT, Scene};
use super::time::{age, clock, duration};
use crate::number::count;
use crate::paint::palette::Mark;
use crate::paint::text::{Letters, Style};
use crate::series::Plot;

const BASELINE: i32 = 892;
const GAP: f32 = 36.0;

pub fn labels(scene: &Scene<'_>, letters: &Letters) -> Vec<Label> {
    let room = (RIGHT - LEFT) as f32;
    // From the full sentence in the full size down to what still says it.
    for (style, short) in
        [(36, false), (36, true), (30, true), (24, true)].map(|(size, short)| (Style::Bold(size), short))
    {
        let parts = parts(scene, short);
        let widths: Vec<f32> = parts.iter().map(|(text, _)| letters.width(style, text)).collect();
        let free = room - widths.iter().sum::<f32>();
        let gaps = parts.len().saturating_sub(1) as f32;
        if free < gaps * GAP && style != Style::Bold(24) {
            continue;
        }
        let gap = if gaps > 0.0 { (free / gaps).max(12.0) } else { 0.0 };
        let mut x = LEFT as f32;
        return parts
            .into_iter()
            .zip(widths)
            .map(|((text, mark), width)| {
                let label = Label {
                    style,
                    mark,
                    x,
                    baseline: BASELINE,
                    text,
                };
                x += width + gap;
                label
            })
            .collect();
    }
    Vec::new()
}

fn parts(scene: &Scene<'_>, short: bool) -> Vec<(String, Mark)> {
    let progress = scene.progress;
    let word = if short { "" } else { "iteration " };
    let mut parts = vec![(
        match progress.total {
            Some(total) => {
                let percent = (progress.share().unwrap_or(0.0) * 100.0).floor();
                format!(
                    "{word}{} / {} · {percent} %",
                    count(progress.iteration),
                    count(total)
                )
            }
            None => format!("iteration {}", count(progress.iteration)),
        },
        Mark::Ink,
    )];
    let newest = progress.newest_at.map(|at| at.with_timezone(scene.now.offset()));
    if progress.complete() || progress.ended.is_some() {
        let word = if progress.complete() { "finished" } else { "ended" };
        parts.extend(newest.map(|at| (format!("{word} {}", clock(at, scene.now)), Mark::Ink)));
    } else if let Some(eta) = progress.eta(scene.now.to_utc()) {
        let eta = eta.with_timezone(scene.now.offset());
        let left = if eta > scene.now {
            duration(eta - scene.now)
        } else {
            "due".to_owned()
        };
        parts.push((format!("ETA {} · {left}", clock(eta, scene.now)), Mark::Ink));
    }
    let not_finite = scene.plot.map_or(0, Plot::not_finite);
    if not_finite > 0 {
        let word = if short { "NaN/∞" } else { "not finite" };
        parts.push((format!("{} {word}", count(not_finite)), Mark::Dot));
    }
    if progress.ended.is_none() && !progress.complete() {
        parts.extend(newest.map(|at| (age(scene.now - at), Mark::Muted)));
    }
    parts
}
