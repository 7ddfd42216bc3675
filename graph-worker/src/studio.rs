//! Canvases for the topics that one process serves. A canvas is a megabyte, so only the topics
//! that were drawn last keep theirs; the others are painted in full when their turn comes.

use chrono::{DateTime, FixedOffset};
use kymo_runlog::Topic;

use crate::card::Names;
use crate::graph::Graph;
use crate::paint::theme::Theme;
use crate::picture::{Canvas, Scene, Tools};

const CANVASES: usize = 4;

/// Draws graphs.
#[derive(Default)]
pub struct Studio {
    tools: Tools,
    /// The last used stands last.
    canvases: Vec<(Topic, Canvas)>,
}

impl Studio {
    /// The picture of a graph as PNG.
    pub fn draw(
        &mut self,
        graph: &Graph,
        names: &Names,
        now: DateTime<FixedOffset>,
        theme: Theme,
    ) -> Vec<u8> {
        let scene = Scene {
            names,
            plot: graph.plot(),
            ordinal: graph.view().is_some_and(|view| view.ordinal),
            progress: &graph.progress,
            now,
            theme,
        };
        let mut canvas = self.take(graph.topic());
        let png = canvas.draw(&mut self.tools, &scene);
        self.canvases.push((graph.topic().clone(), canvas));
        png
    }

    fn take(&mut self, topic: &Topic) -> Canvas {
        if let Some(own) = self.canvases.iter().position(|(t, _)| t == topic) {
            return self.canvases.remove(own).1;
        }
        match self.canvases.len() {
            ..CANVASES => Canvas::default(),
            // The least recently used one; what stands on it belongs to another topic.
            _ => self.canvases.remove(0).1.blank(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_that_share_canvases_do_not_share_pictures() {
        let now = DateTime::UNIX_EPOCH.fixed_offset();
        let names = |graph: &Graph| Names::of_topic(graph.topic());
        let graphs: Vec<Graph> = (0..CANVASES + 2)
            .map(|i| Graph::new(Topic::parse(&format!("run-{i}")).expect("a name"), None))
            .collect();
        let mut studio = Studio::default();
        for _ in 0..2 {
            for graph in &graphs {
                let alone = Studio::default().draw(graph, &names(graph), now, Theme::Light);
                assert_eq!(studio.draw(graph, &names(graph), now, Theme::Light), alone);
            }
        }
        assert_eq!(studio.canvases.len(), CANVASES);
    }
}
