//! The reasons that a channel can give: a stable code for rows, metrics and rules, and a sentence for people.
//!
//! A [`Why`] is made of fixed texts and a provider's status number only, so no number, address, body or secret can get into it.

use std::fmt;

use super::suppression::Suppression;

/// Why an attempt ended as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Why {
    code: &'static str,
    sentence: &'static str,
    answer: Option<u16>,
}

impl Why {
    /// Stable, in UPPER_SNAKE.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// A sentence for the office, without a full stop.
    pub const fn sentence(&self) -> &'static str {
        self.sentence
    }

    /// The status that the provider answered with (HTTP or SMTP), where it answered.
    pub const fn answer(&self) -> Option<u16> {
        self.answer
    }

    /// The reason that has this code, for texts about attempts read back from the store.
    pub fn by_code(code: &str) -> Option<Self> {
        ALL.iter().find(|why| why.code == code).copied()
    }

    /// An operator of ours must act before it can go better.
    pub fn is_ours_to_mend(&self) -> bool {
        [CREDENTIALS, TLS, WRONG_ENDPOINT].iter().any(|fault| fault.code == self.code)
    }

    /// Nothing that is sent to the address later gets there either, or may go.
    #[must_use]
    pub fn condemns(&self) -> Option<Suppression> {
        Suppression::by_code(self.code)
    }

    pub(crate) const fn answered(mut self, status: u16) -> Self {
        self.answer = Some(status);
        self
    }
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.sentence)?;
        match self.answer {
            Some(status) => write!(formatter, " (it answered {status})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Why {}

macro_rules! reasons {
    ($($code:ident: $sentence:literal;)*) => {
        $(
            #[doc = $sentence]
            pub const $code: Why = Why { code: stringify!($code), sentence: $sentence, answer: None };
        )*
        /// Every reason that a channel can give.
        pub const ALL: &[Why] = &[$($code),*];
    };
}

reasons! {
    ADDRESS_REFUSED: "the provider says that this address cannot be reached";
    ADDRESS_UNKNOWN: "the provider says that there is no such address";
    ADDRESS_UNUSABLE: "the address is not one that this channel can carry";
    ANSWER_LOST: "the connection broke after the message had left and before the provider answered";
    ANSWER_UNREADABLE: "the provider answered in a way that cannot be understood";
    CONNECTION_LOST: "the connection broke before the message had left";
    CREDENTIALS: "the provider does not accept our credentials";
    DAILY_LIMIT: "the provider's limit for today is used up";
    KEY_UNUSABLE: "the delivery's key cannot be used as a reference";
    MAILBOX_FULL: "the mailbox is full";
    MESSAGE_REFUSED: "the provider refuses this message";
    NO_ANSWER: "the provider did not answer in time";
    OPTED_OUT: "whoever has this address has asked our sender for no more messages";
    POLICY: "the provider's rules do not let us send this";
    PROVIDER_FAULT: "the provider had a fault of its own";
    RATE_LIMITED: "the provider asked us to slow down";
    SENDER_REFUSED: "the provider refuses our sender address";
    SERVICE_CLOSING: "the provider is closing for the moment";
    SETTINGS: "the provider refuses our account, template or settings";
    SUBJECT_MISSING: "an e-mail needs a subject";
    TLS: "no trusted encrypted connection could be made";
    TOO_LONG: "the message is longer than this channel carries";
    TOO_SLOW: "the provider took so long to listen that it must be asked again who may be told";
    TRY_LATER: "the provider asked us to try again later";
    UNREACHABLE: "the provider cannot be reached";
    WRONG_ENDPOINT: "what answers at the provider's address is not the provider";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_sentences_are_sentences() {
        for (position, why) in ALL.iter().enumerate() {
            assert!(
                why.code.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_'),
                "{}",
                why.code
            );
            assert!(
                why.sentence.starts_with(char::is_lowercase) || why.sentence.starts_with("no "),
                "{}",
                why.sentence
            );
            assert!(
                !why.sentence.ends_with('.')
                    && !why.sentence.contains(|c: char| c.is_ascii_digit() || c == '@')
            );
            assert_eq!(ALL.iter().position(|other| other.code == why.code), Some(position));
            assert_eq!(Why::by_code(why.code), Some(*why));
        }
        assert_eq!(Why::by_code("NOBODY"), None);
        assert_eq!(
            NO_ANSWER.answered(504).to_string(),
            "the provider did not answer in time (it answered 504)"
        );
    }
}
