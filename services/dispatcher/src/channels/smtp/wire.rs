//! The wire to a relay: bytes out, counted, and whole replies in, one at a time however many came together.
//!
//! The count is what tells a safe repetition from an unknown fate: what the system never took cannot have reached the relay. The
//! connection speaks through it; it knows no command and judges no reply.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::stream::Stream;

/// A relay that says more than this in one reply is none.
const LONGEST_REPLY: usize = 16 * 1024;

/// One whole reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    /// Its lines, without code and line ends. The relay's words: they may quote the recipient.
    pub(super) lines: Vec<String>,
}

impl Reply {
    pub(super) fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

/// Why there is no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoReply {
    /// Not in time.
    Late,
    /// The connection is gone.
    Gone,
    /// What came is no reply.
    Unreadable,
}

pub(super) struct Wire {
    stream: Box<dyn Stream>,
    input: Vec<u8>,
    /// How much of the last [`say`](Self::say) the system has taken.
    taken: usize,
}

impl Wire {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        Self { stream, input: Vec::new(), taken: 0 }
    }

    /// The stream again, for a handshake; `None` where something was said that nobody asked for, and that a stranger may have
    /// slipped in before the encryption.
    pub(super) fn into_stream(self) -> Option<Box<dyn Stream>> {
        self.input.is_empty().then_some(self.stream)
    }

    /// Says all of it in as few writes as the system allows.
    pub(super) async fn say(&mut self, bytes: &[u8], patience: Duration) -> Result<(), NoReply> {
        self.taken = 0;
        let (stream, taken) = (&mut self.stream, &mut self.taken);
        let saying = async {
            while let Some(rest) = bytes.get(*taken..).filter(|rest| !rest.is_empty()) {
                match stream.write(rest).await {
                    Ok(0) | Err(_) => return Err(NoReply::Gone),
                    Ok(written) => *taken += written,
                }
            }
            stream.flush().await.map_err(|_| NoReply::Gone)
        };
        timeout(patience, saying).await.unwrap_or(Err(NoReply::Late))
    }

    /// One command, and the reply to it.
    pub(super) async fn ask(&mut self, command: &str, patience: Duration) -> Result<Reply, NoReply> {
        self.say(command.as_bytes(), patience).await?;
        self.hear(patience).await
    }

    /// How many bytes of what was said last may have reached the relay.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// The next reply. Dropping the future loses nothing of it.
    pub(super) async fn hear(&mut self, patience: Duration) -> Result<Reply, NoReply> {
        // Replies to what was said in one write mostly come in one read.
        if let Some(reply) = self.buffered()? {
            return Ok(reply);
        }
        timeout(patience, self.next()).await.unwrap_or(Err(NoReply::Late))
    }

    async fn next(&mut self) -> Result<Reply, NoReply> {
        loop {
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return Err(NoReply::Gone),
                Ok(_) => {}
            }
            if let Some(reply) = self.buffered()? {
                return Ok(reply);
            }
        }
    }

    fn buffered(&mut self) -> Result<Option<Reply>, NoReply> {
        let mut reply = Reply { code: 0, lines: Vec::new() };
        let mut read = 0;
        while let Some(line) = self.input.get(read..).and_then(first_line) {
            read += line.len();
            let (code, is_last, text) = parse(line).ok_or(NoReply::Unreadable)?;
            if !reply.lines.is_empty() && code != reply.code {
                return Err(NoReply::Unreadable);
            }
            reply.code = code;
            reply.lines.push(text);
            if is_last {
                self.input.drain(..read);
                return Ok(Some(reply));
            }
        }
        if self.input.len() > LONGEST_REPLY { Err(NoReply::Unreadable) } else { Ok(None) }
    }
}

/// Up to its line end, if that has come.
fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    bytes.get(..=end)
}

/// The code, whether the reply ends with this line, and the words.
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let line = line.trim_ascii_end();
    let (digits, rest) = line.split_at_checked(3)?;
    let code = std::str::from_utf8(digits).ok()?.parse().ok().filter(|code| (200..600).contains(code))?;
    let (is_last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    Some((code, is_last, String::from_utf8_lossy(text).into_owned()))
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn reply(code: u16, lines: &[&str]) -> Reply {
        Reply { code, lines: lines.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[tokio::test]
    async fn replies_are_told_apart_however_their_bytes_are_cut() {
        let said = b"250-relay\r\n250-PIPELINING\r\n250 HELP\r\n354\r\n250 2.0.0 Ok\n";
        for piece in [1, 7, said.len()] {
            let (ours, mut theirs) = duplex(1024);
            let mut wire = Wire::new(Box::new(ours));
            for bytes in said.chunks(piece) {
                theirs.write_all(bytes).await.unwrap();
            }
            assert_eq!(wire.hear(SOON).await, Ok(reply(250, &["relay", "PIPELINING", "HELP"])));
            assert_eq!(wire.hear(SOON).await, Ok(reply(354, &[""])));
            assert_eq!(wire.hear(SOON).await, Ok(reply(250, &["2.0.0 Ok"])));
            assert!(wire.into_stream().is_some());
        }
    }

    #[tokio::test]
    async fn what_is_no_reply_is_not_taken_for_one() {
        let endless = "250-more\r\n".repeat(2_000);
        let table = [
            ("", NoReply::Gone),
            ("250 unfinished", NoReply::Gone),
            ("hello\r\n", NoReply::Unreadable),
            ("25\r\n", NoReply::Unreadable),
            ("250+more\r\n", NoReply::Unreadable),
            ("999 x\r\n", NoReply::Unreadable),
            ("250-one\r\n251 two\r\n", NoReply::Unreadable),
            (&endless, NoReply::Unreadable),
        ];
        for (said, expected) in table {
            let (ours, mut theirs) = duplex(64 * 1024);
            theirs.write_all(said.as_bytes()).await.unwrap();
            drop(theirs);
            assert_eq!(Wire::new(Box::new(ours)).hear(SOON).await, Err(expected), "{said:.20}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_system_did_not_take_is_known() {
        let (ours, theirs) = duplex(4);
        let mut wire = Wire::new(Box::new(ours));
        assert_eq!(wire.say(b"123456", SOON).await, Err(NoReply::Late));
        assert_eq!(wire.taken(), 4);
        drop(theirs);
        assert_eq!(wire.say(b"123456", SOON).await, Err(NoReply::Gone));
        assert_eq!(wire.taken(), 0);
    }

    #[tokio::test]
    async fn words_that_nobody_asked_for_spoil_the_stream_for_a_handshake() {
        let (ours, mut theirs) = duplex(64);
        theirs.write_all(b"220 go ahead\r\n250 injected\r\n").await.unwrap();
        let mut wire = Wire::new(Box::new(ours));
        assert_eq!(wire.hear(SOON).await, Ok(reply(220, &["go ahead"])));
        assert!(wire.into_stream().is_none());
    }
}
