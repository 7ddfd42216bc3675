//! A topic as it is drawn: messages go in, a plot and the run's progress come out. A pure function of
//! what stands in the topic, so a worker that starts again shows the same picture.

use kymo_runlog::view::{CutError, View};
use kymo_runlog::{Change, Record, Replay, Stored, Topic};

use crate::progress::Progress;
use crate::series::Plot;

/// The state of one topic under one view.
pub struct Graph {
    topic: Topic,
    replay: Replay,
    view: Option<View>,
    plot: Option<Plot>,
    suggested: Option<View>,
    pub progress: Progress,
}

impl Graph {
    /// `view`: none yet means that the first record chooses.
    pub fn new(topic: Topic, view: Option<View>) -> Self {
        Self {
            replay: Replay::new(topic.clone()),
            topic,
            view,
            plot: None,
            suggested: None,
            progress: Progress::default(),
        }
    }

    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    pub fn plot(&self) -> Option<&Plot> {
        self.plot.as_ref()
    }

    /// What to draw if nobody chose a view; it is passed over if the records do not have it.
    pub fn suggest(&mut self, view: View) {
        self.suggested = Some(view);
    }

    /// Takes a message in; `true` when a picture would now look different.
    pub fn push(&mut self, stored: &Stored) -> Result<bool, CutError> {
        let changes = self.replay.push(stored);
        let changed = !changes.is_empty();
        for change in changes {
            match change {
                Change::Attempt(marker) => {
                    self.progress.begin(&marker);
                }
                Change::Forgotten { from } => {
                    self.progress.forget(from);
                    if let Some(plot) = &mut self.plot {
                        plot.forget(from);
                    }
                }
                Change::Iteration { attempt: _, record } => {
                    self.progress.advance(&record, stored.at);
                    self.draw(&record)?;
                }
                Change::Rejected(report) => {
                    let position = report.position.0;
                    self.progress
                        .reject(format!("position {position}: {}", report.reason));
                }
                Change::Ended(outcome) => self.progress.end(outcome),
                Change::Complaint(complaint) => self.progress.complain(complaint),
            }
        }
        self.progress.missing_beginning = self.replay.missing_beginning().map(str::to_owned);
        Ok(changed)
    }

    fn draw(&mut self, record: &Record) -> Result<(), CutError> {
        if self.plot.is_none() {
            self.plot = Some(self.begin(record)?);
            return Ok(());
        }
        // Later records may be anything: what cannot be drawn is counted and told.
        if let Some(Err(mistake)) = self.plot.as_mut().map(|plot| plot.push(record, false)) {
            self.progress.reject(mistake.to_string());
        }
        Ok(())
    }

    /// The first record decides whether a view fits the run.
    fn begin(&mut self, record: &Record) -> Result<Plot, CutError> {
        let first = |view: &View| {
            let mut plot = Plot::new(&view.what);
            plot.push(record, true).map(|()| plot)
        };
        if let Some(view) = &self.view {
            return first(view);
        }
        let suggested = self
            .suggested
            .take()
            .and_then(|view| Some((first(&view).ok()?, view)));
        let (plot, view) = match (suggested, Plot::default_view(record)) {
            (Some(found), _) => found,
            (None, Some(view)) => (first(&view)?, view),
            (None, None) => return Err(CutError::NoValues(record.iteration)),
        };
        self.view = Some(view);
        Ok(plot)
    }
}
