//! Typed ids: a prefix that says what it is, and a UUIDv7, so that newer ids sort after older
//! ones and inserts stay at the end of an index.
//!
//! An id is written `pup_0192f0c1…` (32 hexadecimal digits). It carries no personal data.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ and 32 hexadecimal digits")]
pub struct InvalidId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The letters before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, later than every id that this process has made. Reads the machine's
            /// clock and draws random bits, so it belongs to the edges, never to a domain.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id with these bits; for fixtures and for ids derived from others.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bits.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|digits| digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
                    .and_then(|digits| Uuid::try_parse(digits).ok())
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )*};
}

ids! {
    /// A school: the tenant of every row, event, token and RPC.
    SchoolId = "sch";
    /// A class (a registration group).
    ClassId = "cls";
    /// A pupil.
    PupilId = "pup";
    /// A person at home.
    ContactId = "con";
    /// One class's register of one session.
    RegisterId = "reg";
    /// The follow-up of one pupil's missing mark in one session.
    CaseId = "cas";
    /// One child's accident.
    AccidentId = "acc";
    /// A closure of the school or a part of it.
    ClosureId = "clo";
    /// Something that was written to those at home.
    AnnouncementId = "ann";
    /// One thing to be told because of a fact.
    NoticeId = "ntc";
    /// Notices of one kind that wait together.
    GatheringId = "gth";
    /// One contact, one address, one gathering.
    DeliveryId = "dlv";
    /// A chunk of deliveries that a sender leases as a whole.
    ChunkId = "chk";
    /// Something a person must do.
    TaskId = "tsk";
    /// A fact on the bus.
    EventId = "evt";
    /// Something that could not be processed.
    DeadLetterId = "ded";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = PupilId::generate();
        assert_eq!(id.to_string().parse::<PupilId>(), Ok(id));
        assert!(id.to_string().starts_with("pup_"));
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let ids: Vec<String> = (0..100).map(|_| DeliveryId::generate().to_string()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn an_id_of_another_kind_or_shape_is_refused() {
        let contact = ContactId::generate().to_string();
        let upper = PupilId::generate().to_string().to_uppercase();
        for text in [contact.as_str(), upper.as_str(), "", "pup_", "pup_0192", "pup_zz"] {
            assert!(text.parse::<PupilId>().is_err(), "{text} was taken");
        }
    }
}
