//! What may be written: which parts belong together. How long a field may be, and that it is words and
//! no instruction to a provider or template, is read before.

use proto::events::messaging::Letter;

use super::{Fault, Rejection};

/// How many characters a subject may have.
pub const MOST_SUBJECT: usize = 120;
/// How many characters the body of an e-mail may have.
pub const MOST_BODY: usize = 10_000;
/// How many characters a text may have: three fragments of the GSM alphabet, 153 each.
pub const MOST_TEXT: usize = 459;

/// What an announcement says: an e-mail, a text, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// What goes as an e-mail, if anything.
    pub email: Option<Letter>,
    /// What goes as a text, if anything.
    pub text: Option<String>,
}

impl Words {
    /// Puts the parts together; an empty one is not there.
    pub fn compose(subject: String, body: String, text: String) -> Result<Self, Rejection> {
        let mut faults = Vec::new();
        if body.is_empty() && text.is_empty() {
            faults.push(Fault::new("body", "NOTHING_TO_SEND", "must be set unless the text is"));
        } else if body.is_empty() && !subject.is_empty() {
            // An e-mail was meant: that it does not go must not stay unsaid.
            faults.push(Fault::new("body", "REQUIRED", "must be set beside a subject"));
        } else if subject.is_empty() && !body.is_empty() {
            faults.push(Fault::new("subject", "REQUIRED", "must be set beside a body"));
        }
        if !faults.is_empty() {
            return Err(Rejection::Faults(faults));
        }
        Ok(Self {
            email: (!body.is_empty()).then_some(Letter { subject, body }),
            text: (!text.is_empty()).then_some(text),
        })
    }

    /// Whether these words may be corrected by others: by the same media, because whoever has the wrong
    /// words is told where they have them, and by something that differs.
    pub fn taken_over_by(&self, corrected: &Self) -> Result<(), Rejection> {
        let media = [
            ("body", self.email.is_some(), corrected.email.is_some(), "an e-mail"),
            ("text", self.text.is_some(), corrected.text.is_some(), "a text"),
        ];
        let mut faults = Vec::new();
        for (field, went, goes, what) in media {
            match (went, goes) {
                (true, false) => {
                    let expected = format!("must be set, because the announcement went as {what} too");
                    faults.push(Fault::new(field, "REQUIRED", expected));
                }
                (false, true) => {
                    let expected = format!("must be empty, because the announcement did not go as {what}");
                    faults.push(Fault::new(field, "OTHER_MEDIUM", expected));
                }
                (true, true) | (false, false) => {}
            }
        }
        if faults.is_empty() && self == corrected {
            let field = if self.email.is_some() { "body" } else { "text" };
            faults.push(Fault::new(field, "SAME_WORDS", "must differ from what stands, or the others must"));
        }
        if faults.is_empty() { Ok(()) } else { Err(Rejection::Faults(faults)) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compose(subject: &str, body: &str, text: &str) -> Result<Words, Vec<(String, &'static str)>> {
        Words::compose(subject.to_owned(), body.to_owned(), text.to_owned()).map_err(faults_of)
    }

    fn faults_of(refused: Rejection) -> Vec<(String, &'static str)> {
        let Rejection::Faults(faults) = refused else { panic!("{refused}") };
        faults.into_iter().map(|fault| (fault.field, fault.reason)).collect()
    }

    #[test]
    fn words_are_corrected_by_other_words_for_the_same_media() {
        let both = compose("Trip", "Bring lunch.", "Bring lunch").unwrap();
        let email = compose("Trip", "Bring lunch.", "").unwrap();
        let text = compose("", "", "Bring lunch").unwrap();
        for (stands, corrected, wanted) in [
            (&both, &email, vec![("text".to_owned(), "REQUIRED")]),
            (&both, &text, vec![("body".to_owned(), "REQUIRED")]),
            (&email, &both, vec![("text".to_owned(), "OTHER_MEDIUM")]),
            (&text, &email, vec![("body".to_owned(), "OTHER_MEDIUM"), ("text".to_owned(), "REQUIRED")]),
            (&both, &both, vec![("body".to_owned(), "SAME_WORDS")]),
            (&text, &text, vec![("text".to_owned(), "SAME_WORDS")]),
        ] {
            let refused = stands.taken_over_by(corrected).map_err(faults_of);
            assert_eq!(refused, Err(wanted), "{stands:?} {corrected:?}");
        }
        let trip = compose("The trip", "Bring lunch.", "Bring lunch").unwrap();
        assert_eq!(both.taken_over_by(&trip), Ok(()), "one word is enough");
    }

    #[test]
    fn an_email_a_text_or_both_are_sent() {
        let both = compose("Trip", "Bring lunch.", "Bring lunch").unwrap();
        assert_eq!(both.email.unwrap().subject, "Trip");
        assert_eq!(both.text.as_deref(), Some("Bring lunch"));
        assert_eq!(compose("Trip", "Bring lunch.", "").unwrap().text, None);
        assert_eq!(compose("", "", "Bring lunch").unwrap().email, None);
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        for (subject, body, text, field, reason) in [
            ("", "", "", "body", "NOTHING_TO_SEND"),
            ("Trip", "", "", "body", "NOTHING_TO_SEND"),
            ("Trip", "", "Bring lunch", "body", "REQUIRED"),
            ("", "Bring lunch.", "", "subject", "REQUIRED"),
        ] {
            assert_eq!(
                compose(subject, body, text),
                Err(vec![(field.to_owned(), reason)]),
                "{subject} {body}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_never_empty_and_never_changed(
            subject in ".{0,8}",
            body in ".{0,8}",
            text in ".{0,8}",
        ) {
            if let Ok(words) = Words::compose(subject.clone(), body.clone(), text.clone()) {
                prop_assert!(words.email.is_some() || words.text.is_some());
                let (sent_subject, sent_body) =
                    words.email.map(|letter| (letter.subject, letter.body)).unwrap_or_default();
                prop_assert_eq!((sent_subject, sent_body), (subject, body));
                prop_assert_eq!(words.text.unwrap_or_default(), text);
            }
        }
    }
}
