//! What a solver prints is read where its files are not: in the chat, and with `kymo log`.

use std::process::Command;

use kymo_runlog::{ShortId, Topic};

use crate::world::{KYMO, Process, World, lab, until};

const CHATTY: &str = r#"
[[solver]]
name = "chatty"
help = "prints a little"
command = ["sh", "-c", '''read job; echo "hello from afar"; echo '{{"n":1}}'; echo goodbye >&2''']
log-topic = true
"#;

fn log_of(world: &World, topic: &Topic) -> (bool, String) {
    let output = Command::new(KYMO)
        .args(["log", topic.as_str()])
        .envs(world.stage.environment.variables())
        .output()
        .expect("start kymo");
    let text = if output.status.success() {
        output.stdout
    } else {
        output.stderr
    };
    (output.status.success(), String::from_utf8(text).expect("UTF-8"))
}

#[tokio::test]
async fn a_solvers_output_is_read_where_its_files_are_not() {
    let world = World::with_configuration(CHATTY).await;
    let topic = world.run(lab::ADA, lab::GROUP, "chatty").await;
    let panel = world.panel(lab::GROUP).await;
    world.panel_says(&panel, "finished").await;
    let text = until("the last words", || async {
        let (_, text) = log_of(&world, &topic);
        text.contains("the solver ended").then_some(text)
    })
    .await;
    assert!(
        text.contains("hello from afar\n") && text.contains("goodbye\n"),
        "{text}"
    );
    let folder = world.data().join("runs").join(ShortId::of(&topic).as_str());
    let file = folder.join("output.log");
    assert_eq!(
        std::fs::read_to_string(&file).expect("the file"),
        text,
        "the same bytes"
    );
    Process::start(&world, "log", &[topic.as_str(), "--follow"])
        .end_cleanly()
        .await;

    std::fs::remove_file(file).expect("it was there");
    world.say(lab::ADA, lab::GROUP, "/log chatty").await;
    let said = world.hears(lab::GROUP, "read from its topic").await;
    assert!(said.text.contains("hello from afar"), "{}", said.text);

    let other = Topic::parse("lorenz").expect("a name");
    let (found, text) = log_of(&world, &other);
    assert!(!found && text.contains("log-topic = true"), "{text}");
    world.finish().await;
}
