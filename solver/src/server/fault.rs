//! Why a server cannot be used, read from ssh's own words: what it is, the reason, and what to do.

use std::fmt;

use super::config::ServerConfig;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub reason: String,
    pub remedy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It passes by itself, as far as anybody can know: cut, unreachable, restarting.
    Passing,
    /// A person must do something.
    Lasting,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.reason, self.remedy)
    }
}

impl Fault {
    pub fn lasting(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            kind: Kind::Lasting,
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    pub fn passing(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            kind: Kind::Passing,
            ..Self::lasting(reason, remedy)
        }
    }
}

/// What ssh or the remote shell said before it ended.
pub fn read(server: &ServerConfig, status: Option<i32>, said: &str) -> Fault {
    // A jump host is reached by an ssh of its own, whose last word is that the pipe between the two has closed.
    let at_the_jump = !server.jump.is_empty() && said.contains("UNKNOWN port 65535");
    let said = clean(said);
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let line = |words: &[&str]| {
        let found = said
            .lines()
            .find(|line| words.iter().any(|word| line.contains(word)));
        found.unwrap_or_default().trim().to_owned()
    };
    let whom = match at_the_jump {
        true => format!("the jump host {}", server.jump.join(", ")),
        false => server.address(),
    };
    let known = match &server.known_hosts {
        Some(path) => path.display().to_string(),
        None => "~/.ssh/known_hosts".to_owned(),
    };
    if has(&["REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
        return Fault::lasting(
            format!(
                "the host key of {whom} has changed: it was installed anew, or somebody else answers in its place"
            ),
            format!(
                "find out which; if the new key is right, remove the old one with ssh-keygen -R from {known} and add the new one"
            ),
        );
    }
    if has(&["host key is known for", "Host key verification failed"]) {
        return Fault::lasting(
            format!("the host key of {whom} is not known"),
            format!(
                "compare its fingerprint with the server's own, then add it to {known}, e.g. with ssh-keyscan"
            ),
        );
    }
    if has(&["UNPROTECTED PRIVATE KEY FILE", "Load key", "no such identity"]) && has(&["Permission denied ("])
    {
        let why = line(&["UNPROTECTED", "Load key", "no such identity"]);
        return Fault::lasting(
            format!(
                "the key for {whom} cannot be used: {}",
                why.trim_matches(['@', ' '])
            ),
            "correct the file that `key` names; only its owner may read it, and it must not ask for a passphrase",
        );
    }
    if has(&["Permission denied (", "Too many authentication failures"]) {
        let key = match &server.key {
            Some(key) => format!("the key {}", key.display()),
            None => "every key that ssh offered".to_owned(),
        };
        return Fault::lasting(
            format!(
                "{whom} refuses {key}: {}",
                line(&["Permission denied (", "Too many authentication"])
            ),
            "add its public key to ~/.ssh/authorized_keys of the user there, or correct `user` and `key`",
        );
    }
    if has(&["Could not resolve hostname"]) {
        return Fault::lasting(
            format!(
                "{whom} cannot be found: {}",
                line(&["Could not resolve hostname"])
            ),
            "correct `host` or `jump`, or the name service",
        );
    }
    if has(&["administratively prohibited"]) {
        return Fault::lasting(
            format!(
                "the jump host {} does not forward connections",
                server.jump.join(", ")
            ),
            "set AllowTcpForwarding yes in its sshd_config",
        );
    }
    if has(&["stdio forwarding failed", "open failed: connect failed"]) {
        return Fault::passing(
            format!(
                "the jump host {} cannot reach {}: {}",
                server.jump.join(", "),
                server.address(),
                line(&["open failed", "stdio forwarding failed"])
            ),
            "check that the server runs and that `host` and `port` are right as seen from the jump host",
        );
    }
    if has(&["remote port forwarding failed", "Warning: remote port forwarding"]) {
        return Fault::lasting(
            format!("{whom} does not forward a socket to us, which the tunnel to the log needs"),
            "set AllowStreamLocalForwarding yes in its sshd_config, choose a shorter `folder`, or reach the log with log = \"direct\"",
        );
    }
    const UNREACHABLE: [&str; 6] = [
        "Connection refused",
        "Connection timed out",
        "Operation timed out",
        "No route to host",
        "Network is unreachable",
        "kex_exchange_identification",
    ];
    if has(&UNREACHABLE) {
        return Fault::passing(
            format!("{whom} cannot be reached: {}", line(&UNREACHABLE)),
            "check that it runs, that sshd listens there, and the network between; it is tried again by itself",
        );
    }
    if has(&["No space left on device", "Disk quota exceeded"]) {
        return Fault::lasting(
            format!(
                "no space left on {}: {}",
                server.address(),
                line(&["No space left", "Disk quota"])
            ),
            format!("free some space for the folder {} there", server.folder),
        );
    }
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    let last = last.unwrap_or("it said nothing").trim();
    match status {
        Some(super::place::FOLDER) => Fault::lasting(
            format!(
                "the folder {} on {} cannot be used: {last}",
                server.folder,
                server.address()
            ),
            "make it writable for the user there, or choose another `folder`",
        ),
        Some(super::place::PROGRAM) => Fault::lasting(
            format!("this program does not run on {}: {last}", server.address()),
            "allow programs to run in its `folder`; if that system is another one, build kymo for it and name the file as `binary`",
        ),
        Some(127) => Fault::lasting(
            format!(
                "{} lacks a program that putting kymo there needs: {last}",
                server.address()
            ),
            "install it (sh, cat, mkdir, mv, ls, rm, chmod, grep, tail and sha256sum are used)",
        ),
        Some(255) | None if last == "it said nothing" => Fault::passing(
            format!("the connection to {whom} was cut"),
            "it is tried again by itself",
        ),
        Some(255) | None => Fault::passing(
            format!("the connection to {whom} ended: {last}"),
            "it is tried again by itself",
        ),
        Some(code) => Fault::passing(
            format!(
                "a command on {} ended with exit code {code}: {last}",
                server.address()
            ),
            "try the same with ssh by hand; it is tried again by itself",
        ),
    }
}

/// What a stranger's machine says is shown to people: no control characters, and not too much of it.
pub(super) fn clean(text: &str) -> String {
    let signs = text
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c });
    let lines: String = signs.collect();
    let lines = lines
        .lines()
        .map(|line| line.chars().take(300).collect::<String>());
    lines.take(200).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn server(more: &str) -> ServerConfig {
        let text = format!("[servers.lab]\nhost = \"lab1\"\nuser = \"ada\"\n{more}");
        ServerConfig::all_from_toml(&text, Path::new("/etc/kymo"))
            .expect("a server")
            .remove(0)
    }

    #[test]
    fn sshs_words_become_a_reason_and_a_remedy() {
        let jump = "jump = \"gate\"\n";
        let cases: &[(&str, i32, &str, Kind, &str, &str)] = &[
            (
                "",
                255,
                "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
                Kind::Lasting,
                "host key of ada@lab1 has changed",
                "ssh-keygen -R",
            ),
            (
                "",
                255,
                "No ED25519 host key is known for lab1 and you have requested strict checking.\r\nHost key verification failed.\r\n",
                Kind::Lasting,
                "is not known",
                "~/.ssh/known_hosts",
            ),
            (
                "",
                255,
                "ada@lab1: Permission denied (publickey).",
                Kind::Lasting,
                "ada@lab1 refuses every key",
                "authorized_keys",
            ),
            (
                "key = \"k\"\n",
                255,
                "ada@lab1: Permission denied (publickey).",
                Kind::Lasting,
                "refuses the key /etc/kymo/k",
                "authorized_keys",
            ),
            (
                "key = \"k\"\n",
                255,
                "Load key \"/etc/kymo/k\": invalid format\nada@lab1: Permission denied (publickey).",
                Kind::Lasting,
                "Load key",
                "passphrase",
            ),
            (
                "",
                255,
                "ssh: connect to host lab1 port 22: Connection refused",
                Kind::Passing,
                "cannot be reached",
                "sshd listens",
            ),
            (
                "",
                255,
                "ssh: Could not resolve hostname lab1: Name or service not known",
                Kind::Lasting,
                "cannot be found",
                "`host`",
            ),
            (
                jump,
                255,
                "ssh: connect to host gate port 22: Connection refused\nConnection closed by UNKNOWN port 65535",
                Kind::Passing,
                "the jump host gate cannot be reached",
                "sshd",
            ),
            (
                jump,
                255,
                "bob@gate: Permission denied (publickey).\nConnection closed by UNKNOWN port 65535",
                Kind::Lasting,
                "the jump host gate refuses",
                "authorized_keys",
            ),
            (
                jump,
                255,
                "channel 0: open failed: connect failed: Connection refused\nstdio forwarding failed\nConnection closed by UNKNOWN port 65535",
                Kind::Passing,
                "the jump host gate cannot reach ada@lab1",
                "as seen from the jump host",
            ),
            (
                "",
                255,
                "Error: remote port forwarding failed for listen path /x/relay/1.sock",
                Kind::Lasting,
                "does not forward a socket",
                "AllowStreamLocalForwarding",
            ),
            (
                "",
                65,
                "cat: write error: No space left on device",
                Kind::Lasting,
                "no space left on ada@lab1",
                "free some space",
            ),
            (
                "",
                65,
                "mkdir: cannot create directory '/opt/k': Permission denied",
                Kind::Lasting,
                "the folder .local/share/kymo-server on ada@lab1",
                "writable",
            ),
            (
                "",
                66,
                "./upload.12: /lib/libc.so.6: version `GLIBC_2.36' not found (required by ./upload.12)",
                Kind::Lasting,
                "does not run on ada@lab1",
                "binary",
            ),
            (
                "",
                127,
                "/bin/sh: 1: sha256sum: not found",
                Kind::Lasting,
                "sha256sum: not found",
                "install it",
            ),
            (
                "",
                255,
                "Timeout, server lab1 not responding.",
                Kind::Passing,
                "not responding",
                "by itself",
            ),
            ("", 255, "", Kind::Passing, "was cut", "by itself"),
            ("", 3, "", Kind::Passing, "exit code 3", "by hand"),
        ];
        for (more, status, said, kind, reason, remedy) in cases {
            let fault = read(&server(more), Some(*status), said);
            assert_eq!(fault.kind, *kind, "{said}: {fault}");
            assert!(fault.reason.contains(reason), "{said}: {fault}");
            assert!(fault.remedy.contains(remedy), "{said}: {fault}");
        }
    }
}
