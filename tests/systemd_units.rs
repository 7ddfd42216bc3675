//! kymo as services of a real systemd: installed, watched over, upgraded, and taken back.

use std::collections::BTreeSet;

use kymo_runlog::{ShortId, Topic};

use crate::world::machine::{Machine, Phone, TOKEN};
use crate::world::{lab, until};

/// Starts a run from the chat; its topic, and its graph worker's unit.
async fn begin(machine: &Machine, phone: &Phone) -> (Topic, String) {
    // A bot that has just started still reads the log.
    phone.asks_until("/solvers", "lorenz").await;
    phone.say("/run lorenz pace=0.3").await;
    phone.presses("Start").await;
    let topic = until("the run's topic", || async {
        machine.topics().into_iter().next()
    })
    .await;
    let unit = format!("kymo-graph-worker@{}.service", ShortId::of(&topic));
    phone.panel().await;
    (topic, unit)
}

/// The picture of the panel with this id, when it is another than before.
async fn redraws(phone: &Phone, panel: i64) {
    let picture = |state: &kymo_telegram_sandbox::State| {
        let message = state.chat(lab::GROUP)?.message(panel)?;
        Some(message.file.as_ref()?.sha256.clone())
    };
    let before = phone.sees("the panel's picture", picture).await;
    phone
        .sees("a newer picture in the same message", |state| {
            picture(state).filter(|now| *now != before)
        })
        .await;
}

#[tokio::test]
#[ignore = "boots a Debian with systemd, as root; ./test installs debootstrap, which makes its image"]
async fn graph_workers_are_units_that_the_chat_commands() {
    let (machine, phone) = Machine::with_kymo().await;
    let (topic, unit) = begin(&machine, &phone).await;
    let short = ShortId::of(&topic).to_string();
    let panel = phone.panel().await.id;
    assert_eq!(
        machine.shows(&unit, "Description"),
        format!("Kymograph graph worker of {topic}")
    );
    assert!(machine.shows(&unit, "StatusText").contains(topic.as_str()));

    // Killed, it comes back and draws into the same panel.
    let before = machine.pid_of(&unit);
    machine.says(&["systemctl", "kill", "-s", "KILL", &unit]);
    machine.runs_anew(&unit, &before).await;
    redraws(&phone, panel).await;
    let told = phone.asks_until("/workers", "restarted once").await;
    assert!(
        told.contains("running for") && told.contains("systemd: active (running)"),
        "{told}"
    );

    // It outlives the bot, who finds it again.
    let before = machine.pid_of(&unit);
    machine.says(&["systemctl", "restart", "kymo-bot"]);
    phone.asks_until("/workers", "active (running)").await;
    assert_eq!(machine.pid_of(&unit), before);

    phone.say(&format!("/workers stop {short}")).await;
    phone.hears("stops").await;
    phone
        .asks_until("/workers", "stopped; systemd: inactive (dead)")
        .await;
    assert_eq!(machine.pid_of(&unit), "0");

    // Removing takes away everything that adding made.
    phone.say(&format!("/workers remove {short}")).await;
    phone.hears("is removed").await;
    let traces = || {
        let files = "cd / && find etc/systemd run/systemd var/lib/kymo/workers -name '*graph-worker@?*.service*' -o -name '*.env'";
        let units = "systemctl list-units --all --plain --no-legend 'kymo-graph-worker@*'";
        machine.says(&["sh", "-c", &format!("{files} && {units}")])
    };
    assert_eq!(traces(), "");
    phone.say(&format!("/workers add {short} x,z")).await;
    phone.hears("is added; it does not run yet").await;
    assert!(traces().contains(&format!("{short}.env")), "{}", traces());
    let told = phone.asks_until("/workers", "inactive (dead)").await;
    assert!(told.contains("draws x,z"), "{told}");
    let file = format!("EnvironmentFile=/var/lib/kymo/workers/{short}.env");
    let read = [
        "systemd-run",
        "--quiet",
        "--pipe",
        "--wait",
        "-p",
        &file,
        "printenv",
        "KYMO_TOPIC",
        "KYMO_VIEW",
    ];
    assert_eq!(
        machine.says(&read),
        format!("{topic}\nx,z"),
        "as systemd reads it"
    );
    phone.say(&format!("/workers start {short}")).await;
    phone.hears("starts").await;
    phone.asks_until("/workers", "active (running)").await;
    redraws(&phone, panel).await;

    // What is wrong is told in the chat, with the remedy; installing again is the remedy.
    machine.says(&["rm", "/etc/polkit-1/rules.d/50-kymo.rules"]);
    machine.says(&["systemctl", "restart", "polkit"]);
    phone.say(&format!("/workers stop {short}")).await;
    let told = phone.hears("does not let the bot").await;
    assert!(told.contains("kymo install"), "{told}");
    machine.says(&["/root/kymo", "install"]);
    machine.says(&["systemctl", "restart", "polkit"]);
    phone.say(&format!("/workers stop {short}")).await;
    phone.hears("stops").await;
    phone.asks_until("/workers", "inactive (dead)").await;
    machine.says(&["rm", "/etc/systemd/system/kymo-graph-worker@.service"]);
    machine.says(&["systemctl", "daemon-reload"]);
    phone.say(&format!("/workers start {short}")).await;
    let told = phone.hears("its template is missing").await;
    assert!(told.contains("kymo install"), "{told}");
    machine.says(&["/root/kymo", "install"]);
    machine.says(&["systemctl", "stop", "dbus.socket", "dbus.service"]);
    phone.say("/workers").await;
    let told = phone.hears("cannot be reached over the system bus").await;
    assert!(told.contains("systemctl status dbus"), "{told}");
}

#[tokio::test]
#[ignore = "boots a Debian with systemd, as root; ./test installs debootstrap, which makes its image"]
async fn roles_are_restarted_hung_or_killed_or_upgraded_and_the_solver_does_not_notice() {
    let (machine, phone) = Machine::with_kymo().await;
    let (topic, worker) = begin(&machine, &phone).await;
    let roles = ["kymo-initiator.service", "kymo-bot.service", worker.as_str()];
    let lives = format!("/var/lib/kymo/runs/{}/watchdog.json", ShortId::of(&topic));
    let solver = || {
        let lives: serde_json::Value = serde_json::from_str(&machine.read(&lives)).expect("JSON");
        let pid = lives["solver"]["pid"].to_string();
        assert!(machine.path(&format!("/proc/{pid}")).exists(), "the solver lives");
        pid
    };
    let pids = || roles.map(|unit| machine.pid_of(unit));
    let first = solver();

    // Killed and restarted.
    for how in [["systemctl", "restart"], ["systemctl", "kill"]] {
        let before = machine.pid_of(roles[0]);
        let mut words = how.to_vec();
        if how[1] == "kill" {
            words.extend(["--kill-who=main", "-s", "KILL"]);
        }
        words.push(roles[0]);
        machine.says(&words);
        machine.runs_anew(roles[0], &before).await;
        assert_eq!(solver(), first);
    }
    let said = machine.says(&["journalctl", "--no-pager", "-u", roles[0]]);
    assert!(said.contains("found a living watchdog again"), "{said}");

    // A newer program is what runs after installing it, and installing it again disturbs nobody.
    let before = pids();
    let newer = "cd /root && cp kymo newer && printf x >> newer && mv newer kymo";
    machine.says(&["sh", "-c", newer]);
    machine.says(&["/root/kymo", "install"]);
    let upgraded = pids();
    for (old, new) in before.iter().zip(&upgraded) {
        assert!(old != new && new != "0", "{before:?} {upgraded:?}");
    }
    assert_eq!(solver(), first);
    machine.says(&["/root/kymo", "install"]);
    assert_eq!(pids(), upgraded);

    // Hung: the watchdog, as short here as no laboratory wants it, lets systemd start it again.
    for unit in [
        "kymo-initiator.service",
        "kymo-bot.service",
        "kymo-graph-worker@.service",
    ] {
        machine.write(
            &format!("/etc/systemd/system/{unit}.d/hurry.conf"),
            "[Service]\nWatchdogSec=4\n",
        );
    }
    machine.says(&["systemctl", "daemon-reload"]);
    machine.says(&[&["systemctl", "restart"][..], &roles[..]].concat());
    let running = pids();
    machine.says(&["sh", "-c", &format!("kill -STOP {}", running.join(" "))]);
    for (unit, pid) in roles.into_iter().zip(&running) {
        machine.runs_anew(unit, pid).await;
        let said = machine.says(&["journalctl", "--no-pager", "-u", unit]);
        assert!(said.contains("Watchdog timeout"), "{said}");
        assert_eq!(machine.shows(unit, "NRestarts"), "1", "{unit}");
    }
    // Well, they are left alone for longer than the watchdog waits: their pictures go on.
    let well = pids();
    let panel = phone.panel().await.id;
    for _ in 0..3 {
        redraws(&phone, panel).await;
    }
    assert_eq!((pids(), solver()), (well, first));

    // Nobody's surroundings or command line show a secret.
    let door = machine.read("/etc/kymo/door.token");
    let shown = machine.says(&[
        "sh",
        "-c",
        "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'",
    ]);
    assert!(shown.contains("KYMO_DATA=/var/lib/kymo"));
    for secret in [TOKEN, door.trim()] {
        assert!(!shown.contains(secret), "a secret shows");
    }
}

#[tokio::test]
#[ignore = "boots a Debian with systemd, as root; ./test installs debootstrap, which makes its image"]
async fn what_is_installed_is_said_and_taken_back_to_the_last_file() {
    let machine = Machine::boot();
    let phone = machine.open_sandbox().await;
    let accounts =
        || ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"].map(|path| machine.read(path));
    let (files, people) = (machine.files(), accounts());

    // Without root it only says what it would do.
    let stranger = ["runuser", "-u", "daemon", "--"];
    machine.says(&["chmod", "755", "/root", "/root/kymo"]);
    let (done, said) = machine.tries(&[&stranger[..], &["/root/kymo", "install"]].concat());
    assert!(
        !done && said.contains("needs root") && said.contains("sudo kymo install"),
        "{said}"
    );
    let said = machine.says(&[&stranger[..], &["/root/kymo", "install", "--dry-run"]].concat());
    assert!(
        said.contains("would do  the system user kymo") && said.contains("nothing was changed"),
        "{said}"
    );
    machine.says(&["/root/kymo", "install", "--dry-run"]);
    assert_eq!(machine.files(), files);

    // The first time there is no token yet; then there is.
    let said = machine.says(&["/root/kymo", "install"]);
    assert!(
        said.contains("done      /etc/systemd/system/kymo-bot.service"),
        "{said}"
    );
    assert!(said.contains("next: put the token"), "{said}");
    assert_eq!(machine.shows("kymo-initiator", "ActiveState"), "active");
    assert_eq!(machine.shows("kymo-bot", "ActiveState"), "inactive");
    machine.write("/etc/kymo/telegram.token", TOKEN);
    let sample = machine.read("/etc/kymo/kymo.toml");
    let told = sample.replacen(
        "#= api = \"http://127.0.0.1:8081\"",
        "api = \"http://127.0.0.1:8081\"",
        1,
    );
    let told = told.replacen("admins = []", &format!("admins = [{}]", lab::GRACE), 1);
    machine.write("/etc/kymo/kymo.toml", &told);
    let said = machine.says(&["/root/kymo", "install"]);
    assert!(
        said.contains("ok        /etc/systemd/system/kymo-bot.service"),
        "{said}"
    );
    assert_eq!(
        machine.read("/etc/kymo/kymo.toml"),
        told,
        "a person's configuration stays"
    );
    let (topic, worker) = begin(&machine, &phone).await;

    // docs/systemd.md names these figures.
    let guide = include_str!("../docs/systemd.md");
    for unit in ["kymo-bot.service", "kymo-initiator.service", worker.as_str()] {
        let said = machine
            .tries(&["systemd-analyze", "security", "--no-pager", unit])
            .1;
        let exposure = said
            .split(": ")
            .last()
            .and_then(|rest| rest.split_whitespace().next());
        let row = format!(
            "| `{}` | {} |",
            unit.replace(ShortId::of(&topic).as_str(), ""),
            exposure.expect("a figure")
        );
        assert!(guide.contains(&row), "docs/systemd.md has no row {row}");
    }

    // Taken back, with the run going on; what people own stays.
    let lives = format!("/var/lib/kymo/runs/{}/watchdog.json", ShortId::of(&topic));
    let lives: serde_json::Value = serde_json::from_str(&machine.read(&lives)).expect("JSON");
    let solver = lives["solver"]["pid"].to_string();
    let said = machine.says(&["/root/kymo", "uninstall"]);
    assert!(said.contains("kept: /etc/kymo and /var/lib/kymo"), "{said}");
    assert!(
        !machine.path(&format!("/proc/{solver}")).exists(),
        "no solver stays behind"
    );
    let left: BTreeSet<_> = machine.files().into_iter().collect();
    let was: BTreeSet<_> = files.iter().cloned().collect();
    let more: Vec<_> = left
        .difference(&was)
        .filter(|file| !file.starts_with("/etc/kymo") && !file.starts_with("/var/lib/kymo"))
        .collect();
    assert_eq!(more, Vec::<&String>::new());

    // It comes back as it was, run and all; and then goes for good.
    machine.says(&["/root/kymo", "install"]);
    phone.asks_until("/workers", "active (running)").await;
    machine.says(&["/root/kymo", "uninstall", "--purge"]);
    assert_eq!(machine.files(), files);
    assert_eq!(accounts(), people);
    let units = machine.says(&[
        "systemctl",
        "list-units",
        "--all",
        "--plain",
        "--no-legend",
        "kymo-*",
    ]);
    assert_eq!(units, "");
    machine.says(&["/root/kymo", "uninstall", "--purge"]);
}
