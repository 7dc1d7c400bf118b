//! Lets a finished text stand inside a GOV.UK Notify e-mail exactly as it was written.
//!
//! Notify renders the e-mail body with mistune 0.8 and its own grammar: `#` headings, `*`, `-`, `•` and `1.` lists, `^` inset
//! text, `---` rules, a line of `=` or `-` under a line as a heading, tables, fences, four spaces as code and `[words](link)`.
//! Emphasis, inline code and strike-through are switched off there, and HTML in a value is escaped by Notify.
//!
//! Three means are enough: a backslash where mistune knows the escape; a zero-width space before the characters that mark a
//! block but cannot be escaped (`^`, `•`, `=`, `:`); and no indentation, which HTML would not show either. Bare links stay
//! links and are left untouched, since a backslash inside one would become part of its address.

/// What may not stand first in a line, cannot be escaped and is therefore moved from the first place.
const GUARD: char = '\u{200B}';

/// Escapes a text so that a `((body))` placeholder shows it literally, line by line.
pub fn escape_notify_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            escaped.push('\n');
        }
        escape_line(line.trim_end_matches('\r').trim_start(), &mut escaped);
    }
    escaped
}

fn escape_line(line: &str, escaped: &mut String) {
    let digits = line.len() - line.trim_start_matches(|first: char| first.is_ascii_digit()).len();
    let (number, rest) = line.split_at_checked(digits).unwrap_or(("", line));
    escaped.push_str(number);
    match rest.chars().next() {
        Some('.') if digits > 0 => escaped.push('\\'),
        Some('#' | '*' | '-' | '+' | '_') if digits == 0 => escaped.push('\\'),
        Some('^' | '•' | '=' | ':') if digits == 0 => escaped.push(GUARD),
        _ => {}
    }
    escape_inline(rest, escaped);
}

fn escape_inline(mut rest: &str, escaped: &mut String) {
    while let Some(character) = rest.chars().next() {
        let (piece, following) = match link_length(rest) {
            Some(length) => rest.split_at_checked(length).unwrap_or((rest, "")),
            None => rest.split_at_checked(character.len_utf8()).unwrap_or((rest, "")),
        };
        if piece.len() == character.len_utf8() && matches!(character, '\\' | '`' | '[' | ']' | '|' | '~') {
            escaped.push('\\');
        }
        escaped.push_str(piece);
        rest = following;
    }
}

/// The length in bytes of the bare link that the text starts with, with the punctuation that follows it: mistune would take a
/// backslash before that punctuation into the address.
fn link_length(text: &str) -> Option<usize> {
    let address = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let scheme = text.len() - address.len();
    let length = address.find(char::is_whitespace).unwrap_or(address.len());
    (length > 0).then_some(scheme + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_would_become_markup_is_escaped() {
        let table = [
            ("# Closed today", "\\# Closed today"),
            ("  * one", "\\* one"),
            ("- one", "\\- one"),
            ("---", "\\---"),
            ("___", "\\___"),
            ("1. one", "1\\. one"),
            ("12.30 lunch", "12\\.30 lunch"),
            ("2 pupils", "2 pupils"),
            ("^ inset", "\u{200B}^ inset"),
            ("• dot", "\u{200B}• dot"),
            ("Title\n=====", "Title\n\u{200B}====="),
            ("Title\n---", "Title\n\\---"),
            ("    four spaces", "four spaces"),
            ("\ttab", "tab"),
            ("[words](link)", "\\[words\\](link)"),
            ("a | b", "a \\| b"),
            ("```", "\\`\\`\\`"),
            ("~~~", "\\~\\~\\~"),
            ("a \\# b", "a \\\\# b"),
            ("snake_case and 2 * 3 stay", "snake_case and 2 * 3 stay"),
            ("line\r\nline", "line\nline"),
        ];
        for (text, expected) in table {
            assert_eq!(escape_notify_markdown(text), expected);
        }
    }

    #[test]
    fn a_bare_link_keeps_its_address() {
        for text in [
            "See https://example.org/a_[b]|c~d.",
            "https://example.org/x",
            "(http://example.org/~home)",
            "https:// no",
        ] {
            assert_eq!(escape_notify_markdown(text), text);
        }
        assert_eq!(escape_notify_markdown("https://example.org/x [y]"), "https://example.org/x \\[y\\]");
    }

    proptest! {
        #[test]
        fn no_line_begins_with_a_mark_and_no_word_is_lost(text in "[-#*_+^•=:.0-9a-z \\[\\]|`~\\\\\n]{0,80}") {
            let escaped = escape_notify_markdown(&text);
            for line in escaped.split('\n') {
                prop_assert!(!line.starts_with([' ', '#', '*', '-', '+', '_', '^', '•', '=', ':']), "{line:?}");
            }
            let letters = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
            prop_assert_eq!(letters(&escaped), letters(&text));
        }
    }
}
