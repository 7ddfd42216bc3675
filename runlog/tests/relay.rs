//! A log behind a socket keeps what both logs promise.

mod suite;

use kymo_runlog::{LogConfig, open, relay};
use suite::Subject;

/// The embedded log, served by a thread of its own.
fn subject() -> Subject {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("relay.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    listener.set_nonblocking(true).expect("tokio wants it so");
    let log = LogConfig::embedded(folder.path());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let log = open(&log).await.expect("a log");
            let listener = tokio::net::UnixListener::from_std(listener).expect("a socket");
            relay::serve(log, listener).await;
        });
    });
    Subject {
        address: format!("relay:{}", socket.display()),
        _folder: Some(folder),
    }
}

conforms!(subject());
