//! A Python program prints a thousand lines while bot, initiator and graph worker are killed with -9
//! in turn: it does not notice, and not a line is lost.

use crate::world::{World, kill_9, lab, until};

const PROGRAM: &str = r#"
import json, sys, time
json.loads(sys.stdin.readline())
for i in range(1, 1001):
    print("text", i)
    print(json.dumps({"iteration": i, "total": 1000, "values": {"square": float(i * i)}}))
    time.sleep(0.005)
"#;

#[tokio::test]
async fn a_thousand_lines_survive_every_other_role() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("thousand.py");
    std::fs::write(&program, PROGRAM).expect("write the program");
    let catalogue = format!(
        "[[solver]]\nname = \"thousand\"\nhelp = \"a thousand lines\"\ncommand = [\"python3\", \"-u\", {:?}]\nrestart = \"never\"\n",
        program.display().to_string()
    );
    let mut world = World::with_configuration(&catalogue).await;
    let topic = world.run(lab::ADA, lab::GROUP, "thousand").await;
    let panel = world.panel(lab::GROUP).await;
    let solver = world.pid_of(&topic, "solver").await;
    for _ in 0..2 {
        let now = world.replay(&topic).await.iterations();
        world.bot.take().expect("running").kill().await;
        world.start_bot().await;
        world.initiator.take().expect("running").kill().await;
        world.start_initiator().await;
        kill_9(world.graph_worker().await);
        world.reaches(&topic, (now + 100).min(1000)).await;
    }
    world.reaches(&topic, 1000).await;
    world.panel_says(&panel, "finished").await;

    let replay = world.replay(&topic).await;
    assert_eq!(
        (replay.attempt(), replay.iterations()),
        (1, 1000),
        "one life, every line"
    );
    world.dies(solver).await;
    let output = until("the whole output", || async {
        let text = world.output(&topic);
        (text.matches("text ").count() == 1000).then_some(text)
    })
    .await;
    assert!(output.contains("text 1000"));
    assert_eq!(world.pictures(lab::GROUP).await, 1);
    world.finish().await;
}
