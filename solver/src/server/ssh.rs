//! The system's ssh as a child process. What it may do is written into a configuration of its own, because a jump host is
//! reached by a second ssh, which sees nothing but that. The remote command is one of three fixed lines; everything else
//! travels on stdin.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::process::{Child, Command};

use super::config::ServerConfig;
use super::fault::{self, Fault};

/// A server that does not answer within this is away.
const CONNECT: Duration = Duration::from_secs(10);
/// A connection over which nothing was heard for three of these is dead.
const ALIVE: Duration = Duration::from_secs(5);

/// How one server is reached.
#[derive(Clone, Debug)]
pub struct Ssh {
    pub server: ServerConfig,
    /// Holds its configuration and, for a tunnel, our end of it.
    folder: PathBuf,
}

impl Ssh {
    /// Writes the configuration into `folder`.
    pub fn new(server: ServerConfig, folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
        let path = folder.join("ssh_config");
        std::fs::write(&path, configuration(&server)).with_context(|| format!("write {}", path.display()))?;
        Ok(Self {
            server,
            folder: folder.to_owned(),
        })
    }

    /// Starts a remote command. `forward`: a socket there, and ours (a file in our folder) that it leads to.
    pub fn start(&self, command: &'static str, forward: Option<(&str, &str)>) -> Result<Child, Fault> {
        debug_assert!(
            !command.contains(['\'', '\n', '!', '\\']),
            "it stands in single quotes, in any shell"
        );
        let mut ssh = Command::new("ssh");
        ssh.current_dir(&self.folder).args(["-F", "ssh_config", "-T"]);
        if let Some(user) = &self.server.user {
            ssh.args(["-l", user]);
        }
        if let Some(port) = self.server.port {
            ssh.arg("-p").arg(port.to_string());
        }
        if !self.server.jump.is_empty() {
            ssh.arg("-J").arg(self.server.jump.join(","));
        }
        if let Some((there, here)) = forward {
            // Our end is relative: a path from elsewhere could hold signs that mean something to ssh.
            ssh.arg("-R").arg(format!("{there}:./{here}"));
        }
        ssh.arg("--")
            .arg(&self.server.host)
            .arg(format!("exec /bin/sh -c '{command}'"));
        // None of ours is the server's business, should its sshd accept variables.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KYMO_") {
                ssh.env_remove(name);
            }
        }
        // Its words are matched.
        ssh.env("LC_ALL", "C");
        ssh.stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        ssh.kill_on_drop(true).process_group(0);
        ssh.spawn().map_err(|error| {
            let remedy = "install the OpenSSH client (package openssh-client) on this machine";
            Fault::lasting(format!("cannot start ssh: {error}"), remedy)
        })
    }

    pub fn fault(&self, status: Option<i32>, said: &str) -> Fault {
        fault::read(&self.server, status, said)
    }
}

/// The first value that ssh finds counts, so ours go before those of the user's own configuration.
fn configuration(server: &ServerConfig) -> String {
    let mut text = String::from("# Written by kymo; changes are lost.\nHost *\n");
    let mut set = |name: &str, value: &str| text.push_str(&format!("    {name} {value}\n"));
    set("BatchMode", "yes");
    set("StrictHostKeyChecking", "yes");
    set("UpdateHostKeys", "no");
    set("ConnectTimeout", &CONNECT.as_secs().to_string());
    set("ServerAliveInterval", &ALIVE.as_secs().to_string());
    set("ServerAliveCountMax", "3");
    set("ExitOnForwardFailure", "yes");
    set("ForwardAgent", "no");
    set("ForwardX11", "no");
    set("PermitLocalCommand", "no");
    set("ControlMaster", "no");
    set("ControlPath", "none");
    set("EscapeChar", "none");
    set("RequestTTY", "no");
    set("RemoteCommand", "none");
    if let Some(path) = &server.known_hosts {
        set("UserKnownHostsFile", &format!("\"{}\"", path.display()));
    }
    if let Some(path) = &server.key {
        set("IdentityFile", &format!("\"{}\"", path.display()));
        set("IdentitiesOnly", "yes");
    }
    // `Include` inside a block that matches everything: a missing file is no error.
    text.push_str("Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_keys_are_enforced_and_nothing_is_asked() {
        let text = "[servers.lab]\nhost = \"lab1\"\nkey = \"/keys/a b\"\nknown-hosts = \"/keys/known\"\n";
        let server = ServerConfig::all_from_toml(text, Path::new("/"))
            .expect("a server")
            .remove(0);
        let text = configuration(&server);
        for line in [
            "BatchMode yes",
            "StrictHostKeyChecking yes",
            "UserKnownHostsFile \"/keys/known\"",
            "IdentityFile \"/keys/a b\"",
            "IdentitiesOnly yes",
        ] {
            let place = text
                .find(line)
                .unwrap_or_else(|| panic!("{line} is missing in\n{text}"));
            assert!(place < text.find("Include").expect("the user's own"), "{line}");
        }
    }
}
