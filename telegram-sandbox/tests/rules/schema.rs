//! Our methods, parameters and answers against a published description of the Bot API:
//! the declarations that `@gramio/types` generates from the documentation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::conversation;
use crate::dts::{Declarations, Type};
use crate::kit::Kit;

const PACKAGE: &str = "@gramio/types@10.3.1";

/// Documented parameters that the sandbox refuses, loudly: it has no such thing.
const NOT_HERE: &[&str] = &[
    "business_connection_id",
    "direct_messages_topic_id",
    "message_effect_id",
    "allow_paid_broadcast",
    "suggested_post_parameters",
    "ephemeral_message_parameters",
    "inline_message_id",
    "thumbnail",
    "certificate",
    "ip_address",
    "video_start_timestamp",
    "rich_message",
    "return_bots",
];

/// The package, fetched once by npm and kept below `target`.
fn declarations() -> Declarations {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bot-api-types");
    if !folder.join("package/out/methods.d.ts").exists() {
        std::fs::create_dir_all(&folder).expect("a folder below target");
        run(&folder, "npm", &["pack", "--silent", PACKAGE]);
        let archive = archive(&folder);
        run(&folder, "tar", &["-xzf", archive.to_str().expect("a plain name")]);
    }
    let mut all = Declarations::default();
    for file in ["objects", "params", "methods"] {
        let path = folder.join(format!("package/out/{file}.d.ts"));
        all.read(&std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())));
    }
    all
}

fn archive(folder: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(folder)
        .expect("the folder")
        .flatten()
        .map(|e| e.path());
    files
        .find(|p| p.extension().is_some_and(|e| e == "tgz"))
        .expect("npm pack leaves an archive")
}

fn run(folder: &Path, program: &str, args: &[&str]) {
    let outcome = Command::new(program).args(args).current_dir(folder).output();
    let outcome = outcome.unwrap_or_else(|e| panic!("{program} is needed ({e}): apt-get install npm"));
    assert!(
        outcome.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&outcome.stderr)
    );
}

/// Parameters and answer of a method.
fn signature<'a>(all: &'a Declarations, method: &str) -> Option<(Option<&'a str>, &'a Type)> {
    let field = all.fields("APIMethods").iter().find(|f| f.name == method)?;
    match &field.kind {
        Type::Generic(_, args) => match args.as_slice() {
            [Type::Name(params), answer] => Some((Some(params), answer)),
            [answer] => Some((None, answer)),
            _ => None,
        },
        _ => None,
    }
}

/// The words of a type as the documentation writes it, such as `Integer or String`.
fn documented(all: &Declarations, kind: &Type) -> BTreeSet<String> {
    match kind {
        // A list of allowed values has a name of its own in the package, not in the documentation.
        Type::Name(name) if matches!(all.0.get(name), Some(Type::Union(values)) if values.iter().all(|v| matches!(v, Type::Literal(_)))) => {
            documented(all, &all.0[name])
        }
        Type::Name(name) => BTreeSet::from([match name.as_str() {
            "number" => "Integer".to_owned(),
            "string" => "String".to_owned(),
            "boolean" | "true" => "Boolean".to_owned(),
            other => other.trim_start_matches("Telegram").to_owned(),
        }]),
        Type::Literal(Value::String(_)) => BTreeSet::from(["String".to_owned()]),
        Type::Literal(_) => BTreeSet::from(["Integer".to_owned()]),
        Type::Array(item) => documented(all, item)
            .into_iter()
            .map(|i| format!("Array of {i}"))
            .collect(),
        Type::Union(variants) => variants.iter().flat_map(|v| documented(all, v)).collect(),
        // `{ toString(): string }` stands for anything that becomes a string.
        Type::Object(_) | Type::Generic(..) => BTreeSet::new(),
    }
}

async fn our_methods(kit: &Kit) -> Vec<Value> {
    let url = format!("{}/sandbox/methods", kit.running.url());
    kit.http.get(url).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
#[ignore = "fetches a package from npm"]
async fn our_methods_and_parameters_are_the_documented_ones() {
    let all = declarations();
    let kit = Kit::new().await;
    let mut wrong = Vec::new();
    for method in our_methods(&kit).await {
        let name = method["name"].as_str().unwrap();
        let Some((params, _)) = signature(&all, name) else {
            wrong.push(format!("{name} is not documented"));
            continue;
        };
        let theirs = params.map(|p| all.fields(p)).unwrap_or_default();
        let ours = method["parameters"].as_array().unwrap();
        for param in ours {
            let (param_name, required) = (param["name"].as_str().unwrap(), param["required"] == true);
            let Some(field) = theirs.iter().find(|f| f.name == param_name) else {
                wrong.push(format!("{name} has no parameter {param_name}"));
                continue;
            };
            if field.required != required {
                wrong.push(format!("{name}.{param_name}: required is {}", field.required));
            }
            let kind: BTreeSet<String> = param["type"]
                .as_str()
                .unwrap()
                .split(" or ")
                .map(str::to_owned)
                .collect();
            let expected = documented(&all, &field.kind);
            // Of InputMedia and its like the documentation names every variant.
            let variants = kind
                .iter()
                .all(|k| expected.iter().all(|e| e.starts_with(k.as_str())));
            if kind != expected && !variants {
                wrong.push(format!(
                    "{name}.{param_name}: {kind:?} here, {expected:?} documented"
                ));
            }
        }
        for field in theirs {
            let here = ours.iter().any(|p| p["name"] == field.name.as_str());
            if !here && !NOT_HERE.contains(&field.name.as_str()) {
                wrong.push(format!("{name}.{} is missing here", field.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
#[ignore = "fetches a package from npm"]
async fn our_answers_are_the_documented_ones() {
    let all = declarations();
    let kit = Kit::new().await;
    conversation::use_every_method(&kit).await;
    conversation::meet_every_update(&kit).await;
    let results = kit.results.lock().unwrap().clone();
    let mut wrong = Vec::new();
    for (method, value) in &results {
        let (_, answer) = signature(&all, method).unwrap_or_else(|| panic!("{method} is not documented"));
        wrong.extend(all.misfit(value, answer, method));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let used: BTreeSet<&str> = results.iter().map(|(method, _)| method.as_str()).collect();
    for method in our_methods(&kit).await {
        assert!(
            used.contains(method["name"].as_str().unwrap()),
            "{} was never called",
            method["name"]
        );
    }
}
