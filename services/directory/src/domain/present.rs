//! What stands: the school as the store holds it, by the ids of the school's own system.
//!
//! Nobody is deleted. Who left the roster is withdrawn: kept with every restriction, in no audience,
//! and met again with all of it when the school brings the same id back.

use std::collections::BTreeMap;

use super::former::Addresses;
use super::link::Link;
use super::roster::{Class, Contact, School, SourceId, Term};
use super::words::words;

words! {
    /// Whether something is part of the school now.
    Status {
        /// It is.
        Active = "active",
        /// It was.
        Withdrawn = "withdrawn",
    }
}

/// Something that stands, and whether it is part of the school now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// Whether it is part of the school now.
    pub status: Status,
    /// What stands.
    pub value: T,
}

impl<T> Stored<T> {
    /// Part of the school.
    pub fn active(value: T) -> Self {
        Self { status: Status::Active, value }
    }

    /// No longer part of the school.
    pub fn withdrawn(value: T) -> Self {
        Self { status: Status::Withdrawn, value }
    }

    /// Whether it is part of the school now.
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }
}

/// A child as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pupil {
    /// The name that the child is called by.
    pub first_name: String,
    /// The surname; never in a text message.
    pub family_name: String,
    /// `R`, `1` … in the Department's codes.
    pub year_group: String,
    /// The class whose register the child stands in.
    pub class: SourceId,
    /// Why no automation runs about this child, when that is so.
    pub person_only: Option<String>,
}

/// Everything that stands of one school.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Present {
    /// None before the first import.
    pub school: Option<School>,
    /// Terms.
    pub terms: BTreeMap<SourceId, Stored<Term>>,
    /// Classes.
    pub classes: BTreeMap<SourceId, Stored<Class>>,
    /// Pupils.
    pub pupils: BTreeMap<SourceId, Stored<Pupil>>,
    /// Contacts.
    pub contacts: BTreeMap<SourceId, Stored<Contact>>,
    /// Links, by pupil and contact.
    pub links: BTreeMap<(SourceId, SourceId), Stored<Link>>,
    /// What contacts under a restriction have given up, and what stays barred for others.
    pub former: BTreeMap<SourceId, Addresses>,
}
