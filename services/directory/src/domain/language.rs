//! Language tags (BCP 47), as far as choosing words needs them.

/// The language of contacts of whom the school has said nothing.
pub const DEFAULT: &str = "en";

/// A text is not a language tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language tag such as en, pl or zh-Hant")]
pub struct Fault;

/// The tag with its language written small; an empty text is [`DEFAULT`].
pub fn normalise(entered: &str) -> Result<String, Fault> {
    let entered = entered.trim();
    if entered.is_empty() {
        return Ok(DEFAULT.to_owned());
    }
    let mut parts = entered.split('-');
    let language = parts.next().unwrap_or_default();
    let language_is_sane =
        (2..=3).contains(&language.len()) && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    let rest_is_sane = parts
        .all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    if !language_is_sane || !rest_is_sane || entered.len() > 35 {
        return Err(Fault);
    }
    Ok(entered.replacen(language, &language.to_ascii_lowercase(), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_taken_and_other_texts_are_not() {
        for (entered, tag) in
            [("", "en"), ("EN", "en"), ("pl", "pl"), ("zh-Hant", "zh-Hant"), ("ur-PK", "ur-PK")]
        {
            assert_eq!(normalise(entered), Ok(tag.to_owned()));
        }
        for entered in ["English", "e", "en_GB", "en-", "en--GB", "12", "pl,en"] {
            assert_eq!(normalise(entered), Err(Fault), "{entered}");
        }
    }
}
