//! Telephone numbers as schools write them, brought to E.164 or refused.
//!
//! Called by the import and by `UpdateContact`. It never guesses: an extension, two numbers in one
//! field or a word beside the number is a [`Fault`] that a person mends at the source.
//!
//! British rules (Ofcom's numbering plan): a text can be sent to 07 numbers but for 070 (personal
//! numbers, charged like premium ones) and 076 (pagers, of which only 07624, Isle of Man, is mobile).
//! Other countries' numbers are as normal as ours and are judged by libphonenumber's metadata.

use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber, Type};

use super::words::words;

/// Whether numbers that belong to nobody are taken: Ofcom's ranges for drama, and `+999` with twelve
/// digits for loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestNumbers {
    /// In demo and trial.
    Accepted,
    /// In production.
    Refused,
}

words! {
    /// What a number can carry.
    Kind {
        /// A text or a call.
        Mobile = "mobile",
        /// A call only: a text to it is lost without a word.
        Landline = "landline",
    }
}

/// A number in E.164, with what it can carry. Its `Debug` does not show the number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone {
    e164: String,
    kind: Kind,
}

impl Phone {
    /// A number that was normalised before, as the store kept it.
    pub fn stored(e164: String, kind: Kind) -> Self {
        Self { e164, kind }
    }

    /// `+` and up to fifteen digits.
    pub fn e164(&self) -> &str {
        &self.e164
    }

    /// What it can carry.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Phone({:?})", self.kind)
    }
}

/// A number that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Normalised {
    /// The number.
    pub phone: Phone,
    /// Something that a person should look at, although it was understood.
    pub warning: Option<Warning>,
}

/// What is odd about a number that was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// A spreadsheet took it for a quantity.
    #[error("a leading zero (taken as 0 and these ten digits)")]
    LostLeadingZero,
}

/// Why a text is not taken as a number. The texts say what was expected and never repeat the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Letters, an extension, or a mark that separates two numbers.
    #[error("one telephone number and nothing else: digits, spaces, hyphens, brackets and a leading +")]
    NotOneNumber,
    /// No 0, 00 or + to say where the number belongs.
    #[error("a telephone number that begins with 0 or with + and the country's code")]
    NoPrefix,
    /// The numbering plan of its country has no such number.
    #[error("a number that exists in its country's numbering plan")]
    NoSuchNumber,
    /// Premium rates, pagers and the like.
    #[error("a number at which a person can be reached at an ordinary price")]
    NotForPeople,
    /// A number of a test range, in production.
    #[error("a real number: test ranges are refused in production")]
    TestNumber,
}

/// Ofcom's numbers for drama: what they start with in E.164, how many digits follow, and their kind.
/// The premium range among them is left out: nobody's contact number is one.
const DRAMA: &[(&str, usize, Kind)] = &[
    ("+447700900", 3, Kind::Mobile),
    ("+442079460", 3, Kind::Landline),
    ("+441134960", 3, Kind::Landline),
    ("+441144960", 3, Kind::Landline),
    ("+441154960", 3, Kind::Landline),
    ("+441164960", 3, Kind::Landline),
    ("+441174960", 3, Kind::Landline),
    ("+441184960", 3, Kind::Landline),
    ("+441214960", 3, Kind::Landline),
    ("+441314960", 3, Kind::Landline),
    ("+441414960", 3, Kind::Landline),
    ("+441514960", 3, Kind::Landline),
    ("+441614960", 3, Kind::Landline),
    ("+441914980", 3, Kind::Landline),
    ("+442890180", 3, Kind::Landline),
    ("+442920180", 3, Kind::Landline),
    ("+441632960", 3, Kind::Landline),
    ("+443069990", 3, Kind::Landline),
    ("+448081570", 3, Kind::Landline),
];

/// No country has the code 999; these stand for phones in loads.
const LOAD: (&str, usize, Kind) = ("+999", 12, Kind::Mobile);

/// Brings a number to E.164. `entered` is not empty.
pub fn normalise(entered: &str, test_numbers: TestNumbers) -> Result<Normalised, Fault> {
    let (e164, warning) = to_e164(entered)?;
    let kind = match test_kind(&e164) {
        Some(kind) if test_numbers == TestNumbers::Accepted => kind,
        Some(_) => return Err(Fault::TestNumber),
        None => real_kind(&e164)?,
    };
    Ok(Normalised { phone: Phone { e164, kind }, warning })
}

fn to_e164(entered: &str) -> Result<(String, Option<Warning>), Fault> {
    let text = entered.trim();
    let international = text.starts_with('+') || text.starts_with("00");
    let text = if international { text.replacen("(0)", "", 1) } else { text.to_owned() };
    let mut digits = String::with_capacity(text.len());
    for (position, character) in text.chars().enumerate() {
        match character {
            '0'..='9' => digits.push(character),
            '+' if position == 0 => {}
            ' ' | '\u{a0}' | '-' | '\u{2010}' | '\u{2011}' | '(' | ')' | '.' => {}
            _ => return Err(Fault::NotOneNumber),
        }
    }
    if text.starts_with('+') {
        return within_e164(format!("+{digits}"), None);
    }
    if let Some(rest) = digits.strip_prefix("00") {
        return within_e164(format!("+{rest}"), None);
    }
    if let Some(rest) = digits.strip_prefix('0') {
        return within_e164(format!("+44{rest}"), None);
    }
    if digits.len() == 10 && digits.starts_with('7') {
        return within_e164(format!("+44{digits}"), Some(Warning::LostLeadingZero));
    }
    Err(if digits.is_empty() { Fault::NotOneNumber } else { Fault::NoPrefix })
}

fn within_e164(e164: String, warning: Option<Warning>) -> Result<(String, Option<Warning>), Fault> {
    match e164.len() {
        8..=16 => Ok((e164, warning)),
        17.. => Err(Fault::NotOneNumber),
        _ => Err(Fault::NoSuchNumber),
    }
}

fn test_kind(e164: &str) -> Option<Kind> {
    DRAMA
        .iter()
        .chain([&LOAD])
        .find(|(start, digits, _)| e164.strip_prefix(start).is_some_and(|rest| rest.len() == *digits))
        .map(|(_, _, kind)| *kind)
}

fn real_kind(e164: &str) -> Result<Kind, Fault> {
    let number: PhoneNumber = phonenumber::parse(None, e164).map_err(|_| Fault::NoSuchNumber)?;
    // The parser mends what it reads, for example a national 0 behind the country's code. Mending is guessing.
    let unchanged = number.format().mode(Mode::E164).to_string() == e164;
    if !unchanged || number.extension().is_some() || !number.is_valid() {
        return Err(Fault::NoSuchNumber);
    }
    match number.number_type(&DATABASE) {
        // Where the plan does not tell mobiles from landlines (North America), a text is worth the try:
        // its receipt tells, and the next address follows.
        Type::Mobile | Type::FixedLineOrMobile => Ok(Kind::Mobile),
        Type::FixedLine | Type::TollFree | Type::Voip | Type::PersonalNumber | Type::Uan => {
            Ok(Kind::Landline)
        }
        Type::PremiumRate
        | Type::SharedCost
        | Type::Pager
        | Type::Emergency
        | Type::Voicemail
        | Type::ShortCode
        | Type::StandardRate
        | Type::Carrier
        | Type::NoInternational => Err(Fault::NotForPeople),
        Type::Unknown => Err(Fault::NoSuchNumber),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(entered: &str) -> (String, Kind, Option<Warning>) {
        let Normalised { phone, warning } = normalise(entered, TestNumbers::Accepted)
            .unwrap_or_else(|fault| panic!("{entered} was refused: {fault}"));
        (phone.e164, phone.kind, warning)
    }

    #[test]
    fn what_schools_write_becomes_e164() {
        for (entered, e164, kind) in [
            ("07700 900123", "+447700900123", Kind::Mobile),
            (" 07700-900-123 ", "+447700900123", Kind::Mobile),
            ("+44 (0)7700 900123", "+447700900123", Kind::Mobile),
            ("0044 7700 900123", "+447700900123", Kind::Mobile),
            ("0044(0)7700 900123", "+447700900123", Kind::Mobile),
            ("(01632) 960123", "+441632960123", Kind::Landline),
            ("01632.960123", "+441632960123", Kind::Landline),
            ("020 7946 0123", "+442079460123", Kind::Landline),
            ("0191 498 0123", "+441914980123", Kind::Landline),
            ("0808 157 0123", "+448081570123", Kind::Landline),
            ("+999 123456789012", "+999123456789012", Kind::Mobile),
            // Libphonenumber's own examples of numbers in service: Ireland, Poland, Guernsey, Isle of Man.
            ("+353 85 012 3456", "+353850123456", Kind::Mobile),
            ("+48 512 345 678", "+48512345678", Kind::Mobile),
            ("07781 123456", "+447781123456", Kind::Mobile),
            ("07924 123456", "+447924123456", Kind::Mobile),
            ("+1 201 555 0123", "+12015550123", Kind::Mobile),
            ("070 1234 5678", "+447012345678", Kind::Landline),
        ] {
            assert_eq!(taken(entered), (e164.to_owned(), kind, None), "{entered}");
        }
    }

    #[test]
    fn a_lost_leading_zero_is_put_back_with_a_warning() {
        let expected = ("+447700900123".to_owned(), Kind::Mobile, Some(Warning::LostLeadingZero));
        assert_eq!(taken("7700900123"), expected);
        assert_eq!(taken("7700 900123"), expected);
    }

    #[test]
    fn nothing_is_guessed() {
        for (entered, fault) in [
            ("07700 900123 x204", Fault::NotOneNumber),
            ("07700 900123 ext 2", Fault::NotOneNumber),
            ("07700 900123 mum mobile", Fault::NotOneNumber),
            ("07700 900123 / 07700 900124", Fault::NotOneNumber),
            ("07700 900123, 07700 900124", Fault::NotOneNumber),
            ("07700 900123 07700 900124", Fault::NotOneNumber),
            ("07700+900123", Fault::NotOneNumber),
            ("++447700900123", Fault::NotOneNumber),
            ("-", Fault::NotOneNumber),
            ("1632960123", Fault::NoPrefix),
            ("447700900123", Fault::NoPrefix),
            ("900123", Fault::NoPrefix),
            ("077009001", Fault::NoSuchNumber),
            ("07700 9001234", Fault::NoSuchNumber),
            ("+44 07700 900123", Fault::NoSuchNumber),
            ("+999 12345", Fault::NoSuchNumber),
            ("+0 123456789", Fault::NoSuchNumber),
            ("0909 879 0123", Fault::NotForPeople),
            ("07640 123456", Fault::NotForPeople),
            ("0123", Fault::NoSuchNumber),
        ] {
            assert_eq!(normalise(entered, TestNumbers::Accepted), Err(fault), "{entered}");
        }
    }

    #[test]
    fn production_refuses_every_test_range() {
        for entered in ["07700 900123", "01632 960123", "0113 496 0123", "+999123456789012", "03069 990123"] {
            assert_eq!(normalise(entered, TestNumbers::Refused), Err(Fault::TestNumber), "{entered}");
        }
        assert!(normalise("+353 85 012 3456", TestNumbers::Refused).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused_and_what_is_taken_stays_as_it_is(entered in "[+0-9 ()a-z./-]{1,24}") {
            if let Ok(normalised) = normalise(&entered, TestNumbers::Accepted) {
                let again = normalise(normalised.phone.e164(), TestNumbers::Accepted).unwrap();
                prop_assert_eq!(again.phone, normalised.phone);
            }
        }

        #[test]
        fn no_error_repeats_the_number(entered in "[0-9]{4,20}") {
            if let Err(fault) = normalise(&entered, TestNumbers::Accepted) {
                prop_assert!(!fault.to_string().contains(&entered));
            }
        }
    }
}
