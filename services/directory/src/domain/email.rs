//! E-mail addresses: one mailbox, in the form that is compared and stored.
//!
//! Called by the import and by `UpdateContact`. All of it is written small, the local part too: RFC
//! 5321 §2.4 lets a server tell capitals apart there, but none that parents use does, and one
//! mailbox in two spellings would hide that two people share it.

/// A mailbox. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

impl Email {
    /// An address that was normalised before, as the store kept it.
    pub fn stored(address: &str) -> Self {
        Self(address.to_lowercase())
    }

    /// The address as it is compared and sent to.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email")
    }
}

/// A text is not one plain address. The text says what was expected and never repeats the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("one e-mail address such as name@example.org, without a display name")]
pub struct Fault;

/// RFC 5321 §4.5.3.1: 64 bytes before the @, 254 in all.
const LONGEST_LOCAL: usize = 64;
const LONGEST: usize = 254;

/// Brings an address to its stored form. `entered` is not empty.
pub fn normalise(entered: &str) -> Result<Email, Fault> {
    let (local, domain) = entered.trim().split_once('@').ok_or(Fault)?;
    let (local, domain) = (local.to_lowercase(), domain.to_ascii_lowercase());
    let sane = local.len() + 1 + domain.len() <= LONGEST && local_is_sane(&local) && domain_is_sane(&domain);
    if sane { Ok(Email(format!("{local}@{domain}"))) } else { Err(Fault) }
}

/// Dot-atoms of RFC 5322; quoted local parts exist on paper only and hide faults.
fn local_is_sane(local: &str) -> bool {
    let atom = |atom: &str| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|character| character.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character))
    };
    local.len() <= LONGEST_LOCAL && local.split('.').all(atom)
}

fn domain_is_sane(domain: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top_level_is_a_name = domain
        .rsplit('.')
        .next()
        .is_some_and(|top| top.len() >= 2 && !top.bytes().all(|byte| byte.is_ascii_digit()));
    domain.contains('.') && domain.split('.').all(label) && top_level_is_a_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_is_taken_and_written_small() {
        for (entered, stored) in [
            ("  Amy.Jones@Example.COM ", "amy.jones@example.com"),
            ("a+b_c@mail.example.org", "a+b_c@mail.example.org"),
            ("o'neil@example.test", "o'neil@example.test"),
            ("Zoë@example.com", "zoë@example.com"),
        ] {
            assert_eq!(normalise(entered).unwrap().as_str(), stored);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for entered in [
            "amy",
            "@example.com",
            "amy@",
            "amy@example",
            "amy@@example.com",
            "Amy Jones <amy@example.com>",
            "amy@example.com, ben@example.com",
            "amy@example.com;ben@example.com",
            "amy jones@example.com",
            "amy..jones@example.com",
            ".amy@example.com",
            "amy@-example.com",
            "amy@example..com",
            "amy@127.0.0.1",
            "mailto:amy@example.com",
            "amy@example.com\r\nBcc: ben@example.com",
        ] {
            assert_eq!(normalise(entered), Err(Fault), "{entered}");
        }
        assert_eq!(normalise(&format!("{}@example.com", "a".repeat(65))), Err(Fault));
    }
}
