//! Hosts of their own: network namespaces on one bridge, in a network namespace of the test's own. What happens there
//! stays there, and all of it goes with the processes.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::process::is_alive;

/// Set where a test runs again inside.
const INSIDE: &str = "KYMO_TEST_NETWORK";

/// Runs an ignored test of this binary again, alone in a network without anything. Needs no root where user namespaces
/// are allowed.
pub fn run_inside(test: &str) {
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--net"])
        .arg(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .env(INSIDE, "yes")
        .output()
        .expect("unshare of util-linux is installed");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(
        !said.contains("unshare failed"),
        "this test makes network namespaces; allow that (sysctl kernel.unprivileged_userns_clone=1), or run it as root: \
         {said}"
    );
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

/// The bridge, and the test itself on it.
pub struct Network {
    hosts: u8,
}

/// A host on the bridge.
pub struct Host {
    pub name: &'static str,
    pub address: Ipv4Addr,
    /// Its network lives as long as this process.
    holder: Child,
}

impl Network {
    /// Where the test itself is reached: bot, sandbox and phone live there.
    pub const HERE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

    pub fn set_up(outer: &str) -> Self {
        assert!(std::env::var_os(INSIDE).is_some(), "run by {outer}");
        ip("link set lo up");
        ip("link add bridge type bridge");
        ip(&format!("addr add {}/24 dev bridge", Self::HERE));
        ip("link set bridge up");
        Self { hosts: 1 }
    }

    /// A further host.
    pub async fn host(&mut self, name: &'static str) -> Host {
        self.hosts += 1;
        let address = Ipv4Addr::new(10, 77, 0, self.hosts);
        let holder = Command::new("unshare")
            // Longer than any story.
            .args(["--net", "sleep", "600"])
            .stdin(Stdio::null())
            .spawn()
            .expect("unshare of util-linux is installed");
        let host = Host {
            name,
            address,
            holder,
        };
        let network = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        super::until("a network of its own", || async {
            (network(&host.pid()).is_some() && network(&host.pid()) != network("self")).then_some(())
        })
        .await;
        ip(&format!(
            "link add {name} type veth peer name eth0 netns {}",
            host.pid()
        ));
        ip(&format!("link set {name} master bridge up"));
        for words in [
            "link set lo up".to_owned(),
            format!("addr add {address}/24 dev eth0"),
            "link set eth0 up".to_owned(),
        ] {
            let mut there = host.command(Path::new("ip"));
            run(there.args(words.split(' ')));
        }
        host
    }
}

impl Host {
    fn pid(&self) -> String {
        self.holder.id().to_string()
    }

    /// A command that runs there.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.pid(), "--net", "--"])
            .arg(program);
        command
    }

    /// Nothing reaches it any more, and it reaches nobody.
    pub fn cut_off(&self) {
        ip(&format!("link set {} down", self.name));
    }

    pub fn join(&self) {
        ip(&format!("link set {} up", self.name));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn ip(words: &str) {
    run(Command::new("ip").args(words.split(' ')));
}

fn run(command: &mut Command) {
    let ran = command.output().expect("ip of iproute2 is installed");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?}: {said}");
}

/// Whether a process stands still or is gone.
pub fn stands_still(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !is_alive(pid)
        || stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('T'))
}
