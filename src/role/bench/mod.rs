//! What it costs: every figure beside its goal and its alternative, measured in one run.

mod catchup;
mod chaos;
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
/// They take long, and run only when they are named.
const NAMED: [&str; 2] = ["chaos", "catchup"];

pub async fn run(args: Bench) -> anyhow::Result<()> {
    let there_are = || NAMES.into_iter().chain(NAMED);
    if let Some(unknown) = args
        .names
        .iter()
        .find(|name| !there_are().any(|known| known == name.as_str()))
    {
        let known: Vec<_> = there_are().collect();
        bail!("there is no bench {unknown:?}; there are {}", known.join(", "));
    }
    let named = |name: &str| args.names.iter().any(|other| other == name);
    let mut all = Map::new();
    for name in there_are().filter(|name| named(name) || (args.names.is_empty() && NAMES.contains(name))) {
        if !args.json {
            say!("{name}");
        }
        for figure in measure(name, &args).await? {
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

async fn measure(name: &str, args: &Bench) -> anyhow::Result<Vec<Figure>> {
    match name {
        "airy" => kymo_benches::airy(),
        "picture" => kymo_benches::picture(),
        "replay" => kymo_benches::replay().await,
        "up" => up::measure().await,
        "memory" => memory::measure().await,
        "edit" => edit::measure(args.kafka.as_deref()).await,
        "chaos" => chaos::measure(&args.chaos, args.kafka.as_deref()).await,
        "catchup" => catchup::measure(args.kafka.as_deref()).await,
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
