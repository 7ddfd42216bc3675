//! Somebody holds the bot's database locked for a while: it waits, and answers afterwards.

use std::process::{Command, Stdio};

use crate::world::{World, lab};

const LOCKER: &str = "
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute('BEGIN EXCLUSIVE')
print('locked', flush=True)
sys.stdin.readline()
db.execute('ROLLBACK')
";

#[tokio::test]
async fn a_locked_database_is_waited_for() {
    use std::io::{BufRead, BufReader, Write};
    let world = World::new().await;
    let mut locker = Command::new("python3")
        .args(["-c", LOCKER])
        .arg(world.path("kymo.sqlite"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start python3");
    let mut line = String::new();
    BufReader::new(locker.stdout.take().expect("piped"))
        .read_line(&mut line)
        .expect("read");
    assert_eq!(line, "locked\n");
    world.say(lab::GRACE, lab::GRACE, "/whoami").await;
    // The lock is held until the bot has tried: it asked Telegram for news and cannot write them down.
    world
        .sees("the bot has been given the message", |state| {
            (state.unconfirmed > 0).then_some(())
        })
        .await;
    locker
        .stdin
        .take()
        .expect("piped")
        .write_all(b"enough\n")
        .expect("tell the locker");
    world.hears(lab::GRACE, "admin").await;
    assert!(locker.wait().expect("wait for the locker").success());
    world.finish().await;
}
