//! A receiver's check, written from RFC 6376 and sharing nothing with the signer. That it judges rightly is shown by two mails
//! that another implementation (dkimpy 1.1.8) signed with the same keys.

use std::fmt::Write as _;

use base64::Engine as _;
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::*;

const RSA: &str = include_str!("rsa.pem");
const ED25519_KEY: &str = include_str!("ed25519.pem");
/// The public halves, as they would stand in DNS.
const RSA_PUBLIC: &str = "MIIBCgKCAQEAv6AGE3uhbTNCDvbmw3wZ+StM5LIgEpwQAKDpQ0nIjsMWmLGH8H8nv30W6C102bT0YBof7ONBl7sCNiHlQi5KyvfhaCD+1ooUhaAosimNfnjsu4RUz1LdZ+xosygJnm5hUs6yPR4YiRUHAzL5UvLwC/1nwZpc9I6wFNEMon+zLDLarsN5ETkfvQdybN+SkLoNkstjK15z3ncIl2yrTGJRrrtYB43JwgTmxFJZh5RQ7ruRKAooHonoQPNijprOuTaxDLHo04RvNO22DWpGwtkoUkga8KB5eV8bm3naFFkGvBuQsnzF2UEWTJ8Wyf9KtT31XggpPE+Pr8AqgQDyeh0uQQIDAQAB";
const ED25519_PUBLIC: &str = "HIMcBUnFXlA/U8H8AfxR/53Kxmn1bwyD/bCfqPlL+NQ=";

fn relaxed(text: &str) -> String {
    text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn tag<'a>(signature: &'a str, name: &str) -> &'a str {
    let tags = signature.split(';').filter_map(|tag| tag.split_once('='));
    tags.map(|(given, value)| (given.trim(), value)).find(|(given, _)| *given == name).unwrap().1
}

/// Whether a receiver who finds these public keys in DNS takes the signature for good.
fn receiver_accepts(mail: &str) -> bool {
    let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in headers.split("\r\n") {
        if line.starts_with([' ', '\t']) {
            let value = &mut fields.last_mut().unwrap().1;
            *value = format!("{value} {line}");
        } else {
            let (name, value) = line.split_once(':').unwrap();
            fields.push((name.trim().to_lowercase(), value.to_owned()));
        }
    }
    let at = fields.iter().position(|(name, _)| name == "dkim-signature").unwrap();
    let signature = fields.remove(at).1;
    assert_eq!(tag(&signature, "c"), "relaxed/relaxed");

    let mut signed = String::new();
    let mut left = fields;
    for name in tag(&signature, "h").split(':').map(|name| name.trim().to_lowercase()) {
        // The lowest one that was not signed yet; one that is not there counts as nothing.
        if let Some(at) = left.iter().rposition(|(given, _)| *given == name) {
            write!(signed, "{name}:{}\r\n", relaxed(&left.remove(at).1)).unwrap();
        }
    }
    let without = signature.rsplit_once("b=").unwrap().0;
    write!(signed, "dkim-signature:{}", relaxed(&format!("{without}b="))).unwrap();

    let lines: Vec<String> = body
        .split("\r\n")
        .map(|line| {
            let indent = if line.starts_with([' ', '\t']) && !line.trim().is_empty() { " " } else { "" };
            format!("{indent}{}", relaxed(line))
        })
        .collect();
    let mut body = lines.join("\r\n");
    body.truncate(body.trim_end_matches("\r\n").len());
    let body = if body.is_empty() { body } else { body + "\r\n" };
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, body.as_bytes()));
    let unfolded = |name| tag(&signature, name).split_ascii_whitespace().collect::<String>();
    let given = STANDARD.decode(unfolded("b")).unwrap();
    let public = |key| STANDARD.decode(key).unwrap();
    let holds = match tag(&signature, "a") {
        "rsa-sha256" => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public(RSA_PUBLIC))
            .verify(signed.as_bytes(), &given),
        "ed25519-sha256" => UnparsedPublicKey::new(&ED25519, public(ED25519_PUBLIC))
            .verify(digest::digest(&digest::SHA256, signed.as_bytes()).as_ref(), &given),
        other => panic!("{other}"),
    };
    holds.is_ok() && hash == unfolded("bh")
}

fn signer(key: &str) -> Option<Signer> {
    let dkim = Dkim {
        selector: "s1".to_owned(),
        domain: "example.org".to_owned(),
        private_key: None,
        private_key_file: None,
    };
    Signer::new(&dkim, &Secret::new(key))
}

fn at() -> Timestamp {
    "2026-11-23T09:30:00Z".parse().unwrap()
}

const MAIL: &str = "From: Ysgol =?utf-8?b?VMW3?= Gwyn <school@example.org>\r\nTo: parent@example.com\r\n\
    Reply-To: office@example.org\r\nSubject: Absence:\r\n  two   words \r\nDate: Mon, 23 Nov 2026 09:30:00 +0000\r\n\
    Message-ID: <dlv_0192@mail.example.org>\r\nAuto-Submitted: auto-generated\r\n\
    List-Unsubscribe: <mailto:office@example.org?subject=stop>\r\nMIME-Version: 1.0\r\n\
    Content-Type: text/plain;  charset=utf-8\r\nX-Other: 1\r\n\r\n  Amy is  not\tin school. \r\n\r\nPlease ring.\r\n\r\n \r\n";

#[test]
fn the_receiver_of_these_tests_takes_what_another_implementation_signed_and_nothing_else() {
    for mail in [include_str!("rsa.eml"), include_str!("ed25519.eml")] {
        let mail = mail.replace('\n', "\r\n");
        assert!(receiver_accepts(&mail), "{mail}");
        for (right, wrong) in [("parent@", "other@"), ("Please", "please"), ("two   words", "twowords")] {
            assert!(!receiver_accepts(&mail.replace(right, wrong)), "{wrong}");
        }
    }
}

#[test]
fn a_signature_holds_at_the_receiver_and_covers_what_a_reader_relies_on() {
    for key in [RSA, ED25519_KEY] {
        let signature = signer(key).unwrap().sign(MAIL.as_bytes(), at()).unwrap();
        assert!(signature.lines().all(|line| line.len() <= 160 && !line.ends_with(' ')), "{signature}");
        let mail = format!("{signature}{MAIL}");
        assert!(receiver_accepts(&mail), "{mail}");
        // What servers may do to a mail on its way.
        assert!(receiver_accepts(&mail.replace("X-Other: 1", "X-Other: 2")));
        assert!(receiver_accepts(&mail.replace("Subject: Absence:\r\n  two", "subject:Absence: two")));
        for (right, wrong) in [
            ("school@", "head@"),
            ("To: parent@", "To: somebody@"),
            ("Reply-To: office", "Reply-To: stranger"),
            ("two   words", "other words"),
            ("Date: Mon, 23", "Date: Tue, 24"),
            ("Message-ID: <dlv_0192@", "Message-ID: <dlv_0193@"),
            ("auto-generated", "no"),
            ("subject=stop", "subject=go"),
            ("MIME-Version: 1.0", "MIME-Version: 1.1"),
            ("text/plain", "text/html"),
            ("Please", "Do not"),
            ("t=17", "t=18"),
        ] {
            assert!(mail.contains(right), "{right}");
            assert!(!receiver_accepts(&mail.replacen(right, wrong, 1)), "{wrong}");
        }
        for place in ["From: Ysgol", "To: parent"] {
            let second = format!("From: head@example.org\r\n{place}");
            assert!(!receiver_accepts(&mail.replace(place, &second)), "a second sender before {place}");
        }
    }
}

#[test]
fn an_empty_body_and_one_of_empty_lines_are_signed_alike() {
    let signer = signer(ED25519_KEY).unwrap();
    let (headers, _) = MAIL.split_once("\r\n\r\n").unwrap();
    let signatures: Vec<String> = ["", "\r\n", " \r\n\r\n"]
        .map(|body| signer.sign(format!("{headers}\r\n\r\n{body}").as_bytes(), at()).unwrap())
        .to_vec();
    assert!(signatures.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(receiver_accepts(&format!("{}{headers}\r\n\r\n", signatures[0])));
}

#[test]
fn what_is_no_key_or_no_message_is_not_signed_with() {
    for nonsense in ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] {
        assert!(signer(nonsense).is_none());
    }
    assert!(signer(RSA).unwrap().sign(b"no header ends here", at()).is_none());
}
