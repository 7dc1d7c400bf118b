//! DKIM (RFC 6376, RFC 8463): signs a finished message, so that the recipient's server sees that it is from the school's domain
//! and unchanged.
//!
//! [`Signer::sign`] takes the bytes that go over the wire and gives back the header to put before them. It signs what is there of
//! [`SIGNED`], and `From` once more than it is there, so that nobody can add a second one that readers would see instead.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;

use crate::channels::Secret;

/// Whose signature each message carries. The public half of the key stands in the domain's DNS.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The name of the key in the domain's DNS.
    pub selector: String,
    /// The domain that signs; receivers want it to be that of `from`.
    pub domain: String,
    /// PEM: RSA of 2,048 bits or more (understood everywhere), or Ed25519 (not checked by every receiver yet).
    pub private_key: Option<Secret>,
    /// The file that holds it instead.
    pub private_key_file: Option<PathBuf>,
}

/// What a reader, a mail program or a receiver's server relies on.
const SIGNED: [&str; 11] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "auto-submitted",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "mime-version",
    "content-type",
];
/// Signed once more than it is there.
const OVERSIGNED: &str = "from";

/// Signs with one key for one domain.
pub(super) struct Signer {
    selector: String,
    domain: String,
    key: Key,
    random: SystemRandom,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl Signer {
    /// Reads the key; `None` where it is neither an RSA key of at least 2,048 bits nor an Ed25519 key.
    pub(super) fn new(dkim: &Dkim, private_key: &Secret) -> Option<Self> {
        let key = match PrivateKeyDer::from_pem_slice(private_key.reveal().as_bytes()).ok()? {
            PrivateKeyDer::Pkcs1(der) => Key::rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()).ok()?),
            // What openssl writes has no public half, which this way need not be there.
            PrivateKeyDer::Pkcs8(der) => {
                match Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()) {
                    Ok(key) => Key::Ed25519(key),
                    Err(_) => Key::rsa(RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()?),
                }
            }
            _ => return None,
        };
        Some(Self {
            selector: dkim.selector.clone(),
            domain: dkim.domain.clone(),
            key,
            random: SystemRandom::new(),
        })
    }

    /// The `DKIM-Signature` header for a message whose lines end in CRLF; `None` where it is no message or the key fails.
    pub(super) fn sign(&self, message: &[u8], at: Timestamp) -> Option<String> {
        let (headers, body) = split(message)?;
        let mut signed = Vec::with_capacity(headers.len() + 256);
        let mut names = vec![OVERSIGNED];
        for (name, field) in SIGNED.iter().filter_map(|name| Some((*name, find(headers, name)?))) {
            names.push(name);
            relax_header(name, field, &mut signed);
        }
        let body = STANDARD.encode(digest::digest(&digest::SHA256, &relaxed_body(body)));
        let unsigned = format!(
            "v=1; a={algorithm}-sha256; c=relaxed/relaxed; d={domain}; s={selector};\r\n t={at}; h={names};\r\n bh={body};\r\n b=",
            algorithm = self.key.algorithm(),
            domain = self.domain,
            selector = self.selector,
            at = at.as_second(),
            names = names.join(":"),
        );
        relax_header("dkim-signature", unsigned.as_bytes(), &mut signed);
        // The signature's own header is signed without its line end.
        signed.truncate(signed.len().saturating_sub(2));
        let signature = STANDARD.encode(self.signature(&signed)?);
        Some(format!("DKIM-Signature: {unsigned}{}\r\n", folded(&signature)))
    }

    fn signature(&self, signed: &[u8]) -> Option<Vec<u8>> {
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &self.random, signed, &mut signature).ok()?;
                Some(signature)
            }
            // RFC 8463 signs the hash, which the algorithm then hashes in its own way.
            Key::Ed25519(key) => {
                Some(key.sign(digest::digest(&digest::SHA256, signed).as_ref()).as_ref().to_vec())
            }
        }
    }
}

impl Key {
    fn rsa(key: RsaKeyPair) -> Self {
        Self::Rsa(Box::new(key))
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "rsa",
            Self::Ed25519(_) => "ed25519",
        }
    }
}

/// Headers with the line end of the last one, and the body.
fn split(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = message.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    Some((message.get(..end + 2)?, message.get(end + 4..)?))
}

/// The value of a header, with its folds. Ours stand in a message once.
fn find<'a>(headers: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut from = 0;
    while let Some(rest) = headers.get(from..).filter(|rest| !rest.is_empty()) {
        let field = rest.get(..field_length(rest)?)?;
        from += field.len();
        let colon = field.iter().position(|byte| *byte == b':')?;
        if field.get(..colon)?.eq_ignore_ascii_case(name.as_bytes()) {
            return field.get(colon + 1..);
        }
    }
    None
}

/// Up to the line end that no fold follows.
fn field_length(bytes: &[u8]) -> Option<usize> {
    let folds = |next: usize| matches!(bytes.get(next), Some(b' ' | b'\t'));
    let end = |(index, pair): (usize, &[u8])| (pair == b"\r\n" && !folds(index + 2)).then_some(index + 2);
    bytes.windows(2).enumerate().find_map(end)
}

/// §3.4.2: unfolded, spaces as one, none at either end.
fn relax_header(name: &str, value: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(name.as_bytes());
    into.push(b':');
    let words = value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            into.push(b' ');
        }
        into.extend_from_slice(word);
    }
    into.extend_from_slice(b"\r\n");
}

/// §3.4.4: spaces within a line as one, none at its end, no empty lines at the end.
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let (mut relaxed, mut content) = (Vec::with_capacity(body.len() + 2), 0);
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii_end();
        let mut space = false;
        for byte in line {
            let is_space = matches!(byte, b' ' | b'\t');
            if !is_space || !space {
                relaxed.push(if is_space { b' ' } else { *byte });
            }
            space = is_space;
        }
        relaxed.extend_from_slice(b"\r\n");
        if !line.is_empty() {
            content = relaxed.len();
        }
    }
    relaxed.truncate(content);
    relaxed
}

/// A signature in lines, which receivers put together again.
fn folded(base64: &str) -> String {
    let lines: Vec<&str> =
        base64.as_bytes().chunks(72).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    lines.join("\r\n ")
}

#[cfg(test)]
mod tests;
