//! A relay that follows a script: it expects and says exactly what a test writes down.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::channels::{Channel, email_smtp};

const SOON: Duration = Duration::from_secs(10);

/// What a relay may offer.
pub(super) const NOTHING: &str = "250 relay\r\n";
pub(super) const PIPELINING: &str = "250-relay\r\n250 PIPELINING\r\n";
pub(super) const STARTTLS: &str = "250-relay\r\n250 STARTTLS\r\n";

pub(super) const OK: &str = "250 ok\r\n";
pub(super) const READY: &str = "354 go on\r\n";

/// One connection of the relay.
pub(super) struct Script {
    tcp: TcpStream,
    unread: Vec<u8>,
}

impl Script {
    /// Takes a connection, as far as what it offers.
    pub(super) async fn accept(listener: &TcpListener, offers: &str) -> Self {
        let (tcp, _) = timeout(SOON, listener.accept()).await.expect("a connection").unwrap();
        let mut script = Self { tcp, unread: Vec::new() };
        script.say("220 relay\r\n").await;
        script.hear("EHLO").await;
        script.say(offers).await;
        script
    }

    pub(super) async fn say(&mut self, words: &str) {
        self.tcp.write_all(words.as_bytes()).await.unwrap();
    }

    /// Everything up to and with the line that begins so.
    pub(super) async fn hear(&mut self, beginning: &str) -> String {
        let heard = async {
            loop {
                let mut end = 0;
                for line in self.unread.split_inclusive(|byte| *byte == b'\n') {
                    end += line.len();
                    if line.ends_with(b"\n") && line.starts_with(beginning.as_bytes()) {
                        return String::from_utf8(self.unread.drain(..end).collect()).unwrap();
                    }
                }
                assert!(self.tcp.read_buf(&mut self.unread).await.unwrap() > 0, "gone before {beginning}");
            }
        };
        timeout(SOON, heard).await.unwrap_or_else(|_| panic!("nobody says {beginning}"))
    }

    /// Takes the content up to its final dot.
    pub(super) async fn take(&mut self) -> String {
        let content = self.hear(".\r\n").await;
        self.say(OK).await;
        content
    }

    /// The connection ends without another word.
    pub(super) async fn sees_us_leave(mut self) {
        let mut rest = Vec::new();
        timeout(SOON, self.tcp.read_to_end(&mut rest)).await.expect("the connection is closed").unwrap();
        let rest = [self.unread, rest].concat();
        assert_eq!(String::from_utf8_lossy(&rest), "", "more was said");
    }
}

/// A channel of one connection to a relay, and where the relay listens.
pub(super) async fn channel(security: &str) -> (Arc<dyn Channel>, TcpListener) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let config = serde_json::json!({
        "host": "localhost", "port": listener.local_addr().unwrap().port(), "security": security,
        "from": "Hillside School <office@example.com>", "connections": 1, "command_timeout": "10s",
    });
    (email_smtp::open(&serde_json::from_value(config).unwrap()).unwrap(), listener)
}
