//! The words of a text as they are compared: in any capitals, with or without accents, hyphens and
//! apostrophes. Scripts that write no spaces between words are beyond it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The words of a text in plain small letters, so that `ZOË’S` and `Zoe's` are the same.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let letters = text.nfkd().filter(|letter| !is_combining_mark(*letter) && !is_invisible(*letter));
    let plain: String = letters.flat_map(char::to_lowercase).map(plain).collect();
    let words = plain.split(|letter: char| !letter.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
}

/// Soft hyphens and joiners, which word processors leave inside words.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{2060}' | '\u{feff}')
}

/// Letters that Unicode does not take apart into a letter and its mark.
fn plain(letter: char) -> char {
    match letter {
        'ł' => 'l',
        'ø' => 'o',
        'đ' | 'ð' => 'd',
        'ı' => 'i',
        'ς' => 'σ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_accents_and_what_joins_words_make_no_difference() {
        assert_eq!(words("ZOË’S"), words("Zoe's"));
        assert_eq!(words("Anne-Marie  Łukasz"), ["anne", "marie", "lukasz"]);
        assert_eq!(words("B\u{ad}en"), ["ben"]);
        assert!(words(" -- ").is_empty());
    }
}
