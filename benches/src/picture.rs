//! The picture, drawn anew and drawn on, beside the same series drawn by plotters.

use anyhow::Context;
use chrono::{DateTime, FixedOffset, TimeDelta};
use image::ImageEncoder;
use kymo_graph_worker::{Canvas, HEIGHT, Names, Plot, Progress, Scene, Theme, Tools, WIDTH};
use kymo_runlog::view::View;
use kymo_runlog::{Array, Axis, Points, Quantity, Record};
use plotters::prelude::*;

use crate::{Figure, cpu_ms};

const BESIDE: &str = "plotters, every point, image's PNG";
const ADDED: usize = 100;
const SIZES: [(usize, &str, f64); 4] = [
    (1_000, "full_1e3", 5.0),
    (10_000, "full_1e4", 5.0),
    (100_000, "full_1e5", 5.0),
    (1_000_000, "full_1e6", 8.0),
];

/// CPU milliseconds for a whole picture of 1280 x 960, PNG included, at several lengths; then for a picture
/// to which 100 points were added.
pub fn picture() -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let mut bench = Bench::new()?;
    for (points, name, goal) in SIZES {
        bench.grow_to(points)?;
        let ours = cpu_ms(15, || drop(bench.draw_anew()));
        let theirs = plotters_ms(&bench.values, if points > 100_000 { 1 } else { 5 })?;
        figures.push(
            Figure::new(format!("picture.{name}"), ours, "ms CPU")
                .goal(goal)
                .beside(BESIDE, theirs),
        );
    }
    let mut bench = Bench::new()?;
    bench.grow_to(10_000)?;
    let mut failure = None;
    let ours = cpu_ms(41, || {
        // What comes from the log is taken in as well.
        failure = bench.grow_to(bench.values.len() + ADDED).err().or(failure.take());
        drop(bench.draw_on());
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    let theirs = plotters_ms(&bench.values, 5)?;
    figures.push(
        Figure::new("picture.add_100", ours, "ms CPU")
            .goal(1.5)
            .beside(BESIDE, theirs),
    );
    Ok(figures)
}

/// One series, grown by records as a worker takes them in.
struct Bench {
    plot: Plot,
    names: Names,
    progress: Progress,
    values: Vec<f64>,
    now: DateTime<FixedOffset>,
    tools: Tools,
    canvas: Canvas,
}

impl Bench {
    fn new() -> anyhow::Result<Self> {
        let view: View = "E".parse().context("the bench's view")?;
        Ok(Self {
            plot: Plot::new(&view.what),
            names: Names {
                title: "bench noise=0.6".to_owned(),
                topic: "bench-noise.0.6".to_owned(),
                short: "00000000".to_owned(),
            },
            progress: Progress::default(),
            values: Vec::new(),
            now: DateTime::UNIX_EPOCH.fixed_offset(),
            tools: Tools::default(),
            canvas: Canvas::default(),
        })
    }

    fn grow_to(&mut self, points: usize) -> anyhow::Result<()> {
        while self.values.len() < points {
            let first = self.values.len();
            let window: Vec<f64> = (first..points.min(first + 1000)).map(value).collect();
            self.values.extend_from_slice(&window);
            let iteration = self.progress.iteration + 1;
            self.now += TimeDelta::milliseconds(100);
            let record = record(iteration, first, window);
            self.plot
                .push(&record, iteration == 1)
                .context("the bench's record")?;
            self.progress.advance(&record, self.now.to_utc());
        }
        Ok(())
    }

    fn draw_anew(&mut self) -> Vec<u8> {
        self.canvas = Canvas::default();
        self.draw_on()
    }

    fn draw_on(&mut self) -> Vec<u8> {
        let scene = Scene {
            names: &self.names,
            plot: Some(&self.plot),
            ordinal: false,
            progress: &self.progress,
            now: self.now,
            theme: Theme::Light,
        };
        self.canvas.draw(&mut self.tools, &scene)
    }
}

/// A slow wave with noise upon it: every pixel column has something to show.
fn value(i: usize) -> f64 {
    let mut x = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 31;
    let noise = (x >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
    (i as f64 / 5e4).sin() + 0.6 * noise
}

fn record(iteration: u64, first: usize, data: Vec<f64>) -> Record {
    let points = Points::Even {
        start: first as f64,
        step: 1.0,
        count: data.len(),
    };
    let array = Array {
        axes: vec!["t".to_owned()],
        data,
        unit: None,
    };
    Record {
        iteration,
        total: Some(1_000_000),
        axes: vec![("t".to_owned(), Axis { unit: None, points })],
        values: vec![("E".to_owned(), Quantity::Array(array))],
        state: None,
        pace: None,
    }
}

/// plotters panics without a font.
fn register_font() -> anyhow::Result<()> {
    const FONT: &[u8] = include_bytes!("../../graph-worker/assets/Roboto-Medium.ttf");
    plotters::style::register_font("sans-serif", FontStyle::Normal, FONT)
        .map_err(|_| anyhow::anyhow!("plotters does not read our font"))
}

/// The same series as people would draw it with plotters: axes, labels, one line through every point.
fn plotters_ms(values: &[f64], calls: usize) -> anyhow::Result<f64> {
    register_font()?;
    let mut outcome = Ok(());
    let ms = cpu_ms(calls, || {
        if let Err(trouble) = draw_with_plotters(values) {
            outcome = Err(trouble);
        }
    });
    outcome.map(|()| ms)
}

fn draw_with_plotters(values: &[f64]) -> anyhow::Result<Vec<u8>> {
    let (width, height) = (u32::from(WIDTH), u32::from(HEIGHT));
    let mut pixels = vec![0_u8; (width * height * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption("bench.noise-0.6", ("sans-serif", 46))
            .margin(40)
            .x_label_area_size(60)
            .y_label_area_size(100)
            .build_cartesian_2d(0.0..values.len() as f64, -1.4..1.4)?;
        chart.configure_mesh().label_style(("sans-serif", 34)).draw()?;
        let points = values.iter().enumerate().map(|(i, y)| (i as f64, *y));
        chart.draw_series(LineSeries::new(points, BLUE))?;
        area.present()?;
    }
    let mut file = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    encoder.write_image(&pixels, width, height, image::ExtendedColorType::Rgb8)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_draw_the_same_series() -> anyhow::Result<()> {
        let mut bench = Bench::new()?;
        bench.grow_to(3000)?;
        register_font()?;
        for file in [bench.draw_anew(), draw_with_plotters(&bench.values)?] {
            let picture = image::load_from_memory(&file)?;
            assert_eq!(
                (picture.width(), picture.height()),
                (u32::from(WIDTH), u32::from(HEIGHT))
            );
        }
        Ok(())
    }
}
