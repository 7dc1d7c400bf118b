//! The people whom a notice could reach, as the directory knew them at one moment.

use proto::ids::{ContactId, PupilId};

use super::entitlement::{Matter, Reach};

/// A pupil with everybody linked to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pupil {
    /// The pupil.
    pub id: PupilId,
    /// The name that the child is called by.
    pub first_name: String,
    /// No automation about this child runs: the first step is a person's.
    pub person_only: bool,
    /// The links to contacts, in the school's order of priority.
    pub links: Vec<Link>,
}

/// What stands between a pupil and one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact that the school records about a link"
)]
pub struct Link {
    /// The contact.
    pub contact: ContactId,
    /// Recorded as mother, father, parent or guardian; which roles these are is the directory's rule.
    pub parent_or_guardian: bool,
    /// Parental responsibility, as far as the school knows.
    pub responsibility: Responsibility,
    /// The child lives with this contact.
    pub lives_with: bool,
    /// Only for emergencies.
    pub emergency_only: bool,
    /// A restriction in force bars whatever names or locates this child.
    pub no_child_information: bool,
    /// A restriction in force, on any link of this contact, bars everything.
    pub no_contact: bool,
    /// Takes no voice calls, as who is deaf: none is ever planned, and whoever is asked to ring is told so.
    pub no_voice: bool,
    /// By what the contact would rather be told.
    pub prefers: Preference,
    /// In the order in which they are tried.
    pub addresses: Vec<Address>,
}

/// By what a contact would rather be told: respected where it takes nothing from a child's safety.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Preference {
    /// Nobody has said.
    #[default]
    None,
    /// By text.
    Text,
    /// By e-mail.
    Email,
}

/// Parental responsibility on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Responsibility {
    /// Recorded as held.
    Yes,
    /// Recorded as not held.
    No,
    /// Not recorded.
    Unknown,
}

/// A number or a mailbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// What it is.
    pub kind: AddressKind,
    /// E.164, or a mailbox.
    pub value: String,
    /// Somebody who may not learn of this pupil uses it too.
    pub barred: bool,
    /// Somebody to whom nothing at all may go uses it too.
    pub no_contact: bool,
}

impl Address {
    /// What it is compared by.
    #[must_use]
    pub fn key(&self) -> String {
        key_of(&self.value)
    }

    /// Whether somebody who may not read this would.
    #[must_use]
    pub fn is_closed_to(&self, matter: Matter) -> bool {
        match matter.reach {
            Reach::General => self.no_contact,
            Reach::Particular => self.barred || self.no_contact,
        }
    }
}

/// What an address of this value is compared by: a mailbox is the same in any capitals, and a number
/// has none.
#[must_use]
pub fn key_of(value: &str) -> String {
    value.to_ascii_lowercase()
}

/// What an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// Takes texts.
    Mobile,
    /// Takes no texts: a network might read one aloud to whoever answers.
    Landline,
    /// A mailbox.
    Email,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address")
            .field("kind", &self.kind)
            .field("barred", &self.barred)
            .field("no_contact", &self.no_contact)
            .finish_non_exhaustive()
    }
}
