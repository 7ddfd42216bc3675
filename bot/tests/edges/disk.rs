//! A full disk: a small tmpfs in a mount namespace of its own, where this test runs again.

use std::path::Path;
use std::process::Command;

use kymo_door::DoorError;

use crate::kit::{ADA, Bot, Kit, LAB, alert, lab};

const INSIDE: &str = "KYMO_TEST_SMALL_DISK";

#[test]
fn a_full_disk_is_said_and_nothing_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let me = std::env::current_exe().expect("this test");
    let script = "mount -t tmpfs -o size=4m tmpfs \"$KYMO_TEST_SMALL_DISK\" && \
        exec \"$0\" --exact disk::inside_the_small_disk --nocapture --include-ignored";
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(me)
        .env(INSIDE, folder.path())
        .output()
        .expect("unshare of util-linux is installed");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(
        !(said.contains("unshare failed") || said.contains("permission denied")),
        "this test mounts a tmpfs in a user namespace; allow that (sysctl kernel.unprivileged_userns_clone=1), \
         or run it as root: {said}"
    );
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "runs inside the small disk that the test above makes"]
async fn inside_the_small_disk() {
    let Some(disk) = std::env::var_os(INSIDE) else {
        panic!("run by a_full_disk_is_said_and_nothing_is_lost")
    };
    let kit = Kit::new_in(Bot::Admin, Path::new(&disk)).await;
    kit.store.subscribe(lab()).await.expect("subscribed");
    let filler = Path::new(&disk).join("filler");
    let mut size = 8 << 20;
    while size > 0 {
        // Whatever fits: first the large part, then the rest.
        let before = std::fs::read(&filler).unwrap_or_default();
        if std::fs::write(&filler, vec![0; before.len() + size]).is_err() {
            let _ = std::fs::write(&filler, &before);
            size /= 2;
        }
    }
    let crash = alert("airy", "airy crashed");
    let error = kit.door.alert(&crash).await.expect_err("no room to keep it");
    assert!(
        matches!(&error, DoorError::Away(_, why) if why.contains("free some space")),
        "{error}"
    );
    let told = kit
        .wait("what could not be kept", |m| m.text.contains("airy crashed"))
        .await;
    kit.control.send(ADA, LAB, "/status").await.expect("sent");
    let asked = kit.control.calls(0).await.expect("calls").len() as u64;
    kit.control
        .wait_for_call(asked, |call| call.method == "getUpdates")
        .await
        .expect("it asks again");
    assert!(
        kit.control.state().await.expect("the state").unconfirmed > 0,
        "not recorded, so not confirmed"
    );

    std::fs::remove_file(&filler).expect("room again");
    kit.door.alert(&crash).await.expect("kept");
    let mut over = alert("airy", "airy goes on");
    over.state = kymo_door::AlertState::Resolved;
    kit.door.alert(&over).await.expect("kept");
    let edited = kit
        .wait("the resolved alert", |m| m.text.contains("airy goes on"))
        .await;
    assert_eq!(
        edited.id, told.id,
        "it was told once, and that message is the incident's"
    );
    kit.control
        .wait_for("the update confirmed", |state| {
            (state.unconfirmed == 0).then_some(())
        })
        .await
        .expect("it is recorded at last");
    kit.finish().await;
}
