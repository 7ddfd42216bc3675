//! A machine that runs short: no memory, no space on the disk. Both need root, so a plain `cargo test` leaves them out and
//! `./test` does not.

mod kit;

use std::path::{Path, PathBuf};
use std::process::Command;

use kit::House;
use kit::desk::Desk;
use kymo_runlog::event::RunEvent;

/// Not a test: the other processes of these tests begin here.
#[test]
fn role() {
    kit::play_role();
}

/// A memory control group of its own with a limit, in version 1 or 2 of the kernel's interface.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    fn make(bytes: u64) -> Self {
        let name = format!("kymo-test-{}", std::process::id());
        let mut tried = Vec::new();
        for (root, limit) in [
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            ("/sys/fs/cgroup", "memory.max"),
        ] {
            let group = Path::new(root).join(&name);
            if let Err(error) = std::fs::create_dir(&group) {
                tried.push(format!("{}: {error}", group.display()));
                continue;
            }
            let made = Self(group);
            // Making up a file is refused there, so a group of the other version is told by this.
            match std::fs::write(made.0.join(limit), bytes.to_string()) {
                Ok(()) => {
                    // Otherwise a machine with swap only becomes slow; one without has no such file.
                    let _ = std::fs::write(made.0.join("memory.swap.max"), "0");
                    return made;
                }
                Err(error) => tried.push(format!("{}: {error}", made.0.join(limit).display())),
            }
        }
        panic!("this test makes a memory control group; run it as root where that is allowed: {tried:?}")
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test]
#[ignore = "needs root: ./test"]
async fn a_solver_that_eats_all_memory_is_told_to_have_done_so() {
    let group = MemoryGroup::make(64 << 20);
    let mut house = House::new().await;
    let script = format!(
        "echo $$ > {}/cgroup.procs; exec python3 -c 'x = []\nwhile True: x.append(bytearray(1 << 20))'",
        group.0.display()
    );
    let run = house.teach("hungry", &script, |_| {});
    house.start_initiator();
    house.start(&run).await;
    let failed = house
        .wait_for_event(&run, |event| matches!(event.event, RunEvent::Failed { .. }))
        .await;
    let RunEvent::Failed { reason, .. } = failed.event else {
        unreachable!("waited for it")
    };
    assert_eq!(reason, "out of memory: the kernel killed the solver (SIGKILL)");
}

/// A small file system of its own.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(megabytes: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .output()
            .expect("mount (package util-linux) runs");
        assert!(
            mounted.status.success(),
            "this test mounts a tmpfs; run it as root where that is allowed: {}",
            String::from_utf8_lossy(&mounted.stderr)
        );
        Self(folder)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[tokio::test]
#[ignore = "needs root: ./test"]
async fn a_full_disk_is_told_once_and_the_run_goes_on_by_itself() {
    let disk = SmallDisk::mount(24);
    let folder = tempfile::tempdir_in(disk.0.path()).expect("a folder on the small disk");
    let mut house = House::in_folder(folder).await;
    let desk = Desk::open(&house).await;
    // Each record takes some kilobytes; all of them together fit, unless somebody else takes the space.
    let script = r#"
import json
for i in range(1, 1001):
    print(json.dumps({"iteration": i, "total": 1000, "values": {"x": [i / 7] * 300}, "axes": {}}), flush=True)
"#;
    let run = house.teach_command("greedy", &["python3", "-c", script], |_| {});
    let ballast = disk.0.path().join("ballast");
    let available = space_left(disk.0.path());
    std::fs::write(
        &ballast,
        vec![0u8; usize::try_from(available).expect("small") - (3 << 20)],
    )
    .expect("ballast");
    house.start_initiator();
    house.start(&run).await;
    let told = || async {
        desk.titles()
            .into_iter()
            .find(|title| title.contains("no space left"))
    };
    let title = house.wait_for(told).await;
    assert!(title.is_some(), "{:?}\n{}", desk.titles(), house.what_was_said());
    std::fs::remove_file(&ballast).expect("space again");
    house.wait_until_finished(&run).await;
    let replayed = house.replay(&run).await;
    assert_eq!(
        (replayed.iterations, replayed.markers),
        (1000, vec![(1, 1)]),
        "{}",
        house.what_was_said()
    );
    let back = || async {
        desk.titles()
            .into_iter()
            .find(|title| title.contains("takes records again"))
    };
    assert!(house.wait_for(back).await.is_some(), "{:?}", desk.titles());
    assert_eq!(desk.titles().len(), 2, "told once: {:?}", desk.titles());
}

fn space_left(path: &Path) -> u64 {
    let facts = nix::sys::statvfs::statvfs(path).expect("a file system");
    facts.blocks_available() * facts.fragment_size()
}
