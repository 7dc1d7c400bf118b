//! Foreign words, made safe to keep: what no document could carry goes, everything else stays.
//!
//! Markup is no matter of this module: each document escapes in its own way. The range of
//! characters is that of XML 1.0, the narrowest of the formats that we write; PostgreSQL takes no
//! NUL either.

/// Any number of lines. Characters that XML cannot carry, and controls but the line's end, are
/// dropped; every kind of line end becomes a line feed.
pub fn lines(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let kept = text.chars().filter_map(|letter| match letter {
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\t' => Some(' '),
        '\u{fffe}' | '\u{ffff}' => None,
        letter if letter.is_control() => None,
        letter => Some(letter),
    });
    kept.collect::<String>().trim().to_owned()
}

/// One line: line ends and runs of spaces become one space.
pub fn line(text: &str) -> String {
    lines(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_document_could_carry_goes() {
        assert_eq!(lines(" a\0\u{1}\u{7f}\u{ffff}b\tc\r\nd\re\u{2028}f \n"), "ab c\nd\ne\nf");
        assert_eq!(line(" a \r\n\r\n b\u{2029}c "), "a b c");
        let kept = "]]> <b>&amp;</b> \"quotes\" 🧑‍🏫 Žofia שלום";
        assert_eq!(lines(kept), kept);
        assert_eq!(line("\0\u{8}"), "");
    }
}
