//! Addresses as the outside world writes them down: numbers in E.164, mailboxes in lower case.
//!
//! The rules are GOV.UK Notify's, error words included; two ranges that no network serves are let through because they are
//! ours to test with: Ofcom's drama numbers (07700 900000–900999, which pass as UK mobiles anyway) and +999 for loads.
//! The SMTP server and the phones page use the same spelling. Nothing here asks who owns an address.

/// Why a number is not a phone number that can get a text. Displayed in the words that Notify answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PhoneError {
    #[error("Too many digits")]
    TooLong,
    #[error("Not enough digits")]
    TooShort,
    #[error("Not a UK mobile number")]
    NotMobile,
    #[error("Must not contain letters or symbols")]
    Symbols,
    #[error("Not a valid country prefix")]
    Country,
}

/// The international number (`+447700900123`) that a text to `written` would go to.
pub(crate) fn phone(written: &str) -> Result<String, PhoneError> {
    let bare: String = written.chars().filter(|c| !c.is_whitespace() && !"()-+".contains(*c)).collect();
    if bare.is_empty() {
        return Err(PhoneError::TooShort);
    }
    if !bare.chars().all(|c| c.is_ascii_digit()) {
        return Err(PhoneError::Symbols);
    }
    let international = written.trim_start().starts_with('+') || bare.starts_with("00");
    let significant = bare.trim_start_matches('0');
    let domestic = (bare.starts_with('0') && !international)
        || significant.starts_with("44")
        || (significant.starts_with('7') && significant.len() < 11 && !international);
    if domestic { uk_mobile(significant) } else { foreign(significant) }
}

fn uk_mobile(significant: &str) -> Result<String, PhoneError> {
    let number = significant.strip_prefix("44").unwrap_or(significant).trim_start_matches('0');
    if !number.starts_with('7') {
        return Err(PhoneError::NotMobile);
    }
    match number.len() {
        ..10 => Err(PhoneError::TooShort),
        10 => Ok(format!("+44{number}")),
        11.. => Err(PhoneError::TooLong),
    }
}

/// E.164 allows 15 digits; Notify asks for at least 8.
fn foreign(number: &str) -> Result<String, PhoneError> {
    match number.len() {
        ..8 => Err(PhoneError::TooShort),
        8..=15 if country_is_known(number) => Ok(format!("+{number}")),
        8..=15 => Err(PhoneError::Country),
        16.. => Err(PhoneError::TooLong),
    }
}

/// Calling codes are prefix-free: zones 1 and 7 are single digits, these are pairs, all others are triples of a known
/// family (ITU-T E.164 list of assigned codes; unassigned triples of a family pass, which is enough for a simulator).
fn country_is_known(number: &str) -> bool {
    const PAIRS: &str = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 \
                         65 66 81 82 84 86 90 91 92 93 94 95 98";
    const FAMILIES: &str = "21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 85 88 96 97 99";
    let Some(pair) = number.get(..2) else { return false };
    pair.starts_with(['1', '7']) || PAIRS.contains(pair) || FAMILIES.contains(pair)
}

/// The mailbox in lower case when `written` is an e-mail address that Notify would take.
pub(crate) fn mailbox(written: &str) -> Option<String> {
    let trimmed = written.trim();
    let (local, domain) = trimmed.rsplit_once('@')?;
    let local_fits = !local.is_empty()
        && local.chars().all(|c| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c));
    let labels: Vec<&str> = domain.split('.').collect();
    let domain_fits = labels.len() >= 2
        && domain.len() <= 253
        && labels.iter().all(|label| label_fits(label))
        && labels.last().is_some_and(|top| {
            top.starts_with("xn--") || (top.len() >= 2 && top.chars().all(|c| c.is_ascii_alphabetic()))
        });
    let fits = local_fits && domain_fits && trimmed.len() <= 320 && !trimmed.contains("..");
    fits.then(|| trimmed.to_lowercase())
}

fn label_fits(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The spelling used in the log, for a number or a mailbox; what is neither stays as it is, in lower case.
pub(crate) fn normalised(written: &str) -> String {
    if written.contains('@') {
        written.trim().to_lowercase()
    } else {
        phone(written).unwrap_or_else(|_| written.trim().to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_e164_or_are_refused_in_notifys_words() {
        let table = [
            ("07700 900123", Ok("+447700900123")),
            ("+44 (0)7700 900123", Ok("+447700900123")),
            ("0044 7700-900999", Ok("+447700900999")),
            ("7700900123", Ok("+447700900123")),
            ("+999000000001", Ok("+999000000001")),
            ("+48 600 000 000", Ok("+48600000000")),
            ("01632 960123", Err(PhoneError::NotMobile)),
            ("0770090012", Err(PhoneError::TooShort)),
            ("077009001234", Err(PhoneError::TooLong)),
            ("07700 90012x", Err(PhoneError::Symbols)),
            ("+801234567890", Err(PhoneError::Country)),
            ("+1234567890123456", Err(PhoneError::TooLong)),
            ("", Err(PhoneError::TooShort)),
        ];
        for (written, expected) in table {
            assert_eq!(phone(written), expected.map(str::to_owned), "{written}");
        }
    }

    #[test]
    fn mailboxes_are_checked_and_lowered() {
        assert_eq!(mailbox(" Ada.O'Hara+home@Example.ORG ").as_deref(), Some("ada.o'hara+home@example.org"));
        for bad in
            ["ada", "ada@", "@example.org", "a..b@example.org", "ada@example", "a da@example.org", "a@-x.org"]
        {
            assert_eq!(mailbox(bad), None, "{bad}");
        }
    }
}
