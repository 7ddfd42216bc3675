//! An independent client goes through the same conversation: aiogram, from PyPI, in an environment below `target`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::kit::{Kit, png};

const PACKAGE: &str = "aiogram==3.31.0";

/// A Python with aiogram, made once.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aiogram-3.31.0");
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if !ready.exists() {
        run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&folder),
            "apt-get install python3-venv",
        );
        let install = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            PACKAGE,
        ];
        run(
            Command::new(&python).args(install),
            "aiogram needs Python 3.10 or later and the way to PyPI",
        );
        std::fs::write(&ready, PACKAGE).expect("the folder was just made");
    }
    python
}

fn run(command: &mut Command, remedy: &str) -> String {
    let outcome = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}: {remedy}"));
    let errors = String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success(), "{command:?} failed: {remedy}\n{errors}");
    String::from_utf8_lossy(&outcome.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "fetches a package from PyPI"]
async fn aiogram_goes_through_the_same_conversation() {
    let kit = Kit::new().await;
    let (grace, ada) = (kit.friend("Grace").await, kit.friend("Ada").await);
    let mallory = kit.person("Mallory").await;
    let lab = kit.chat("group", "administrator", &[grace, ada]).await;
    kit.ok("getUpdates", json!({ "offset": -1 })).await;
    let folder = tempfile::tempdir().expect("a folder");
    let picture = folder.path().join("p.png");
    std::fs::write(&picture, png(64, 48, 7)).expect("a file");
    let mut command = Command::new(python());
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aiogram_conversation.py"))
        .args([kit.running.url(), kit.running.bot_token()])
        .args([ada, mallory, lab].map(|id| id.to_string()))
        .arg(&picture)
        // Loopback must not go through a proxy of the environment.
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    let said = tokio::task::spawn_blocking(move || run(&mut command, "see the traceback"))
        .await
        .expect("no panic");
    assert_eq!(said.trim(), "all as told");
    let toast = kit.control.state().await.unwrap().toasts.pop().unwrap();
    assert_eq!((toast.text.as_str(), toast.alert), ("Stopping", true));
}
