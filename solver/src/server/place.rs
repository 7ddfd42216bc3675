//! Putting kymo onto a server: asks what is there, and uploads this program if its hash is not.
//! The scripts are fixed; what they are about comes line by line on their stdin. They must hold no single quote.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::config::is_plain;
use super::fault::{Fault, clean};
use super::ssh::Ssh;

/// What the scripts end with when the folder is to blame.
pub const FOLDER: i32 = 65;
/// The same for the program that was put there.
pub const PROGRAM: i32 = 66;

/// stdin: the folder, the hash. It begins in the home folder.
const LOOK: &str = "IFS= read -r folder && IFS= read -r hash || exit 64; \
    umask 077; mkdir -p \"$folder/bin\" \"$folder/relay\" && cd \"$folder\" || exit 65; \
    echo \"kymo-folder $(pwd -P)\"; echo \"kymo-machine $(uname -s) $(uname -m)\"; \
    echo \"kymo-free $(df -Pk . | tail -n 1)\"; \
    command -v sha256sum > /dev/null || { echo \"sha256sum: not found\" >&2; exit 127; }; \
    if [ -x \"bin/kymo-$hash\" ]; then echo \"kymo-hash $(sha256sum < \"bin/kymo-$hash\")\"; fi; \
    echo kymo-looked";

/// stdin: the folder, the hash, the program. Nobody ever sees half of it: it gets its name when it is whole.
/// The two newest are kept, for a watchdog that is just starting its solver.
const PUT: &str = "IFS= read -r folder && IFS= read -r hash || exit 64; \
    umask 077; cd \"$folder/bin\" || exit 65; \
    new=upload.$$; trap \"rm -f $new\" EXIT; trap \"exit 67\" HUP INT TERM; \
    cat > \"$new\" && chmod 700 \"$new\" || exit 65; \
    sum=$(sha256sum < \"$new\"); \
    [ \"${sum%% *}\" = \"$hash\" ] || { echo \"it did not arrive whole\" >&2; exit 66; }; \
    \"./$new\" --version > /dev/null || exit 66; \
    mv -f \"$new\" \"kymo-$hash\" || exit 65; \
    ls -t | grep -x \"kymo-[0-9a-f]*\" | tail -n +3 | while IFS= read -r old; do rm -f \"$old\"; done; \
    echo kymo-put";

/// stdin: the program, and then what it reads itself.
pub const OUTPOST: &str = "IFS= read -r program && umask 077 && exec \"$program\" outpost";

/// The program that servers get.
#[derive(Clone, Debug)]
pub struct Cargo {
    path: PathBuf,
    hash: String,
    machine: Option<&'static str>,
}

impl Cargo {
    /// A large file takes a moment.
    pub async fn read(path: &Path) -> Result<Self, Fault> {
        let path = path.to_owned();
        let read = tokio::task::spawn_blocking(move || {
            Self::read_now(&path).map_err(|error| {
                let reason = format!(
                    "the program for servers, {}, cannot be read: {error}",
                    path.display()
                );
                Fault::lasting(reason, "correct `binary`")
            })
        });
        read.await.expect("reading does not panic")
    }

    fn read_now(path: &Path) -> std::io::Result<Self> {
        let mut file = std::fs::File::open(path)?;
        let mut head = [0; 20];
        std::io::Read::read_exact(&mut file, &mut head)?;
        std::io::Seek::rewind(&mut file)?;
        let mut hash = Sha256::new();
        std::io::copy(&mut file, &mut hash)?;
        Ok(Self {
            path: path.to_owned(),
            hash: hex::encode(hash.finalize()),
            machine: machine(&head),
        })
    }
}

/// As `uname -m` calls what an ELF file is for.
fn machine(head: &[u8; 20]) -> Option<&'static str> {
    match (&head[..4], u16::from_le_bytes([head[18], head[19]])) {
        (b"\x7fELF", 62) => Some("x86_64"),
        (b"\x7fELF", 183) => Some("aarch64"),
        (b"\x7fELF", 243) => Some("riscv64"),
        (b"\x7fELF", 258) => Some("loongarch64"),
        _ => None,
    }
}

/// A shell that takes longer waits for something that nobody will give it.
const LOOKING: Duration = Duration::from_secs(60);

/// What a look at a server found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Absolute, and plain enough for a socket's path.
    pub folder: String,
    /// `Linux x86_64`
    pub machine: String,
    pub free_kilobytes: Option<u64>,
    /// Whether this very program is there.
    pub has_kymo: bool,
}

impl Found {
    pub fn program(&self, cargo: &Cargo) -> String {
        format!("{}/bin/kymo-{}", self.folder, cargo.hash)
    }
}

/// Looks, and changes nothing but for making the folder.
pub async fn look(ssh: &Ssh, cargo: &Cargo) -> Result<Found, Fault> {
    let question = format!("{}\n{}\n", ssh.server.folder, cargo.hash);
    let said = tokio::time::timeout(LOOKING, run(ssh, LOOK, question.as_bytes(), None));
    let said = said.await.unwrap_or_else(|_| {
        let remedy = "look at what the user's shell does there at login; it is tried again by itself";
        Err(Fault::passing(
            format!("the shell on {} does not answer", ssh.server.address()),
            remedy,
        ))
    })?;
    let found = understand(&said, cargo).map_err(|reason| {
        let remedy = "correct `folder`, or what the user's shell prints there at login";
        Fault::lasting(format!("{}: {reason}", ssh.server.address()), remedy)
    })?;
    match cargo.machine {
        Some(ours) if found.machine == format!("Linux {ours}") => Ok(found),
        _ => Err(Fault::lasting(
            format!(
                "{} is {}, this program is for {}",
                ssh.server.address(),
                found.machine,
                cargo
                    .machine
                    .map_or_else(|| "another system".to_owned(), |ours| format!("Linux {ours}"))
            ),
            "build kymo for that machine and name the file as `binary`",
        )),
    }
}

/// A shell may print more than it was asked for; ours are the lines with our word.
fn understand(said: &str, cargo: &Cargo) -> Result<Found, String> {
    let word = |name: &str| {
        said.lines()
            .find_map(|line| line.strip_prefix(name))
            .map(str::trim)
    };
    let folder = word("kymo-folder ").ok_or_else(|| {
        format!(
            "it did not say where the folder is, but: {}",
            clean(said).lines().next().unwrap_or("nothing")
        )
    })?;
    if !folder.starts_with('/') || !folder.chars().all(is_plain) {
        return Err(format!(
            "the folder there is {}; it must consist of letters, digits and . _ - + /",
            clean(folder)
        ));
    }
    word("kymo-looked").ok_or("it was interrupted")?;
    Ok(Found {
        folder: folder.trim_end_matches('/').to_owned(),
        machine: clean(word("kymo-machine ").unwrap_or("an unknown machine")),
        free_kilobytes: word("kymo-free ").and_then(|row| row.split_whitespace().nth(3)?.parse().ok()),
        has_kymo: word("kymo-hash ").is_some_and(|sum| sum.split_whitespace().next() == Some(&cargo.hash)),
    })
}

/// Uploads the program; it was verified there when this returns.
pub async fn put(ssh: &Ssh, cargo: &Cargo, found: &Found) -> Result<(), Fault> {
    tracing::info!(server = ssh.server.name, "putting kymo there");
    let header = format!("{}\n{}\n", found.folder, cargo.hash);
    let said = run(ssh, PUT, header.as_bytes(), Some(&cargo.path)).await?;
    match said.lines().any(|line| line == "kymo-put") {
        true => Ok(()),
        false => Err(ssh.fault(None, "the upload was interrupted")),
    }
}

/// A remote command from its first line to its end; what it printed.
async fn run(ssh: &Ssh, command: &'static str, first: &[u8], then: Option<&Path>) -> Result<String, Fault> {
    let mut child = ssh.start(command, None)?;
    let mut input = child.stdin.take().expect("it was asked for");
    let give = async {
        input.write_all(first).await?;
        if let Some(path) = then {
            let mut file = tokio::fs::File::open(path).await?;
            tokio::io::copy(&mut file, &mut input).await?;
        }
        input.shutdown().await?;
        drop(input);
        Ok::<(), std::io::Error>(())
    };
    // Whoever does not read to the end says why.
    let (_, ended) = tokio::join!(give, finish(child));
    let (status, said, complained) = ended.map_err(|error| ssh.fault(None, &error.to_string()))?;
    match status {
        Some(0) => Ok(said),
        status => Err(ssh.fault(status, &complained)),
    }
}

const MOST_WORDS: u64 = 64 << 10;

async fn finish(mut child: tokio::process::Child) -> std::io::Result<(Option<i32>, String, String)> {
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let (said, complained, status) = tokio::join!(hear(output), hear(errors), child.wait());
    Ok((status?.code(), said, complained))
}

/// All of it, of which the beginning is kept.
pub async fn hear(from: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else {
        return String::new();
    };
    let mut text = Vec::new();
    // What cannot be read any more has ended.
    let _ = (&mut from).take(MOST_WORDS).read_to_end(&mut text).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cargo() -> Cargo {
        Cargo {
            path: "kymo".into(),
            hash: "ab12".to_owned(),
            machine: Some("x86_64"),
        }
    }

    #[test]
    fn a_look_is_understood_among_what_else_a_shell_prints() {
        let said = "Welcome to lab1!\nkymo-folder /home/ada/.local/share/kymo-server\nkymo-machine Linux x86_64\n\
                    kymo-free /dev/sda1 1000 200 800 20% /\nkymo-hash ab12  -\nkymo-looked\n";
        let found = understand(said, &cargo()).expect("understood");
        assert_eq!(
            (found.machine.as_str(), found.free_kilobytes, found.has_kymo),
            ("Linux x86_64", Some(800), true)
        );
        assert_eq!(
            found.program(&cargo()),
            "/home/ada/.local/share/kymo-server/bin/kymo-ab12"
        );
        let other = understand(&said.replace("ab12  -", "ff  -"), &cargo()).expect("understood");
        assert!(!other.has_kymo, "another hash is another program");
        for bad in [
            "",
            "kymo-folder relative\nkymo-looked",
            "kymo-folder /a b\nkymo-looked",
            "kymo-folder /a\n",
        ] {
            assert!(understand(bad, &cargo()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_scripts_can_stand_in_single_quotes_of_any_shell() {
        for script in [LOOK, OUTPOST, PUT] {
            assert!(!script.contains(['\'', '\n', '!', '\\']), "{script}");
        }
    }

    #[tokio::test]
    async fn this_program_is_for_this_machine() {
        let cargo = Cargo::read(Path::new("/proc/self/exe"))
            .await
            .expect("it is readable");
        assert_eq!(cargo.hash.len(), 64);
        assert_eq!(cargo.machine, Some(std::env::consts::ARCH));
    }
}
