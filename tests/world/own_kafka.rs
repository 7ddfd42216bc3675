//! A Kafka of one broker that a story has for itself, to be broken.

use std::path::{Path, PathBuf};
use std::process::Command;

use kymo_runlog::LogConfig;

pub struct OwnKafka {
    folder: PathBuf,
    brokers: String,
    /// Where it lives, unless the story gave it a place; removed after it.
    #[allow(dead_code, reason = "it is only dropped")]
    home: Option<tempfile::TempDir>,
}

impl OwnKafka {
    /// Brokers of different stories listen on different ports.
    pub fn start(port: u16, more: &[&str]) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut kafka = Self::start_in(home.path(), port, more);
        kafka.home = Some(home);
        kafka
    }

    /// With its data in this folder.
    pub fn start_in(folder: &Path, port: u16, more: &[&str]) -> Self {
        let mut kafka = Self {
            folder: folder.join("kafka"),
            brokers: String::new(),
            home: None,
        };
        let port = port.to_string();
        kafka.order(&[&["start", "1", "--base-port", &port], more].concat());
        kafka.brokers = kafka.order(&["brokers"]).trim().to_owned();
        kafka
    }

    pub fn log(&self) -> LogConfig {
        LogConfig::kafka(&self.brokers)
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// One of Kafka's own tools.
    pub fn tool(&self, words: &[&str]) -> String {
        let folder = self.folder.to_str().expect("a plain path");
        run(&[&["tool", "--dir", folder], words].concat())
    }

    pub fn order(&self, words: &[&str]) -> String {
        let folder = self.folder.to_str().expect("a plain path");
        run(&[words, &["--dir", folder]].concat())
    }
}

impl Drop for OwnKafka {
    fn drop(&mut self) {
        self.order(&["remove"]);
    }
}

fn run(words: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kafka/cluster");
    let output = Command::new(script)
        .args(words)
        .output()
        .expect("start the script");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cluster {words:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
