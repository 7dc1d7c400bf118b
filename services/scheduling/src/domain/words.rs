//! The words of a closure: public, on one line, and nothing but words.
//!
//! They end in text messages, e-mails, feeds and on web pages. Each of those escapes what it is
//! given; what could mean something to one of them is refused all the same, by `kit::fields` and
//! here, because a head teacher means none of it.

use std::ops::RangeInclusive;

/// How long a reason may be, in characters.
pub const REASON: RangeInclusive<usize> = 1..=160;
/// How long the words about collection may be, in characters.
pub const COLLECTION: RangeInclusive<usize> = 0..=300;

/// Why a school, or a part of it, is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Why, for everybody.
    pub reason: String,
    /// When and where children are collected: not for those who may not know where a child is.
    /// Empty says nothing about it.
    pub collection: String,
}

/// Whether a text leads elsewhere, or shows code: what anybody may read is to be read where it stands.
#[must_use]
pub fn holds_link_or_code(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["http://", "https://", "`"].iter().any(|marks| lower.contains(marks))
}

/// Whether a text says anything: a full stop is no reason.
#[must_use]
pub fn says_something(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_code_are_found_and_ordinary_punctuation_is_not() {
        for plain in
            ["The heating has failed.", "Gate B [rear], 12:30; £2 #1 *", "isn't safe (council's advice)", ""]
        {
            assert!(!holds_link_or_code(plain), "{plain}");
        }
        for found in ["see http://example.com", "see HTTPS://example.com", "`code`"] {
            assert!(holds_link_or_code(found), "{found}");
        }
    }

    #[test]
    fn what_has_no_letter_says_nothing() {
        for nothing in ["", ".", "-", "???", "123", "❄"] {
            assert!(!says_something(nothing), "{nothing}");
        }
        for something in ["Snow.", "Śnieg", "雪", "2 °C"] {
            assert!(says_something(something), "{something}");
        }
    }
}
