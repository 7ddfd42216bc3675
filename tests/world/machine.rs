//! A machine of its own with a real systemd as PID 1, in namespaces that `machine.sh` makes, and a phone whose
//! Telegram lives in there.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kymo::role::demo::scene;
use kymo_runlog::Topic;
use kymo_telegram_sandbox::{Control, MessageState, State};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{KYMO, PATIENCE, lab, until};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/world/machine.sh");
const SANDBOX: &str = "127.0.0.1:8081";
pub const TOKEN: &str = "4242:sandbox-token-not-a-secret";

/// Ends, with everything that was written in it, when it is dropped.
pub struct Machine {
    boot: Child,
    /// Its PID 1 as this machine counts.
    pid: i32,
}

impl Machine {
    /// Boots it, with the program under test as /root/kymo. From here on this thread's network is the machine's: it
    /// has no other, and no other reaches it.
    pub fn boot() -> Self {
        let image = Path::new(env!("CARGO_TARGET_TMPDIR")).join("machine");
        let made = Command::new(SCRIPT).arg("make").arg(&image).status();
        assert!(
            made.expect("start machine.sh").success(),
            "the machine's image cannot be made"
        );
        let mut boot = Command::new(SCRIPT)
            .arg("boot")
            .arg(&image)
            // It ends when this ends, however that comes.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start machine.sh");
        let mut said = String::new();
        BufReader::new(boot.stdout.take().expect("piped"))
            .read_line(&mut said)
            .expect("read what machine.sh says");
        let pid = said.trim().strip_prefix("up ").and_then(|pid| pid.parse().ok());
        let Some(pid) = pid else {
            let _ = boot.wait();
            panic!("the machine does not boot: {said:?}");
        };
        let machine = Self { boot, pid };
        let network = std::fs::File::open(format!("/proc/{pid}/ns/net")).expect("the machine's network");
        setns(network, CloneFlags::CLONE_NEWNET).expect("root may enter it");
        std::fs::copy(KYMO, machine.path("/root/kymo")).expect("copy the program there");
        machine
    }

    /// A file of the machine as this one sees it.
    pub fn path(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.pid))
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("make the folder");
        std::fs::write(path, text).expect("write a file of the machine");
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("read {path}: {error}"))
    }

    /// Runs a command there: whether it succeeded, and all that it said.
    pub fn tries(&self, words: &[&str]) -> (bool, String) {
        let mut command = Command::new(SCRIPT);
        command.arg("in").arg(self.pid.to_string()).args(words);
        let output = command.output().expect("start machine.sh");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).trim().to_owned(),
        )
    }

    /// Runs a command there that must succeed; what it said.
    pub fn says(&self, words: &[&str]) -> String {
        let (success, said) = self.tries(words);
        assert!(success, "{words:?}: {said}");
        said
    }

    /// A unit's property by systemd's name.
    pub fn shows(&self, unit: &str, property: &str) -> String {
        self.says(&["systemctl", "show", "--value", "-p", property, unit])
    }

    /// The number of a unit's main process there.
    pub fn pid_of(&self, unit: &str) -> String {
        self.shows(unit, "MainPID")
    }

    /// Waits until a unit is active with another main process than this.
    pub async fn runs_anew(&self, unit: &str, before: &str) -> String {
        until(&format!("{unit} runs anew\n{}", self.tells(unit)), || async {
            let now = self.pid_of(unit);
            let new = now != "0" && now != before && self.shows(unit, "ActiveState") == "active";
            new.then_some(now)
        })
        .await
    }

    /// What a unit did and said of late.
    pub fn tells(&self, unit: &str) -> String {
        self.tries(&["systemctl", "status", "--no-pager", "--full", "-n", "20", unit])
            .1
    }

    /// Every file that outlives a boot, with its mode and owner.
    pub fn files(&self) -> Vec<String> {
        let find = "find / -xdev ( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/log \
                    -o -path /root -o -path /var/lib/systemd/timers ) -prune -o -printf %p|%M|%u|%g|%l\\n";
        let said = self.says(&find.split_whitespace().collect::<Vec<_>>());
        let mut files: Vec<_> = said.lines().map(str::to_owned).collect();
        files.sort();
        files
    }

    /// kymo as it is installed, with its sandbox Telegram; bot and initiator run. Grace is admin.
    pub async fn with_kymo() -> (Self, Phone) {
        let machine = Self::boot();
        let phone = machine.open_sandbox().await;
        machine.write("/etc/kymo/kymo.toml", &configuration());
        machine.write("/etc/kymo/telegram.token", TOKEN);
        machine.says(&["chmod", "600", "/etc/kymo/telegram.token"]);
        machine.says(&["/root/kymo", "install"]);
        phone.say("/alerts here").await;
        phone.hears("alerts").await;
        (machine, phone)
    }

    pub async fn open_sandbox(&self) -> Phone {
        let sandbox = ["/root/kymo", "telegram-sandbox", "--listen", SANDBOX];
        let run = ["systemd-run", "--quiet", "--unit", "telegram-sandbox"];
        self.says(&[&run[..], &sandbox[..]].concat());
        let control = Control::new(&format!("http://{SANDBOX}")).patience(PATIENCE);
        until("the sandbox answers", || async { control.state().await.ok() }).await;
        Phone { control }
    }

    /// The topics of runs.
    pub fn topics(&self) -> Vec<Topic> {
        let as_kymo = ["runuser", "-u", "kymo", "--", "env", "KYMO_DATA=/var/lib/kymo"];
        let topics = ["/usr/local/bin/kymo", "topics", "--json"];
        let said = self.says(&[&as_kymo[..], &topics[..]].concat());
        let topic = |line: &str| {
            let listed: serde_json::Value = serde_json::from_str(line).ok()?;
            Topic::parse(listed["topic"].as_str()?).ok()
        };
        said.lines()
            .filter_map(topic)
            .filter(|topic| !topic.as_str().starts_with("kymo."))
            .collect()
    }
}

/// What kymo.toml says there.
pub fn configuration() -> String {
    format!(
        "[telegram]\ntoken-file = \"telegram.token\"\nadmins = [{}]\napi = \"http://{SANDBOX}\"\n\
         [door]\ntoken-file = \"door.token\"\n[workers]\nhost = \"systemd\"\n",
        lab::GRACE
    )
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The script ends PID 1, and with it everything in there.
        let _ = kill(Pid::from_raw(self.boot.id().cast_signed()), Signal::SIGTERM);
        let _ = self.boot.wait();
    }
}

/// Grace's phone, in the group.
pub struct Phone {
    pub control: Control,
}

impl Phone {
    pub async fn say(&self, text: &str) {
        let said = self.control.send(lab::GRACE, lab::GROUP, text).await;
        said.expect("a person may speak in their chat");
    }

    /// Waits until the newest thing that the bot said contains these words.
    pub async fn hears(&self, words: &str) -> String {
        self.sees(words, |state| {
            let bot = state.bot.id;
            let mut said = state.chat(lab::GROUP)?.messages.iter().rev();
            let newest = said.find(|message| message.from == bot && message.kind == "text")?;
            newest.text.contains(words).then(|| newest.text.clone())
        })
        .await
    }

    /// Asks until the answer contains these words.
    pub async fn asks_until(&self, question: &str, words: &str) -> String {
        let mut last = String::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            let asked = self
                .control
                .send(lab::GRACE, lab::GROUP, question)
                .await
                .expect("asked");
            last = self
                .sees(question, |state| {
                    let bot = state.bot.id;
                    let mut said = state.chat(lab::GROUP)?.messages.iter().rev();
                    let answer = said.find(|message| {
                        message.from == bot && message.id > asked && message.kind == "text"
                    })?;
                    Some(answer.text.clone())
                })
                .await;
            if last.contains(words) {
                return last;
            }
            // The answer comes through a flood budget; asking faster only makes it later.
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
        panic!("{question} never said {words:?}, but: {last}");
    }

    pub async fn presses(&self, label: &str) {
        let button = |state: &State| scene::newest_button(state.chat(lab::GROUP)?, label);
        let (message, data) = self.sees(label, button).await;
        let pressed = self
            .control
            .press_data(lab::GRACE, lab::GROUP, message, &data)
            .await;
        pressed.expect("the button is there");
    }

    pub async fn panel(&self) -> MessageState {
        self.sees("a pinned panel", |state| {
            scene::pinned_panel(state.chat(lab::GROUP)?).cloned()
        })
        .await
    }

    pub async fn sees<T>(&self, what: &str, fact: impl Fn(&State) -> Option<T>) -> T {
        match self.control.wait_for(what, fact).await {
            Ok(found) => found,
            Err(error) => {
                let chat = self.control.chat(lab::GROUP).await;
                let said = chat.map(|chat| {
                    chat.messages
                        .into_iter()
                        .map(|message| message.text)
                        .collect::<Vec<_>>()
                });
                panic!("{error}\n{said:#?}");
            }
        }
    }
}
