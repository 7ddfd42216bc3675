//! The graph worker: follows a run's topic, draws the picture that people see on their phones and hands
//! it to the bot. What a picture's caption says and when it is shown is the bot's business.

mod card;
mod feed;
mod file;
mod graph;
mod number;
mod pace;
mod paint;
mod picture;
mod progress;
mod scale;
mod series;
mod studio;
mod worker;

pub use card::Names;
pub use file::{Drawing, draw_to_file};
pub use graph::Graph;
pub use paint::theme::Theme;
pub use picture::{Canvas, HEIGHT, Scene, Tools, WIDTH};
pub use progress::Progress;
pub use series::{AxisName, Curve, Curves, HeatMap, Plot};
pub use studio::Studio;
pub use worker::{TopicView, WorkerConfig, run};
