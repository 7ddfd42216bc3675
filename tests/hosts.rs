//! The paper's demonstration, one role per host: broker, two compute hosts, a graph worker, and the bot. Hosts die, are
//! cut off and come back; the run goes on, and nobody reads anything else than if nothing had happened.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use kymo_runlog::{Named, RunId, ShortId, Topic};

use crate::world::network::{Host, Network, run_inside, stands_still};
use crate::world::{KYMO, World, kill_9, lab, process, until};

/// From the last sign of life of the one host to the other's beginning.
const TAKE_OVER: Duration = Duration::from_secs(15);

#[test]
#[ignore = "needs network namespaces, iproute2 and Kafka's jars; ./test has them"]
fn hosts_die_and_are_cut_off_and_the_run_goes_on() {
    run_inside("hosts::inside_the_network");
}

#[tokio::test]
#[ignore = "runs inside the network that the test above makes"]
async fn inside_the_network() {
    let mut network = Network::set_up("hosts_die_and_are_cut_off_and_the_run_goes_on");
    let broker = Broker::start(network.host("broker").await);
    let world = World::over(&broker.log(), Network::HERE).await;
    let mut anna = Compute::start(network.host("anna").await, &world);
    until_heard(&world, "anna").await;
    let topic = world.run(lab::ADA, lab::GROUP, "airy h=0.02 pace=0.7").await;
    world.reaches(&topic, 4).await;
    let bert = Compute::start(network.host("bert").await, &world);
    until_heard(&world, "bert").await;

    // The bot draws no more; a graph worker on a host of its own does.
    let short = ShortId::of(&topic);
    world
        .say(lab::ADA, lab::GROUP, &format!("/workers stop {short}"))
        .await;
    world.hears(lab::GROUP, "stops").await;
    let drawer = GraphWorker::start(network.host("drawer").await, &world, &topic);
    let panel = world.panel(lab::GROUP).await;
    let picture = panel.file.clone().expect("a picture").sha256;
    world
        .sees("a picture from another host", |state| {
            let now = state.chat(lab::GROUP)?.message(panel.id)?.file.clone()?;
            (now.sha256 != picture).then_some(())
        })
        .await;

    // Power off: initiator, watchdog and solver at once.
    let died = Instant::now();
    anna.kill();
    world.attempt(&topic, 2).await;
    let took = died.elapsed();
    assert!(took < TAKE_OVER, "bert took {took:?}");
    world.hears(lab::GROUP, "nothing is heard of anna").await;
    anna.start_again(&world);
    until_heard(&world, "anna").await;

    // The network fails: nobody is dead, and only one may go on.
    let (watchdog, solver) = (bert.pid_of(&topic, "watchdog"), bert.pid_of(&topic, "solver"));
    let cut = Instant::now();
    bert.host.cut_off();
    until("attempt 3", || async {
        (world.replay(&topic).await.attempt() >= 3).then_some(())
    })
    .await;
    let took = cut.elapsed();
    assert!(took < TAKE_OVER, "anna took {took:?}");
    assert!(
        stands_still(solver),
        "bert's solver has stopped before anna's began"
    );
    assert!(process::is_alive(watchdog), "bert was only cut off");

    // It comes back with everything that it had to say.
    bert.host.join();
    world.dies(watchdog).await;
    world.dies(solver).await;

    world.reaches(&topic, 51).await;
    world.panel_says(&panel, "finished").await;
    let Ok(Named::Whole(run)) = RunId::of_topic(&topic) else {
        panic!("{topic} names a run")
    };
    let undisturbed = kymo_solver::undisturbed_digest(&run).expect("airy runs");
    let replay = world.replay(&topic).await;
    assert_eq!(replay.digest(), undisturbed);
    assert_eq!(replay.attempt(), 3, "never more than were needed");
    assert_eq!(world.pictures(lab::GROUP).await, 1, "one panel");
    drop((drawer, anna, bert));
    world.stop_here().await;
    drop(broker);
}

/// Waits until people see the host.
async fn until_heard(world: &World, host: &str) {
    until(&format!("{host} in /hosts"), || async {
        world.say(lab::ADA, lab::GROUP, "/hosts").await;
        world
            .phone()
            .patience(Duration::from_secs(2))
            .wait_for("the hosts", |state| {
                let mut said = state.chat(lab::GROUP)?.messages.iter().rev();
                said.find(|message| message.text.contains(&format!("🖥 {host}")))
                    .map(|_| ())
            })
            .await
            .ok()
    })
    .await;
}

/// Kafka on a host of its own.
struct Broker {
    host: Host,
    folder: tempfile::TempDir,
}

impl Broker {
    fn start(host: Host) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let broker = Self { host, folder };
        let started = broker.cluster("start").output().expect("start the broker");
        let said = String::from_utf8_lossy(&started.stderr);
        assert!(started.status.success(), "{said}");
        broker
    }

    fn cluster(&self, word: &str) -> std::process::Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kafka/cluster");
        let mut command = self.host.command(&script);
        command.arg(word).arg("--dir").arg(self.folder.path());
        if word == "start" {
            let address = self.host.address.to_string();
            command.args(["1", "--base-port", "9091", "--address", &address]);
        }
        command.stdin(Stdio::null());
        command
    }

    fn log(&self) -> String {
        format!("kafka:{}:9092", self.host.address)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.cluster("remove").output();
    }
}

/// An initiator with its watchdogs and solvers.
struct Compute {
    host: Host,
    folder: tempfile::TempDir,
    initiator: Child,
}

impl Compute {
    fn start(host: Host, world: &World) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let toml = format!("[initiator]\nhost = \"{}\"\n", host.name);
        std::fs::write(folder.path().join("kymo.toml"), toml).expect("write kymo.toml");
        let initiator = role(&host, world, folder.path(), &["initiator"]);
        Self {
            host,
            folder,
            initiator,
        }
    }

    fn start_again(&mut self, world: &World) {
        self.initiator = role(&self.host, world, self.folder.path(), &["initiator"]);
    }

    /// Everything that runs there, at once.
    fn kill(&mut self) {
        self.initiator.kill().expect("kill -9");
        for lives in self.lives() {
            // A solver dies with its watchdog.
            let pid = lives["watchdog"]["pid"].as_i64().expect("a pid");
            kill_9(i32::try_from(pid).expect("a pid"));
        }
        self.initiator.wait().expect("reap");
    }

    fn lives(&self) -> Vec<serde_json::Value> {
        let runs = std::fs::read_dir(self.folder.path().join("runs"));
        let files = runs
            .into_iter()
            .flatten()
            .flatten()
            .map(|run| run.path().join("watchdog.json"));
        files
            .filter_map(|file| serde_json::from_slice(&std::fs::read(file).ok()?).ok())
            .collect()
    }

    fn pid_of(&self, topic: &Topic, who: &str) -> i32 {
        let lives = self.lives();
        let run = lives.iter().find(|lives| lives["topic"] == topic.as_str());
        let pid = run
            .and_then(|run| run[who]["pid"].as_i64())
            .expect("it runs there");
        i32::try_from(pid).expect("a pid")
    }
}

impl Drop for Compute {
    fn drop(&mut self) {
        let _ = self.initiator.kill();
        let _ = self.initiator.wait();
        process::kill_watchdogs(self.folder.path());
    }
}

/// A graph worker and nothing else.
struct GraphWorker {
    _host: Host,
    _folder: tempfile::TempDir,
    process: Child,
}

impl GraphWorker {
    fn start(host: Host, world: &World, topic: &Topic) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("kymo.toml"), "").expect("write kymo.toml");
        let words = ["graph-worker", "--topic", topic.as_str(), "--view", "E[x=0.6]"];
        let process = role(&host, world, folder.path(), &words);
        Self {
            _host: host,
            _folder: folder,
            process,
        }
    }
}

impl Drop for GraphWorker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A role on another host: it knows the log and the bot's door, and has a folder of its own.
fn role(host: &Host, world: &World, folder: &Path, words: &[&str]) -> Child {
    let said = |name: &str| -> std::fs::File {
        let path: PathBuf = folder.join(name);
        let file = std::fs::File::options().create(true).append(true).open(path);
        file.expect("open the role's message file")
    };
    host.command(Path::new(KYMO))
        .args(words)
        .envs(world.stage.environment.variables())
        .env("KYMO_DATA", folder)
        .env("KYMO_CONFIG", folder.join("kymo.toml"))
        .env("KYMO_DOOR_TOKEN_FILE", world.path("door.token"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said("messages.log"))
        .spawn()
        .expect("start a role")
}
