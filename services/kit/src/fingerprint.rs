//! A short name for a long content: the same parts in the same order have the same one.

use sha2::{Digest, Sha256};

/// The SHA-256 of the parts, each with its end marked, in 64 hexadecimal digits.
#[must_use]
pub fn of(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_content_has_another_name_also_when_it_is_only_cut_elsewhere() {
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert!(of(&[]).starts_with("e3b0c44298fc1c14"));
        assert_eq!(of(&[]).len(), 64);
    }
}
