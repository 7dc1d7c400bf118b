//! Servers that a test gives to its school and can take away again: a nats-server and a PostgreSQL.
//!
//! Each keeps the port that it found first, so that those who knew it find it again. It lies below
//! the ports that the system hands out, or somebody else might be given it while the server is away.

pub mod nats;
pub mod postgres;

use std::collections::HashSet;
use std::fmt::Debug;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use tokio::process::{Child, Command};

use crate::wait::until;

/// How often a server is started on another port before the test gives up.
pub(crate) const PORTS_TRIED: usize = 10;

/// A port that nobody is given by the system, and nobody here was given lately: whoever had it may only be dead for a
/// moment. Somebody else may have taken it all the same.
pub(crate) fn some_port() -> u16 {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    let mut given = GIVEN.lock().unwrap();
    if given.len() > 8_000 {
        given.clear();
    }
    loop {
        // The last bytes of such an id are random.
        let id = uuid::Uuid::now_v7().into_bytes();
        let port = 15_000 + u16::from_be_bytes([id[14], id[15]]) % 17_000;
        if given.insert(port) {
            return port;
        }
    }
}

/// Waits until a server is ready, or has ended before it was.
async fn is_ready<R: Debug>(child: &mut Child, ready: impl Fn() -> Option<R>) -> Option<R> {
    let look = || {
        let (ended, ready) = (child.try_wait().unwrap().is_some(), ready());
        async move { (ended, ready) }
    };
    until("a server", look, |(ended, ready)| *ended || ready.is_some()).await.1
}

/// Sends a signal and waits until the process is gone.
async fn end(mut child: Child, signal: &str) {
    let id = child.id().expect("a server that runs");
    Command::new("kill").args(["-s", signal, &id.to_string()]).status().await.unwrap();
    tokio::time::timeout(crate::wait::PATIENCE, child.wait()).await.expect("the server ends").unwrap();
}

/// A log that a server writes on, and how long it is already.
fn log(path: &Path) -> (std::fs::File, usize) {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    let before = std::fs::read(path).unwrap().len();
    (file, before)
}
