mod consumers;
mod dead_letters;
mod handing_over;
mod lost_streams;
mod probes;
mod pulses;
mod relays;
mod restored;
mod servers;
mod traced;

use std::path::PathBuf;

use tokio::process::Child;

use super::{Access, Bus, new_enough, server};
use crate::testing::tools;

#[test]
fn an_old_server_is_recognised() {
    for (version, enough) in [
        ("2.12.0", true),
        ("2.15.1", true),
        ("3.0.0", true),
        ("2.11.9", false),
        ("2.9.10", false),
        ("", false),
    ] {
        assert_eq!(new_enough(version), enough, "{version}");
    }
}

/// A nats-server without credentials that the test itself starts and ends.
struct Nats {
    folder: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl Nats {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (child, port) = launch(folder.path().to_owned(), -1).await;
        Self { folder, port, child }
    }

    /// Ends it as a power cut would.
    async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again on the same port, with what it had stored.
    async fn start_again(&mut self) {
        (self.child, _) = launch(self.folder.path().to_owned(), self.port.into()).await;
    }

    fn lose_everything(&self) {
        std::fs::remove_dir_all(self.folder.path().join("jetstream")).unwrap();
    }

    async fn bus(&self, service: &'static str) -> Bus {
        let url = format!("nats://127.0.0.1:{}", self.port);
        let access = Access { url: &url, password: None, authorities: None, replicas: 1 };
        Bus::connect(service, access).await.unwrap()
    }
}

async fn launch(folder: PathBuf, port: i32) -> (Child, u16) {
    let program = server::find(&tools()).expect("deploy/tools/install nats-server");
    let settings = format!(
        "listen: \"127.0.0.1:{port}\"\nports_file_dir: {folder:?}\njetstream {{ store_dir: {:?} }}\n",
        folder.join("jetstream")
    );
    server::launch(&program, &folder, &settings).await.unwrap()
}

/// How many facts stand in the stream of a service; none while the server is away.
async fn messages(bus: &Bus, sayer: &str) -> Option<u64> {
    bus.stream_of(sayer).await.ok().map(|stream| stream.cached_info().state.messages)
}
