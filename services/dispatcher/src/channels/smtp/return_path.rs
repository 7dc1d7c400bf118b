//! Return addresses: each message leaves under one of its own, `bounces+TOKEN@school`, so that a bounce says by itself which
//! message it is about, whatever the server that wrote it left out.
//!
//! The token is the delivery's id, which says nothing about anybody, and a signature over it: who guesses, or knows the id from a
//! Message-ID, cannot make us believe that a message came back. Addresses are written in small letters, because servers may.

use lettre::Address;
use ring::hmac;
use subtle::ConstantTimeEq as _;

use crate::channels::Secret;

/// RFC 5321 §4.5.3.1.1.
const LONGEST_LOCAL_PART: usize = 64;
/// What every delivery's id begins with, and no token need repeat.
const PREFIX: &str = "dlv_";
const LONGEST_ID: usize = 32;
/// 80 bits, which nobody guesses by sending mail.
const TAG_LETTERS: usize = 20;
/// What else is ever signed with the same secret begins otherwise.
const PURPOSE: &[u8] = b"schoolbell return path\0";

/// The address of the mailbox that bounces go to, and the secret that signs tokens.
#[derive(Clone)]
pub struct ReturnPath {
    before_the_token: String,
    domain: String,
    key: hmac::Key,
}

/// Whose return address an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addressed {
    /// None of ours.
    Elsewhere,
    /// It looks like one of ours, and we did not write it, or not with this secret.
    Forged,
    /// The delivery with this id.
    Delivery(String),
}

impl ReturnPath {
    /// `None` where the mailbox leaves no room for a token.
    pub fn new(mailbox: &Address, secret: &Secret) -> Option<Self> {
        let before_the_token = format!("{}+", mailbox.user().to_ascii_lowercase());
        let fits = before_the_token.len() + LONGEST_ID + 1 + TAG_LETTERS <= LONGEST_LOCAL_PART;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
        fits.then(|| Self { before_the_token, domain: mailbox.domain().to_ascii_lowercase(), key })
    }

    /// The return address of a message; `None` where its key is no delivery's id.
    pub fn of(&self, key: &str) -> Option<Address> {
        let id = key.strip_prefix(PREFIX).filter(|id| is_id(id))?;
        Address::new(format!("{}{id}.{}", self.before_the_token, self.tag(id)), &self.domain).ok()
    }

    /// Reads an address that something came back to.
    pub fn read(&self, address: &str) -> Addressed {
        let address = address.trim().to_ascii_lowercase();
        let token = address
            .rsplit_once('@')
            .filter(|(_, domain)| *domain == self.domain)
            .and_then(|(local, _)| local.strip_prefix(&self.before_the_token));
        let Some(token) = token else { return Addressed::Elsewhere };
        match token.split_once('.') {
            Some((id, tag)) if is_id(id) && bool::from(self.tag(id).as_bytes().ct_eq(tag.as_bytes())) => {
                Addressed::Delivery(format!("{PREFIX}{id}"))
            }
            _ => Addressed::Forged,
        }
    }

    fn tag(&self, id: &str) -> String {
        let tag = hmac::sign(&self.key, &[PURPOSE, id.as_bytes()].concat());
        let hexadecimal = tag.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        hexadecimal.take(TAG_LETTERS).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST_ID
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "dlv_0192f7b2c3d47e5f8a9b0c1d2e3f4a5b";

    fn path(secret: &str) -> ReturnPath {
        ReturnPath::new(&"Bounces@Mail.example.org".parse().unwrap(), &Secret::new(secret)).unwrap()
    }

    #[test]
    fn a_return_address_leads_back_to_its_delivery_whatever_servers_do_to_its_letters() {
        let address = path("secret").of(ID).unwrap().to_string();
        assert!(address.starts_with("bounces+0192f7b2c3d47e5f8a9b0c1d2e3f4a5b."), "{address}");
        assert!(address.ends_with("@mail.example.org") && address.find('@').unwrap() <= 64);
        assert_eq!(path("secret").of(ID).unwrap().to_string(), address, "the same when it is sent again");
        for address in [address.clone(), address.to_uppercase(), format!(" {address} ")] {
            assert_eq!(path("secret").read(&address), Addressed::Delivery(ID.to_owned()));
        }
    }

    #[test]
    fn nobody_else_can_write_one() {
        let (ours, theirs) = (path("secret"), path("another"));
        let address = ours.of(ID).unwrap().to_string();
        for forged in [
            theirs.of(ID).unwrap().to_string(),
            address.replace("0192", "0193"),
            address.replace('@', "0@"),
            "bounces+0192f7b2c3d47e5f8a9b0c1d2e3f4a5b@mail.example.org".to_owned(),
            "bounces+0192f7b2c3d47e5f8a9b0c1d2e3f4a5b.@mail.example.org".to_owned(),
            "bounces+@mail.example.org".to_owned(),
            format!("bounces+{}.x@mail.example.org", "a".repeat(5_000)),
        ] {
            assert_eq!(ours.read(&forged), Addressed::Forged, "{forged:.80}");
        }
        for elsewhere in
            ["bounces@mail.example.org", "office@example.org", "nonsense", "", "@", "bounces+x@example.org"]
        {
            assert_eq!(ours.read(elsewhere), Addressed::Elsewhere, "{elsewhere}");
        }
    }

    #[test]
    fn what_cannot_carry_a_token_is_refused() {
        let long: Address = "the-bounces-of-hillside@example.org".parse().unwrap();
        assert!(ReturnPath::new(&long, &Secret::new("secret")).is_none());
        for key in ["", "dlv_", "dlv_A", "ntc_0192", "dlv_a@b", &format!("dlv_{}", "a".repeat(33))] {
            assert!(path("secret").of(key).is_none(), "{key}");
        }
    }
}
