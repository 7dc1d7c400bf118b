//! Ids that stay the same for as long as what they name does: feeds and calendars are read again
//! and again, and a reader knows by its id what it has seen.

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// The bits of one of our ids; of anything else, bits made from it (UUID version 8).
pub fn of_subject(subject: &str) -> Uuid {
    let ours = subject.split_once('_').and_then(|(_, digits)| Uuid::try_parse(digits).ok());
    ours.unwrap_or_else(|| named(&[subject]))
}

/// A UUID (version 8) made from words: the same words always have the same one.
pub fn named(words: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word.len().to_be_bytes());
        hash.update(word);
    }
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.finalize()).for_each(|(byte, digit)| *byte = digit);
    Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_known_by_what_it_is_about_whatever_that_is() {
        let closure = "clo_0192f0c1000070008000000000000002";
        assert_eq!(of_subject(closure).to_string(), "0192f0c1-0000-7000-8000-000000000002");
        assert_eq!(of_subject("the boiler"), of_subject("the boiler"));
        assert_ne!(of_subject("the boiler"), of_subject("the roof"));
        assert_eq!(of_subject("").get_version_num(), 8);
        assert_ne!(named(&["ab", "c"]), named(&["a", "bc"]));
    }
}
