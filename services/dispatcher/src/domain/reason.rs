//! Why something was sent, held, skipped, tried again or stopped: a stable code for rows and
//! programs, and a sentence for people. Neither holds anybody's data.

use std::fmt;

use super::why::Why;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $sentence:literal;)*) => {
        /// A reason of the dispatcher's own; a provider's reasons are
        /// [`Why`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Reason { $(#[doc = $sentence] $name,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Stable, in UPPER_SNAKE.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The reason of a stored code; none when a provider gave it.
            #[must_use]
            pub fn by_code(code: &str) -> Option<Self> {
                Self::ALL.iter().find(|reason| reason.code() == code).copied()
            }

            /// A sentence for the office, without a full stop.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

reasons! {
    Entitled = "ENTITLED", "this contact is told at once";
    NoContact = "NO_CONTACT", "a restriction bars every message from this school to this contact";
    NoChildInformation = "NO_CHILD_INFORMATION", "a restriction bars this contact from whatever names or locates this child";
    EmergencyOnly = "EMERGENCY_ONLY", "this contact is for emergencies only";
    NotEntitled = "NOT_ENTITLED", "nothing recorded on this link entitles the contact to this kind of message";
    NotLinked = "NOT_LINKED", "this contact is no longer linked to the pupil";
    PersonOnly = "PERSON_ONLY", "for this pupil the first step is a person's, so nothing is sent automatically";
    NotOnRoll = "NOT_ON_ROLL", "the pupil is no longer on roll";
    Landline = "LANDLINE", "a landline takes no texts";
    NoChannel = "NO_CHANNEL", "no channel is set up for this address";
    AddressShared = "ADDRESS_SHARED", "somebody who may not learn of this child uses this address too";
    AddressGone = "ADDRESS_GONE", "the contact no longer has this address";
    AddressTold = "ADDRESS_TOLD", "one message to this address tells everybody who shares it";
    AddressDead = "ADDRESS_DEAD", "the network said before that this address does not exist, and nobody is harmed by not being told this";
    LastResort = "LAST_RESORT", "the network said before that this address does not exist, so it is tried after all others";
    AskedForNoMore = "ASKED_FOR_NO_MORE", "whoever has this address has asked for no more messages, so it is not used";
    QuietHours = "QUIET_HOURS", "texts of this kind wait until the quiet hours are over";
    TooLateAfterQuietHours = "TOO_LATE_AFTER_QUIET_HOURS", "texts of this kind wait until the quiet hours are over, and then it comes too late";
    NoAddress = "NO_ADDRESS", "no address is left that could carry this message";
    Emailed = "EMAILED", "no other number is left, and an e-mail about it went to this contact";
    NextAddress = "NEXT_ADDRESS", "the address before did not work, so the next one is tried";
    NoReceipt = "NO_RECEIPT", "no receipt came in time, so the next address is tried";
    NotSentInTime = "NOT_SENT_IN_TIME", "the provider did not take the message in time, so the next address is tried";
    Due = "DUE", "the message is due";
    Sent = "SENT", "the provider accepted the message";
    Delivered = "DELIVERED", "the message was delivered";
    Explained = "EXPLAINED", "a reason for the absence is known now";
    Arrived = "ARRIVED", "the pupil is in school";
    Replaced = "REPLACED", "newer words of the same thing take its place";
    OnWebsite = "ON_WEBSITE", "the public website was given the alert";
    NotCleared = "NOT_CLEARED", "the directory could not be asked, and what says that the school is closed or open goes to the addresses that were known";
    Recalled = "RECALLED", "the message was recalled by a person";
    Expired = "EXPIRED", "the message was not worth sending any more";
    ToldWrongly = "TOLD_WRONGLY", "this contact was told that the pupil was missing, so it is told that the pupil is in school";
    Corrected = "CORRECTED", "this contact was told in words that do not hold any more, so it is told those that take their place";
    PermanentFailure = "PERMANENT_FAILURE", "the network says that this address does not exist";
    TemporaryFailure = "TEMPORARY_FAILURE", "the network could not deliver the message";
    TechnicalFailure = "TECHNICAL_FAILURE", "the provider failed to pass the message on";
    Bounced = "BOUNCED", "the mail server of this address sent the message back";
    Delayed = "DELAYED", "the mail server of this address has not taken the message yet and is still trying";
    TriesUsedUp = "TRIES_USED_UP", "the provider was tried often enough";
    MayHaveLeft = "MAY_HAVE_LEFT", "it is unclear whether the message has left, and it is not sent twice: a person decides";
    HandledByPerson = "HANDLED_BY_PERSON", "a person has dealt with this";
    Restored = "RESTORED", "this may have been done before the data was put back to an earlier state: a person decides";
    Redelivered = "REDELIVERED", "nothing had reached this contact, and a person asked for it to be sent again";
    Erased = "ERASED", "the address and the words were erased, because they are kept no longer than the school's settings say";
    Exercise = "EXERCISE", "this was an exercise: the message was put into words, and nothing left";
    CannotBeWorded = "CANNOT_BE_WORDED", "the message could not be put into words";
    TextTooLong = "TEXT_TOO_LONG", "the text is longer than a provider carries, and is never cut";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// The sentence of a stored code, whoever gave it.
#[must_use]
pub fn sentence_of(code: &str) -> &'static str {
    let own = Reason::by_code(code).map(Reason::sentence);
    own.or_else(|| Why::by_code(code).map(|why| why.sentence())).unwrap_or("the reason is not known here")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_read_back() {
        let codes: HashSet<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(sentence_of(reason.code()), reason.sentence());
            assert_eq!(Reason::by_code(reason.code()), Some(*reason));
        }
    }

    #[test]
    fn no_code_of_ours_is_a_provider_s() {
        for reason in Reason::ALL {
            assert!(Why::by_code(reason.code()).is_none(), "{}", reason.code());
        }
    }
}
