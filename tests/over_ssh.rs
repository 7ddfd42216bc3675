//! Runs on a server that is reached over ssh: a real sshd with keys of its own. A cut connection is not a dead solver.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kymo_runlog::host::HostRecord;
use kymo_runlog::{Named, Position, RunId, Topic};

use crate::world::{Sshd, World, find_living, kill_9, lab, make_key, until};

/// With an initiator that computes nothing on its own machine.
async fn world_with(servers: &str) -> World {
    World::with_configuration(&format!("{NOTHING_HERE}{servers}")).await
}

const NOTHING_HERE: &str = "[initiator]\nruns = 0\n";

/// The run's process on the server.
async fn pid_there(sshd: &Sshd, topic: &Topic, who: &str) -> i32 {
    until(&format!("a living {who} of {topic} on the server"), || async {
        find_living(&sshd.home(), topic, who)
    })
    .await
}

async fn begin(world: &World, order: &str) -> Topic {
    let topic = world.run(lab::ADA, lab::GROUP, order).await;
    world.panel(lab::GROUP).await;
    world.reaches(&topic, 4).await;
    topic
}

/// Waits until the initiator has its hand on the server again.
async fn is_connected(sshd: &Sshd) {
    until("an outpost on the server", || async {
        sshd.has_outpost().then_some(())
    })
    .await;
}

/// Waits until the pool knows that runs can be placed there.
async fn has_room(world: &World, host: &str) {
    let hosts = kymo_runlog::host::topic();
    until(&format!("room on {host}"), || async {
        let said = world.log().read(&hosts, Position::START, 4 << 20).await.ok()?;
        let mut said = said.iter().filter_map(|stored| stored.json::<HostRecord>().ok());
        let newest = said.rfind(|said| said.host == host)?;
        (newest.capacity.runs != Some(0)).then_some(())
    })
    .await;
}

async fn ends_as_if_nothing_had_happened(world: World, topic: Topic) {
    // A slow run has more patience than one wait.
    for iteration in [12, 24, 36, 51] {
        world.reaches(&topic, iteration).await;
    }
    let panel = world.panel(lab::GROUP).await;
    world.panel_says(&panel, "finished").await;
    let Ok(Named::Whole(run)) = RunId::of_topic(&topic) else {
        panic!("{topic} names a run")
    };
    let undisturbed = kymo_solver::undisturbed_digest(&run).expect("airy runs");
    assert_eq!(world.replay(&topic).await.digest(), undisturbed);
    world.finish().await;
}

/// All files below a folder.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("list a folder").flatten() {
            let kind = entry.file_type().expect("a kind");
            match kind.is_dir() {
                true => folders.push(entry.path()),
                false if kind.is_file() => files.push(entry.path()),
                false => {}
            }
        }
    }
    files
}

#[tokio::test]
#[ignore = "needs sshd; ./test installs it"]
async fn a_run_on_a_server_outlives_its_connection_and_obeys_its_stop() {
    let sshd = Sshd::start();
    let world = World::with_configuration(&sshd.table("lab1", "labels = [\"fast\"]")).await;
    has_room(&world, "lab1").await;
    let topic = begin(&world, "airy h=0.02 pace=2 on=fast").await;
    let solver = pid_there(&sshd, &topic, "solver").await;
    assert_eq!(
        find_living(world.data(), &topic, "solver"),
        None,
        "it does not run here"
    );

    assert!(sshd.cut() > 0, "there was a connection");
    let before = world.replay(&topic).await.iterations();
    world.reaches(&topic, before + 3).await;
    is_connected(&sshd).await;
    assert_eq!(
        pid_there(&sshd, &topic, "solver").await,
        solver,
        "the same solver"
    );
    assert_eq!(world.replay(&topic).await.attempt(), 1);

    let panel = world.panel(lab::GROUP).await;
    world.press_on(lab::ADA, &panel, "Stop").await;
    world.press(lab::ADA, lab::GROUP, "Now").await;
    world.dies(solver).await;
    world.panel_says(&panel, "stopped").await;
    world.press_on(lab::ADA, &panel, "Start").await;
    world.attempt(&topic, 2).await;
    ends_as_if_nothing_had_happened(world, topic).await;
}

#[tokio::test]
#[ignore = "needs sshd; ./test installs it"]
async fn nothing_there_is_readable_for_others_and_a_tunnel_needs_no_secret() {
    let sshd = Sshd::start();
    let world = world_with(&sshd.table("lab1", "")).await;
    let topic = begin(&world, "airy h=0.02 pace=0.3").await;
    let token = std::fs::read_to_string(world.path("door.token")).expect("the door's token");
    for file in files_in(&sshd.home()) {
        let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", file.display());
        let bytes = std::fs::read(&file).expect("read a file there");
        let token = token.trim().as_bytes();
        assert!(
            !bytes.windows(token.len()).any(|part| part == token),
            "{} holds the door's token",
            file.display()
        );
    }
    let watchdog = pid_there(&sshd, &topic, "watchdog").await;
    let words = std::fs::read_to_string(format!("/proc/{watchdog}/cmdline")).expect("its command line");
    assert!(
        words.contains("kymo.toml") && !words.contains(token.trim()),
        "{words}"
    );
    world.finish_there(&sshd.home()).await;
}

#[tokio::test]
#[ignore = "needs sshd; ./test installs it"]
async fn kymo_is_put_there_once_and_old_ones_are_removed() {
    let sshd = Sshd::start();
    let bin = sshd.home().join("bin");
    std::fs::create_dir_all(&bin).expect("make a folder there");
    for old in ["kymo-00aa", "kymo-00bb", "kymo-00cc"] {
        std::fs::write(bin.join(old), "an earlier version").expect("write");
    }
    let mut world = world_with(&sshd.table("lab1", "")).await;
    is_connected(&sshd).await;
    let there = || {
        let entries = std::fs::read_dir(&bin).expect("list").flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort_by_key(|name| name.len());
        names
    };
    let names = there();
    assert_eq!(names.len(), 2, "ours and one before it: {names:?}");
    let ours = bin.join(&names[1]);
    assert_eq!(
        std::fs::read(&ours).expect("read it there"),
        std::fs::read(crate::world::KYMO).expect("read it here")
    );
    let put_at = std::fs::metadata(&ours).expect("it").modified().expect("a time");

    world.initiator.take().expect("running").kill().await;
    world.start_initiator().await;
    is_connected(&sshd).await;
    assert_eq!(
        std::fs::metadata(&ours).expect("it").modified().expect("a time"),
        put_at,
        "it was not put again"
    );

    // Somebody has meddled with it: what does not have its hash is not started.
    world.initiator.take().expect("running").kill().await;
    until("the end of the outpost", || async {
        (!sshd.has_outpost()).then_some(())
    })
    .await;
    std::fs::remove_file(&ours).expect("remove");
    std::fs::write(&ours, "#!/bin/sh\nexit 0\n").expect("write");
    std::fs::set_permissions(&ours, std::fs::Permissions::from_mode(0o700)).expect("make it a program");
    world.start_initiator().await;
    is_connected(&sshd).await;
    assert!(
        std::fs::metadata(&ours).expect("it").len() > 1 << 20,
        "it was put again"
    );
    world.finish().await;
}

#[tokio::test]
#[ignore = "needs sshd; ./test installs it"]
async fn through_a_jump_host_and_when_it_fails_the_group_hears_which_one() {
    let (mut gate, sshd) = (Sshd::start(), Sshd::start());
    // The second ssh, to the jump host, sees the same keys and the same known hosts.
    sshd.learn_from(&gate);
    let jump = format!("jump = {:?}", gate.user_and_port());
    let world = world_with(&sshd.table("inner", &jump)).await;
    gate.let_in(&sshd);
    let topic = begin(&world, "airy h=0.02 pace=0.3").await;
    let solver = pid_there(&sshd, &topic, "solver").await;
    gate.down();
    let told = world.hears(lab::GROUP, "the jump host").await;
    assert!(
        told.text.contains("cannot be reached") && told.text.contains("1 run goes on there"),
        "{}",
        told.text
    );
    gate.up();
    world.hears(lab::GROUP, "server inner is reached again").await;
    let before = world.replay(&topic).await.iterations();
    world.reaches(&topic, before + 2).await;
    assert_eq!(
        pid_there(&sshd, &topic, "solver").await,
        solver,
        "the same solver"
    );
    ends_as_if_nothing_had_happened(world, topic).await;
}

#[tokio::test]
#[ignore = "needs sshd, and root or sudo for a disk of its own; ./test has both"]
async fn what_a_person_must_mend_is_said_with_reason_and_remedy() {
    let mut servers: Vec<Sshd> = (0..6).map(|_| Sshd::start()).collect();
    servers.iter_mut().for_each(Sshd::down);
    let disk = crate::world::SmallDisk::mount(4);
    let folder = format!("folder = {:?}", disk.path());
    let alien = servers[4].path("alien");
    let mut program = std::fs::read(crate::world::KYMO).expect("read kymo");
    program.truncate(4096);
    program[18] = 183;
    std::fs::write(&alien, program).expect("a program for another machine");
    let tables = [
        servers[0].table("stranger", ""),
        servers[1].table("reborn", ""),
        servers[2].table("unmet", ""),
        servers[3].table("full", &folder),
        servers[4].table("arm", &format!("binary = {alien:?}")),
        servers[5].table("walled", "folder = \"/proc/kymo\""),
    ];
    let world = world_with(&tables.concat()).await;

    std::fs::remove_file(servers[0].path("user_key")).expect("lose the key");
    make_key(&servers[0].path("user_key"));
    std::fs::write(servers[2].path("known_hosts"), "").expect("forget it");
    for (number, server) in servers.iter_mut().enumerate() {
        server.up();
        if number == 1 {
            server.change_host_key();
        }
    }
    for (server, reason, remedy) in [
        ("stranger", "refuses the key", "authorized_keys"),
        ("reborn", "has changed", "ssh-keygen -R"),
        ("unmet", "is not known", "fingerprint"),
        ("full", "no space left", "ree some space"),
        ("arm", "this program is for Linux aarch64", "binary"),
        ("walled", "the folder /proc/kymo", "choose another"),
    ] {
        let told = world
            .hears_both(lab::GROUP, &format!("server {server}"), reason)
            .await;
        assert!(told.text.contains(remedy), "{}", told.text);
    }

    let doctor = tokio::process::Command::new(crate::world::KYMO)
        .arg("doctor")
        .envs(world.stage.environment.variables())
        .output()
        .await
        .expect("run the doctor");
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    for line in [
        "ERROR    server arm: ",
        "ERROR    server reborn: the host key",
        "ERROR    server stranger: ",
        "ERROR    server unmet: the host key",
        "ERROR    server walled: the folder",
        "ok       server full: ",
    ] {
        assert!(found.contains(line), "{line} is missing in\n{found}");
    }

    // What is mended goes on by itself.
    std::fs::copy(
        servers[0].path("user_key.pub"),
        servers[0].path("authorized_keys"),
    )
    .expect("let it in");
    servers[2].be_known();
    for server in ["stranger", "unmet"] {
        world
            .hears(lab::GROUP, &format!("server {server} is reached again"))
            .await;
    }
    let topic = world.run(lab::ADA, lab::GROUP, "monte-carlo").await;
    world.reaches(&topic, 1).await;
    kymo_solver::watchdog::stop_all(&servers[2].home(), Duration::from_secs(10)).await;
    world.finish_there(&servers[0].home()).await;
}

#[tokio::test]
#[ignore = "needs sshd; ./test installs it"]
async fn a_program_that_is_not_there_is_named_and_an_exit_code_and_last_words_come_back() {
    let sshd = Sshd::start();
    let catalogue = "[[solver]]\nname = \"missing\"\nhelp = \"is not there\"\ncommand = [\"no-such-program\"]\n\
                     [[solver]]\nname = \"brief\"\nhelp = \"fails\"\ncommand = [\"sh\", \"-c\", \"pwd; echo all is lost >&2; exit 7\"]\n\
                     directory = \"work\"\n";
    std::fs::create_dir_all(sshd.home().join("work")).expect("make a folder there");
    let world = world_with(&format!("{}{catalogue}", sshd.table("lab1", ""))).await;
    let topic = world.run(lab::ADA, lab::GROUP, "missing").await;
    let told = world.hears(lab::GROUP, "cannot start").await;
    assert!(
        told.text.contains("no-such-program") && told.text.contains("lab1"),
        "{}",
        told.text
    );
    world.run(lab::ADA, lab::GROUP, "brief").await;
    let told = world.hears(lab::GROUP, "exit code 7").await;
    assert!(told.text.contains("all is lost"), "{}", told.text);
    // The catalogue's relative folder is the server's own.
    assert!(
        told.text.contains(&format!("{}/work", sshd.home().display())),
        "{}",
        told.text
    );
    drop(topic);
    world.finish_there(&sshd.home()).await;
}

/// The server reaches Kafka by itself: it does not even notice that sshd is away.
#[tokio::test]
#[ignore = "needs sshd and a Kafka; ./test has both"]
async fn on_kafka_directly_the_run_goes_on_while_nobody_can_reach_the_server() {
    let mut sshd = Sshd::start();
    let (mut world, _turn) = World::on_kafka_with(&format!(
        "{NOTHING_HERE}{}",
        sshd.table("lab1", "log = \"direct\"")
    ))
    .await;
    let topic = begin(&world, "airy h=0.02 pace=2").await;
    let solver = pid_there(&sshd, &topic, "solver").await;
    sshd.down();
    let before = world.replay(&topic).await.iterations();
    // Longer than a claim lasts without being renewed.
    world.reaches(&topic, before + 7).await;
    sshd.up();
    is_connected(&sshd).await;
    world.initiator.take().expect("running").kill().await;
    world.start_initiator().await;
    is_connected(&sshd).await;
    assert_eq!(
        pid_there(&sshd, &topic, "solver").await,
        solver,
        "the same solver"
    );
    assert_eq!(world.replay(&topic).await.attempt(), 1);
    kill_9(pid_there(&sshd, &topic, "watchdog").await);
    world.dies(solver).await;
    world.attempt(&topic, 2).await;
    ends_as_if_nothing_had_happened(world, topic).await;
}

#[tokio::test]
#[ignore = "needs sshd and a Kafka; ./test has both"]
async fn on_kafka_through_the_tunnel_connection_initiator_and_watchdog_die_in_turn() {
    let sshd = Sshd::start();
    let (mut world, _turn) = World::on_kafka_with(&format!("{NOTHING_HERE}{}", sshd.table("lab1", ""))).await;
    let topic = begin(&world, "airy h=0.02 pace=2").await;
    let config = std::fs::read_to_string(sshd.home().join("kymo.toml")).expect("what the outpost wrote");
    assert!(
        !config.contains("kafka") && config.contains("relay.sock"),
        "{config}"
    );
    let solver = pid_there(&sshd, &topic, "solver").await;
    assert!(sshd.cut() > 0);
    let before = world.replay(&topic).await.iterations();
    world.reaches(&topic, before + 2).await;
    world.initiator.take().expect("running").kill().await;
    world.start_initiator().await;
    let before = world.replay(&topic).await.iterations();
    world.reaches(&topic, before + 3).await;
    assert_eq!(
        pid_there(&sshd, &topic, "solver").await,
        solver,
        "the same solver"
    );
    assert_eq!(world.replay(&topic).await.attempt(), 1);
    kill_9(pid_there(&sshd, &topic, "watchdog").await);
    world.attempt(&topic, 2).await;
    ends_as_if_nothing_had_happened(world, topic).await;
}
