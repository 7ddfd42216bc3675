//! What it costs: every figure beside its goal and its alternative, measured in one run.

mod edit;
mod memory;
mod pss;
mod stand_in_door;
mod up;

use anyhow::bail;
use kymo_benches::Figure;
use serde_json::{Map, Value};

use crate::cli::Bench;
use crate::say::say;

/// In the order in which they are run.
const NAMES: [&str; 6] = ["airy", "picture", "replay", "up", "memory", "edit"];

pub async fn run(args: Bench) -> anyhow::Result<()> {
    if let Some(unknown) = args.names.iter().find(|name| !NAMES.contains(&name.as_str())) {
        bail!("there is no bench {unknown:?}; there are {}", NAMES.join(", "));
    }
    let mut all = Map::new();
    for name in NAMES
        .into_iter()
        .filter(|name| args.names.is_empty() || args.names.iter().any(|n| n == name))
    {
        if !args.json {
            say!("{name}");
        }
        for figure in measure(name, args.kafka.as_deref()).await? {
            if !args.json {
                say!("{}", line(&figure));
            }
            all.insert(figure.name.clone(), serde_json::to_value(&figure)?);
        }
    }
    if args.json {
        say!("{}", Value::Object(all));
    }
    Ok(())
}

async fn measure(name: &str, kafka: Option<&str>) -> anyhow::Result<Vec<Figure>> {
    match name {
        "airy" => kymo_benches::airy(),
        "picture" => kymo_benches::picture(),
        "replay" => kymo_benches::replay().await,
        "up" => up::measure().await,
        "memory" => memory::measure().await,
        "edit" => edit::measure(kafka).await,
        other => bail!("there is no bench {other:?}"),
    }
}

fn line(figure: &Figure) -> String {
    let goal = figure.goal.map_or_else(String::new, |goal| {
        let verdict = if figure.is_met() { "met" } else { "MISSED" };
        format!("goal {goal} {verdict}")
    });
    let beside = match (figure.beside, figure.alternative, figure.ratio) {
        (Some(what), Some(alternative), Some(ratio)) => format!("{what}: {alternative:.3} ({ratio:.1} x)"),
        _ => String::new(),
    };
    format!(
        "  {:<28} {:>10.3} {:<7} {goal:<18} {beside}",
        figure.name, figure.value, figure.unit
    )
}
