//! A real sshd on loopback, with keys of its own: the server of the stories about ssh.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::process::{children, kill_9};

pub struct Sshd {
    folder: TempDir,
    port: u16,
    daemon: Option<Child>,
}

impl Sshd {
    pub fn start() -> Self {
        Self::with("")
    }

    /// With further lines for its sshd_config.
    pub fn with(more: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("kymo-sshd-")
            .tempdir()
            .expect("a temporary folder");
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let mut sshd = Self {
            folder,
            port,
            daemon: None,
        };
        make_key(&sshd.path("host_key"));
        make_key(&sshd.path("user_key"));
        std::fs::copy(sshd.path("user_key.pub"), sshd.path("authorized_keys")).expect("let the key in");
        let path = |name: &str| sshd.path(name).display().to_string();
        // Without StrictModes, because a temporary folder is writable for others further up.
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\n{more}\n",
            path("host_key"),
            path("authorized_keys")
        );
        std::fs::write(sshd.path("sshd_config"), text).expect("write sshd_config");
        sshd.be_known();
        sshd.up();
        sshd
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `user@host:port`
    pub fn user_and_port(&self) -> String {
        format!("{}@127.0.0.1:{}", user(), self.port)
    }

    /// Its key's owner knows the other's host key, too.
    pub fn learn_from(&self, other: &Self) {
        let mut known = std::fs::read_to_string(self.path("known_hosts")).expect("known_hosts");
        known += &std::fs::read_to_string(other.path("known_hosts")).expect("known_hosts");
        std::fs::write(self.path("known_hosts"), known).expect("write known_hosts");
    }

    /// The other's key opens this one, too.
    pub fn let_in(&self, other: &Self) {
        std::fs::copy(other.path("user_key.pub"), self.path("authorized_keys")).expect("let the key in");
    }

    /// Whether somebody's outpost serves the folder: it holds the lock.
    pub fn has_outpost(&self) -> bool {
        let Ok(file) = std::fs::File::open(self.home().join("outpost.lock")) else {
            return false;
        };
        nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockSharedNonblock).is_err()
    }

    /// Where kymo lives there.
    pub fn home(&self) -> PathBuf {
        self.path("there")
    }

    /// A table for kymo.toml; `more` are further lines, which may name the folder again.
    pub fn table(&self, name: &str, more: &str) -> String {
        let folder = match more.contains("folder = ") {
            true => String::new(),
            false => format!("folder = {:?}\n", self.home()),
        };
        format!(
            "[servers.{name}]\nhost = \"127.0.0.1\"\nport = {}\nuser = {:?}\nkey = {:?}\nknown-hosts = {:?}\n{folder}{more}\n",
            self.port,
            user(),
            self.path("user_key"),
            self.path("known_hosts"),
        )
    }

    /// Others learn its host key.
    pub fn be_known(&self) {
        let key = std::fs::read_to_string(self.path("host_key.pub")).expect("the host key");
        std::fs::write(
            self.path("known_hosts"),
            format!("[127.0.0.1]:{} {key}", self.port),
        )
        .expect("write known_hosts");
    }

    /// As if the machine had been installed anew.
    pub fn change_host_key(&mut self) {
        self.down();
        for name in ["host_key", "host_key.pub"] {
            std::fs::remove_file(self.path(name)).expect("forget the host key");
        }
        make_key(&self.path("host_key"));
        self.up();
    }

    pub fn up(&mut self) {
        if nix::unistd::geteuid().is_root() {
            // Where a privileged sshd locks up its unprivileged half; packages make it at boot.
            std::fs::create_dir_all("/run/sshd").expect("make /run/sshd");
        }
        let said = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("sshd.log"))
            .expect("open sshd.log");
        let daemon = Command::new("/usr/sbin/sshd")
            .args(["-D", "-e", "-f"])
            .arg(self.path("sshd_config"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("start sshd; its package is openssh-server");
        self.daemon = Some(daemon);
        let patience = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < patience, "sshd does not listen: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The machine is off the network: connections are cut, new ones are refused.
    pub fn down(&mut self) {
        let mut daemon = self.daemon.take().expect("it is up");
        let sessions = sessions(daemon.id().cast_signed());
        daemon.kill().expect("kill sshd");
        daemon.wait().expect("reap sshd");
        sessions.into_iter().for_each(kill_if_there);
    }

    /// Cuts every connection; how many there were.
    pub fn cut(&self) -> usize {
        let daemon = self.daemon.as_ref().expect("it is up").id().cast_signed();
        let sessions = sessions(daemon);
        let number = sessions.len();
        sessions.into_iter().for_each(kill_if_there);
        number
    }

    pub fn said(&self) -> String {
        std::fs::read_to_string(self.path("sshd.log")).unwrap_or_default()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        if self.daemon.is_some() {
            self.down();
        }
        super::process::kill_watchdogs(&self.home());
    }
}

/// The processes of sshd that serve connections, whoever they run as; not what was started in them.
fn sessions(daemon: i32) -> Vec<i32> {
    let is_sshd = |pid: &i32| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.starts_with("sshd")
    };
    let mut all: Vec<i32> = children(daemon).into_iter().filter(is_sshd).collect();
    let inner: Vec<i32> = all
        .iter()
        .flat_map(|pid| children(*pid))
        .filter(is_sshd)
        .collect();
    all.extend(inner);
    all
}

fn kill_if_there(pid: i32) {
    if super::process::is_alive(pid) {
        kill_9(pid);
    }
}

fn user() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    user.expect("we are somebody").name
}

pub fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "kymo-story", "-f"])
        .arg(path)
        .status()
        .expect("start ssh-keygen; its package is openssh-client");
    assert!(made.success(), "ssh-keygen failed");
}
