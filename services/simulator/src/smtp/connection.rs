//! Bytes in and out of one SMTP connection: lines, dot-stuffed mails, and replies that leave together.
//!
//! Replies are kept back while complete commands are still waiting in the input (pipelining) and leave before anything more
//! is read. Nothing here knows what a command means.

use std::io;

use smtp_proto::request::receiver::{DataReceiver, MAX_LINE_LENGTH};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// How much is read at a time.
const CHUNK: usize = 16 * 1024;

pub(super) struct Connection<'a, S> {
    stream: &'a mut S,
    input: Vec<u8>,
    output: Vec<u8>,
}

/// The bytes between DATA and the final dot.
pub(super) enum Received {
    /// Unstuffed, without the final dot.
    Mail(Vec<u8>),
    /// More than was allowed; all of it was read and thrown away.
    TooLarge,
    /// The client went away before the final dot.
    Gone,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Connection<'a, S> {
    pub(super) fn new(stream: &'a mut S) -> Self {
        Self { stream, input: Vec::new(), output: Vec::new() }
    }

    /// Adds a reply; it leaves before the next read, or with [`Connection::flush`].
    pub(super) fn reply(&mut self, reply: &str) {
        self.output.extend_from_slice(reply.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        if !self.output.is_empty() {
            self.stream.write_all(&self.output).await?;
            self.output.clear();
        }
        self.stream.flush().await
    }

    /// The next line, line end included; `None` when the client is gone. Too long a line is an error.
    pub(super) async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut searched = 0;
        loop {
            let found = self.input.iter().skip(searched).position(|byte| *byte == b'\n');
            if let Some(offset) = found {
                return Ok(Some(self.input.drain(..=searched + offset).collect()));
            }
            searched = self.input.len();
            if searched > MAX_LINE_LENGTH {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a command line is too long"));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// The client's answer to a question; empty when it is gone.
    pub(super) async fn ask(&mut self, question: &str) -> io::Result<String> {
        self.reply(question);
        let line = self.line().await?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// Reads a mail up to its final dot.
    pub(super) async fn mail(&mut self, largest: usize) -> io::Result<Received> {
        let mut receiver = DataReceiver::new();
        // The parser takes a dot for the first of a line only after a line end; the one that ended DATA counts.
        receiver.ingest(&mut b"\r\n".iter(), &mut Vec::new());
        let mut mail = Vec::new();
        let mut too_large = false;
        loop {
            let arrived = std::mem::take(&mut self.input);
            let mut bytes = arrived.iter();
            let ended = receiver.ingest(&mut bytes, &mut mail);
            self.input = bytes.as_slice().to_vec();
            too_large |= mail.len() > largest;
            if ended {
                return Ok(if too_large { Received::TooLarge } else { Received::Mail(mail) });
            }
            if too_large {
                mail.clear();
            }
            if !self.fill().await? {
                return Ok(Received::Gone);
            }
        }
    }

    /// Forgets what was sent ahead: plain text must not be taken for something that came encrypted.
    pub(super) fn forget_input(&mut self) {
        self.input.clear();
    }

    /// Reads on without a word until the client goes away.
    pub(super) async fn silence(&mut self) -> io::Result<()> {
        while self.fill().await? {
            self.input.clear();
        }
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<bool> {
        self.flush().await?;
        self.input.reserve(CHUNK);
        Ok(self.stream.read_buf(&mut self.input).await? > 0)
    }
}
