//! `kymo install` and `kymo uninstall`: this machine's kymo as services of systemd, and back. Each step is said.

mod place;
mod step;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use kymo_solver::watchdog;

use self::place::{
    CONFIGURATION, DATA, GENERATORS, POLKIT, PROGRAM, SETTINGS, Secrets, Service, UNITS, USER, generator,
    polkit_rule,
};
use self::step::Step;
use crate::cli::{Common, Install, Uninstall};
use crate::config::Config;

const SAMPLE: &str = include_str!("../../../docs/kymo.sample.toml");
/// `LoadCredential=` came with this one.
const OLDEST_SYSTEMD: u32 = 247;
/// How long a solver may take to end when kymo is taken back.
const SOLVER_GRACE: Duration = Duration::from_secs(10);
const WORKERS: &str = "kymo-graph-worker@*.service";

pub fn install(args: Install) -> anyhow::Result<()> {
    let machine = Machine::look(args.root, args.dry_run, "install")?;
    let before = Findings::of(&machine)?;
    let mut renewed = false;
    for step in installed(&machine, &before)? {
        renewed |= machine.take(&step)? && machine.must_be_heard_of(&step);
    }
    if machine.is_elsewhere() {
        println!(
            "\nnothing was started: {} is no running system",
            machine.root.display()
        );
        return Ok(());
    }
    for step in running(renewed, before.has_token) {
        machine.take(&step)?;
    }
    if args.dry_run {
        println!("\nnothing was changed");
    } else {
        advise(&before);
    }
    Ok(())
}

pub async fn uninstall(args: Uninstall) -> anyhow::Result<()> {
    let machine = Machine::look(args.root, args.dry_run, "uninstall")?;
    if !machine.is_elsewhere() {
        for step in ended(&machine) {
            machine.take(&step)?;
        }
        if !args.dry_run {
            let ended = watchdog::stop_all(Path::new(DATA), SOLVER_GRACE).await;
            if ended > 0 {
                println!("done      end {ended} running solvers (their runs stay in the log)");
            }
        }
    }
    for step in taken_back(&machine, args.purge) {
        machine.take(&step)?;
    }
    if !machine.is_elsewhere() {
        machine.take(&Step::systemctl(&["daemon-reload"]))?;
        machine.take(&Step::systemctl(&["reset-failed", "kymo-*"]))?;
        if args.purge {
            machine.take(&Step::RemoveUser)?;
        }
    }
    match (args.dry_run, args.purge) {
        (true, _) => println!("\nnothing was changed"),
        (false, true) => {}
        (false, false) => println!(
            "\nkept: {SETTINGS} and {DATA} with your runs, and the user {USER} who owns them; `kymo uninstall --purge` \
             removes them, too"
        ),
    }
    Ok(())
}

/// What is on disk after an installation, in the order in which it comes there.
fn installed(machine: &Machine, before: &Findings) -> anyhow::Result<Vec<Step>> {
    let program = std::env::current_exe().context("find this program's own file")?;
    let at = |path: &Path| machine.at(path);
    let file = |path: PathBuf, mode: u32, text: &str| Step::File {
        path: machine.at(&path),
        mode,
        text: text.to_owned(),
    };
    let mut steps = Vec::new();
    if !machine.is_elsewhere() {
        steps.push(Step::AddUser);
    }
    steps.push(Step::Program {
        from: program,
        path: at(Path::new(PROGRAM)),
    });
    steps.push(Step::Folder {
        path: at(Path::new(SETTINGS)),
        mode: 0o755,
    });
    steps.push(Step::FirstFile {
        path: at(Path::new(CONFIGURATION)),
        mode: 0o644,
        text: configuration(),
    });
    steps.push(Step::FirstFile {
        path: at(&before.secrets.door),
        mode: 0o600,
        text: hex::encode(rand::random::<[u8; 32]>()),
    });
    for service in Service::ALL {
        steps.push(file(service.unit_file(), 0o644, service.text()));
        steps.push(match before.secrets.drop_in(service) {
            Some(text) => file(service.secrets_file(), 0o644, &text),
            None => Step::Remove {
                path: at(&service.secrets_file()),
            },
        });
    }
    let (path, text) = generator();
    steps.push(file(path, 0o755, text));
    // Without polkit there is nobody to read it.
    if at(Path::new(POLKIT)).is_dir() {
        let (path, text) = polkit_rule();
        steps.push(file(path, 0o644, text));
    }
    Ok(steps)
}

/// How the services come to run it.
fn running(renewed: bool, has_token: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    if renewed {
        steps.push(Step::systemctl(&["daemon-reload"]));
        // Before the bot, which may want other things of them when it starts.
        steps.push(Step::systemctl(&["try-restart", WORKERS]));
    }
    for service in [Service::Initiator, Service::Bot] {
        if service == Service::Bot && !has_token {
            continue;
        }
        let unit = service.unit();
        steps.push(Step::Systemctl {
            words: vec!["enable", "--quiet", unit],
            unless: vec!["is-enabled", "--quiet", unit],
        });
        steps.push(if renewed {
            Step::systemctl(&["restart", unit])
        } else {
            Step::Systemctl {
                words: vec!["start", unit],
                unless: vec!["is-active", "--quiet", unit],
            }
        });
    }
    steps
}

/// How the services come to an end.
fn ended(machine: &Machine) -> Vec<Step> {
    let mut steps = Vec::new();
    for service in [Service::Bot, Service::Initiator] {
        if machine.at(&service.unit_file()).exists() {
            steps.push(Step::systemctl(&["disable", "--quiet", "--now", service.unit()]));
        }
    }
    steps.push(Step::systemctl(&["stop", WORKERS]));
    steps
}

/// What goes away again.
fn taken_back(machine: &Machine, purge: bool) -> Vec<Step> {
    let mut files = Vec::new();
    let mut folders = Vec::new();
    for service in Service::ALL {
        files.extend([service.unit_file(), service.secrets_file()]);
        folders.extend(service.secrets_file().parent().map(Path::to_owned));
    }
    files.extend([generator().0, polkit_rule().0, PROGRAM.into()]);
    folders.push(GENERATORS.into());
    let at = |path: PathBuf| machine.at(&path);
    let files = files.into_iter().map(|path| Step::Remove { path: at(path) });
    let folders = folders
        .into_iter()
        .map(|path| Step::RemoveEmpty { path: at(path) });
    let data = [SETTINGS, DATA].into_iter().filter(|_| purge);
    let data = data.map(|path| Step::RemoveWithAll {
        path: at(path.into()),
    });
    files.chain(folders).chain(data).collect()
}

/// The sample, as a service needs it.
fn configuration() -> String {
    let mut text = super::init::without_samples_of_solvers(SAMPLE);
    for line in ["host = \"systemd\"", "token-file = \"door.token\""] {
        debug_assert!(
            text.contains(&format!("#= {line}")),
            "the sample has no line {line:?}"
        );
        text = text.replacen(&format!("#= {line}"), line, 1);
    }
    text
}

/// The system that is changed: this one, or one that lies in a folder.
struct Machine {
    root: PathBuf,
    dry_run: bool,
}

impl Machine {
    fn look(root: Option<PathBuf>, dry_run: bool, what: &str) -> anyhow::Result<Self> {
        let machine = Self {
            root: root.unwrap_or_else(|| "/".into()),
            dry_run,
        };
        if machine.is_elsewhere() {
            return Ok(machine);
        }
        if !Path::new("/run/systemd/system").is_dir() {
            bail!(
                "systemd does not run this machine; `kymo up` keeps the bot and an initiator running without it"
            );
        }
        let version = systemd_version()?;
        if version < OLDEST_SYSTEMD {
            bail!(
                "this is systemd {version}, too old for the units (they need {OLDEST_SYSTEMD}); `kymo up` works without it"
            );
        }
        if !dry_run && !nix::unistd::geteuid().is_root() {
            bail!(
                "`kymo {what}` changes the system and needs root: try `sudo kymo {what}`, or --dry-run to see its steps"
            );
        }
        Ok(machine)
    }

    fn is_elsewhere(&self) -> bool {
        self.root != Path::new("/")
    }

    fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Whether a unit that runs already must be restarted for it. What kymo.toml says is its person's business.
    fn must_be_heard_of(&self, step: &Step) -> bool {
        match step {
            Step::Program { .. } => true,
            Step::File { path, .. } | Step::Remove { path } => path.starts_with(self.at(Path::new(UNITS))),
            Step::AddUser
            | Step::RemoveUser
            | Step::Folder { .. }
            | Step::FirstFile { .. }
            | Step::RemoveEmpty { .. }
            | Step::RemoveWithAll { .. }
            | Step::Systemctl { .. } => false,
        }
    }

    /// Does a step unless it is done, and says so. `true`: there was something to do.
    fn take(&self, step: &Step) -> anyhow::Result<bool> {
        if step.is_done()? {
            if !step.takes_away() {
                println!("ok        {step}");
            }
            return Ok(false);
        }
        if self.dry_run {
            println!("would do  {step}");
        } else {
            step.carry_out()?;
            println!("done      {step}");
        }
        Ok(true)
    }
}

/// What an earlier installation, or a person, left.
struct Findings {
    secrets: Secrets,
    has_token: bool,
    /// Whether the configuration lets systemd keep graph workers.
    workers_by_systemd: bool,
    has_polkit: bool,
}

impl Findings {
    fn of(machine: &Machine) -> anyhow::Result<Self> {
        let path = machine.at(Path::new(CONFIGURATION));
        let (secrets, workers_by_systemd) = if path.exists() {
            let config = Config::load(&Common {
                data: Some(machine.at(Path::new(DATA))),
                config: Some(path),
                log: None,
            })?;
            (
                Secrets::of(&config).below(&machine.root),
                config.systemd.is_some(),
            )
        } else {
            (Secrets::default(), true)
        };
        Ok(Self {
            has_token: machine.at(&secrets.telegram).exists(),
            secrets,
            workers_by_systemd,
            has_polkit: machine.at(Path::new(POLKIT)).is_dir(),
        })
    }
}

/// What is left to a person.
fn advise(found: &Findings) {
    println!();
    if !found.has_token {
        println!(
            "next: put the token that @BotFather gave you into {} (chmod 600), name yourself under admins in \
             {CONFIGURATION}, and run `kymo install` again: it starts the bot",
            found.secrets.telegram.display()
        );
    }
    if !found.workers_by_systemd {
        println!(
            "note: graph workers stay children of the bot; host = \"systemd\" under [workers] in {CONFIGURATION} makes \
             them units"
        );
    } else if !found.has_polkit {
        println!(
            "note: there is no polkit ({POLKIT} is missing), so the bot may not start graph workers; install it \
             (Debian: apt-get install polkitd), then run `kymo install` again"
        );
    }
    println!("`systemctl status 'kymo-*'` shows the services, `journalctl -u kymo-bot` what the bot says");
}

fn systemd_version() -> anyhow::Result<u32> {
    let output = Command::new("systemctl").arg("--version").output();
    let output = output.context("cannot start systemctl")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    number.with_context(|| format!("`systemctl --version` names no version: {text:?}"))
}
