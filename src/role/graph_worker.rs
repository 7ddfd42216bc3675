//! A graph worker: into panels through the bot's door, or into a file.

use anyhow::Context;
use kymo_graph_worker::{Drawing, TopicView, WorkerConfig};
use kymo_runlog::{Named, RunId, Topic};
use tokio_util::sync::CancellationToken;

use crate::cli::{Common, GraphWorker};
use crate::config::Config;
use crate::supervisor::attended;

pub async fn run(common: Common, args: GraphWorker, stop: CancellationToken) -> anyhow::Result<()> {
    let config = Config::load(&common)?;
    let topics = args
        .topics
        .iter()
        .map(|name| {
            let topic = Topic::parse(name)?;
            Ok(TopicView {
                view: args.view.clone(),
                usual: usual_view(&config, &topic),
                topic,
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let log = config.open_log().await?;
    match args.png {
        Some(png) => {
            let [topic] = <[TopicView; 1]>::try_from(topics)
                .ok()
                .context("--png draws one topic into one file; name one --topic")?;
            let drawing = Drawing {
                topic,
                png,
                follow: args.follow,
                dark: args.dark,
            };
            kymo_graph_worker::draw_to_file(drawing, log, stop).await
        }
        None => {
            let names: Vec<_> = topics.iter().map(|it| it.topic.as_str()).collect();
            let status = format!("draws {} from {}", names.join(", "), log.describe());
            let worker = kymo_graph_worker::run(WorkerConfig { topics }, log, config.door()?, stop);
            attended(worker, &status, async || true).await
        }
    }
}

/// What this machine's own catalogue recommends: after `kymo run` there is no other.
fn usual_view(config: &Config, topic: &Topic) -> Option<String> {
    let (Named::Whole(run) | Named::Cut(run)) = RunId::of_topic(topic).ok()?;
    config.catalogue.find(&run.solver)?.card.view.clone()
}
