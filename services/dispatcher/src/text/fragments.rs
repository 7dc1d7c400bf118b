//! How many fragments a text message takes, which is what it costs and whether it arrives whole.
//!
//! A message whose every character is in the GSM 7-bit alphabet holds 160 units in one fragment and 153 in each of several;
//! any other character turns the whole message into UCS-2 with 70 and 67. Parts are laid out rather than divided, because
//! neither an escape pair nor a surrogate pair may be split between two parts.
//!
//! The alphabet and the substitutions are GOV.UK Notify's. The caller passes the whole text, a service-name prefix included.

use std::borrow::Cow;

/// The most characters that GOV.UK Notify takes in one text message (six GSM fragments).
pub const NOTIFY_CHARACTERS: usize = 918;

/// The alphabet that a whole message is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// GSM 03.38, seven bits a character; characters of its extension table take two units.
    Gsm7,
    /// UTF-16 code units; a character beyond the basic plane takes two.
    Ucs2,
}

impl Encoding {
    const fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// A part of a longer message is shorter by the header that joins the parts.
    const fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    fn units(self, character: char) -> usize {
        match self {
            Self::Gsm7 if !is_plain(character) && EXTENSION.contains(character) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => character.len_utf16(),
        }
    }
}

/// What a text takes on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragments {
    /// The alphabet that the whole message is sent in.
    pub encoding: Encoding,
    /// Characters after the substitutions; this is what [`NOTIFY_CHARACTERS`] limits.
    pub characters: usize,
    /// Septets or UTF-16 code units, without the headers of the parts.
    pub units: usize,
    /// Parts that are sent and paid for; an empty text still takes one.
    pub fragments: usize,
}

const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
    ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION: &str = "^{}\\[~]|€";

/// Most of a text: it takes one unit, and spares the search.
const fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == ' '
}

fn is_gsm(character: char) -> bool {
    is_plain(character) || BASIC.contains(character) || EXTENSION.contains(character)
}

/// What GOV.UK Notify sends instead of this character; `None` where it is sent as it stands.
fn substitute(character: char) -> Option<&'static str> {
    match character {
        '\u{2011}' | '\u{2013}' | '\u{2014}' | '\u{2212}' => Some("-"),
        '\u{2026}' => Some("..."),
        '\u{2018}' | '\u{2019}' | '\u{201A}' => Some("'"),
        '\u{201C}' | '\u{201D}' | '\u{201E}' => Some("\""),
        '\u{180E}' | '\u{200B}' | '\u{200C}' | '\u{2060}' | '\u{FEFF}' | '\u{2028}' | '\u{2029}' => Some(""),
        '\u{00A0}' | '\u{202F}' | '\t' => Some(" "),
        _ => None,
    }
}

/// The text as it goes out: typographic dashes, quotes and spaces in their plain form, invisible characters gone.
pub fn substituted(text: &str) -> Cow<'_, str> {
    if text.chars().all(|character| substitute(character).is_none()) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match substitute(character) {
            Some(replacement) => plain.push_str(replacement),
            None => plain.push(character),
        }
    }
    Cow::Owned(plain)
}

/// Counts what the whole text (prefix included) takes, after [`substituted`].
pub fn fragments(text: &str) -> Fragments {
    let text = substituted(text);
    let encoding = if text.chars().all(is_gsm) { Encoding::Gsm7 } else { Encoding::Ucs2 };
    let characters = text.chars().count();
    let units = text.chars().map(|character| encoding.units(character)).sum();
    let fragments = if units <= encoding.single() { 1 } else { parts(&text, encoding) };
    Fragments { encoding, characters, units, fragments }
}

fn parts(text: &str, encoding: Encoding) -> usize {
    let mut parts = 1;
    let mut used = 0;
    for character in text.chars() {
        let units = encoding.units(character);
        if used + units > encoding.part() {
            parts += 1;
            used = 0;
        }
        used += units;
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gsm(units: usize, fragments: usize) -> (Encoding, usize, usize) {
        (Encoding::Gsm7, units, fragments)
    }

    fn ucs(units: usize, fragments: usize) -> (Encoding, usize, usize) {
        (Encoding::Ucs2, units, fragments)
    }

    #[test]
    fn a_text_takes_the_fragments_that_the_networks_count() {
        let table = [
            (String::new(), gsm(0, 1)),
            ("a".repeat(160), gsm(160, 1)),
            ("a".repeat(161), gsm(161, 2)),
            ("a".repeat(306), gsm(306, 2)),
            ("a".repeat(307), gsm(307, 3)),
            ("a".repeat(459), gsm(459, 3)),
            ("a".repeat(460), gsm(460, 4)),
            ("a".repeat(918), gsm(918, 6)),
            ("a".repeat(919), gsm(919, 7)),
            ("ŵ".repeat(70), ucs(70, 1)),
            ("ŵ".repeat(71), ucs(71, 2)),
            ("ŵ".repeat(134), ucs(134, 2)),
            ("ŵ".repeat(135), ucs(135, 3)),
            ("€".repeat(80), gsm(160, 1)),
            ("€".repeat(81), gsm(162, 2)),
            ("😀".repeat(35), ucs(70, 1)),
            ("😀".repeat(36), ucs(72, 2)),
            // Every letter with a circumflex or grave that Welsh needs is outside the alphabet, except à, è, ì, ò and ù.
            ("Mae Siân yn yr ysgol".to_owned(), ucs(20, 1)),
            ("à è ì ò ù".to_owned(), gsm(9, 1)),
            ("Grüße aus der Schule".to_owned(), gsm(20, 1)),
            // A backtick and a form feed look plain and are not in the alphabet.
            ("`".to_owned(), ucs(1, 1)),
            ("\u{000C}".to_owned(), ucs(1, 1)),
        ];
        for (text, expected) in table {
            let Fragments { encoding, units, fragments, .. } = fragments(&text);
            assert_eq!((encoding, units, fragments), expected, "{:?}…", text.chars().next());
        }
    }

    #[test]
    fn an_escape_pair_is_never_split_between_two_parts() {
        // 152 plain, then pairs: each of the first two parts has one septet that a pair does not fit into.
        let text = format!("{}€{}€", "a".repeat(152), "a".repeat(150));
        // By division 306 units would be 2 parts.
        assert_eq!(fragments(&text).units, 306);
        assert_eq!(fragments(&text).fragments, 3);
    }

    #[test]
    fn a_surrogate_pair_is_never_split_between_two_parts() {
        let text = format!("{}😀{}", "ŵ".repeat(66), "ŵ".repeat(66));
        assert_eq!(fragments(&text).units, 134);
        assert_eq!(fragments(&text).fragments, 3);
    }

    #[test]
    fn typographic_characters_are_plain_before_anything_is_counted() {
        let fragments = fragments(
            "\u{2018}We\u{2019}ll call\u{2019} \u{2013} \u{201C}soon\u{201D}\u{2026}\u{200B}\u{FEFF}",
        );
        assert_eq!(fragments.encoding, Encoding::Gsm7);
        assert_eq!(
            substituted("\u{2018}a\u{2019}\u{00A0}\u{2014}\u{202F}b\u{2026}\t\u{2060}\u{201E}"),
            "'a' - b... \""
        );
        // An ellipsis becomes three characters: a text can grow past a limit that it kept before.
        assert_eq!(super::fragments(&"\u{2026}".repeat(54)).fragments, 2);
    }

    #[test]
    fn the_limit_counts_characters_and_not_units() {
        assert_eq!(fragments(&"€".repeat(NOTIFY_CHARACTERS)).characters, NOTIFY_CHARACTERS);
    }

    proptest! {
        #[test]
        fn the_parts_hold_the_text_and_no_part_is_wasted(text in "\\PC{0,400}|[a€ŵ😀]{0,400}") {
            let counted = fragments(&text);
            prop_assert!(counted.units <= counted.fragments * counted.encoding.single());
            if counted.fragments > 1 {
                // A part loses at most one unit to a pair that would have been split.
                prop_assert!(counted.units <= counted.fragments * counted.encoding.part());
                prop_assert!(counted.units > (counted.fragments - 1) * (counted.encoding.part() - 1));
            }
        }

        #[test]
        fn substituting_twice_changes_nothing_more(text in "\\PC{0,100}") {
            let once = substituted(&text).into_owned();
            prop_assert_eq!(substituted(&once).into_owned(), once);
        }
    }
}
