//! Kinds of notice, and what is always true of a kind. What a school may change stands in
//! [`routes`](crate::routes).

use std::str::FromStr;

use super::audience::Preference;

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// A pupil is missing and nobody has said why.
    AbsenceUnexplained,
    /// A pupil who was said to be missing is in school.
    AbsenceCorrection,
    /// A pupil had an accident, not of the head.
    FirstAid,
    /// A pupil's head was hurt.
    HeadInjury,
    /// The school, or a part of it, is closed.
    ClosureDeclared,
    /// A closure is not what it was.
    ClosureChanged,
    /// The school, or a part of it, is open.
    Reopening,
    /// What somebody in the school wrote.
    Announcement,
    /// Other words in the place of what somebody wrote, for whoever was told.
    AnnouncementCorrection,
}

/// How a contact's addresses are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ways {
    /// One after another, in the contact's own order.
    InTurn,
    /// One after another, mailboxes before mobiles: there is more to say than a text holds.
    EmailFirst,
    /// One after another, mobiles before mailboxes.
    TextFirst,
    /// A text and an e-mail at once.
    Both,
}

/// Whether its readers may ask for no more of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// What they must know, because it is about their child's safety or about when school is. Nobody unsubscribes from it.
    Needed,
    /// What many get at once and may do without.
    Bulk,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::AbsenceUnexplained,
        Self::AbsenceCorrection,
        Self::FirstAid,
        Self::HeadInjury,
        Self::ClosureDeclared,
        Self::ClosureChanged,
        Self::Reopening,
        Self::Announcement,
        Self::AnnouncementCorrection,
    ];

    /// Its name in rows, on the wire and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AbsenceUnexplained => "absence_unexplained",
            Self::AbsenceCorrection => "absence_correction",
            Self::FirstAid => "first_aid",
            Self::HeadInjury => "head_injury",
            Self::ClosureDeclared => "closure_declared",
            Self::ClosureChanged => "closure_changed",
            Self::Reopening => "reopening",
            Self::Announcement => "announcement",
            Self::AnnouncementCorrection => "announcement_correction",
        }
    }

    /// How a contact's addresses are used.
    #[must_use]
    pub const fn ways(self) -> Ways {
        match self {
            Self::AbsenceUnexplained | Self::AbsenceCorrection => Ways::InTurn,
            Self::FirstAid => Ways::EmailFirst,
            Self::HeadInjury
            | Self::ClosureDeclared
            | Self::ClosureChanged
            | Self::Reopening
            | Self::Announcement
            | Self::AnnouncementCorrection => Ways::Both,
        }
    }

    /// Whether its readers may ask for no more of it.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::AbsenceUnexplained
            | Self::AbsenceCorrection
            | Self::FirstAid
            | Self::HeadInjury
            | Self::ClosureDeclared
            | Self::ClosureChanged
            | Self::Reopening => Purpose::Needed,
            Self::Announcement | Self::AnnouncementCorrection => Purpose::Bulk,
        }
    }

    /// The same for somebody who would rather be told by one medium. A wish changes the order of what
    /// is about a graze, and spares who asks for it the second copy of a letter. While a child is missing
    /// it adds the mailbox and takes no text away; what is as urgent for everybody goes by both anyhow.
    #[must_use]
    pub const fn ways_for(self, prefers: Preference) -> Ways {
        match (self, prefers) {
            (Self::AbsenceUnexplained | Self::AbsenceCorrection, Preference::Email) => Ways::Both,
            (Self::FirstAid | Self::Announcement | Self::AnnouncementCorrection, Preference::Text) => {
                Ways::TextFirst
            }
            (Self::Announcement | Self::AnnouncementCorrection, Preference::Email) => Ways::EmailFirst,
            (_, Preference::None | Preference::Text | Preference::Email) => self.ways(),
        }
    }

    /// Whether it is said to everybody in a scope, and not about the pupils of its notices.
    #[must_use]
    pub const fn is_for_many(self) -> bool {
        self.is_about_closing() || self.is_a_letter()
    }

    /// Whether somebody wrote it: nobody is harmed by not being told, and nobody is asked to ring because of it.
    #[must_use]
    pub const fn is_a_letter(self) -> bool {
        matches!(self, Self::Announcement | Self::AnnouncementCorrection)
    }

    /// Whether somebody must come to know of it, so that an address is tried that was said not to exist,
    /// and a person is asked in the end.
    #[must_use]
    pub const fn must_be_known(self) -> bool {
        match self {
            Self::AbsenceUnexplained
            | Self::AbsenceCorrection
            | Self::FirstAid
            | Self::HeadInjury
            | Self::ClosureDeclared
            | Self::ClosureChanged
            | Self::Reopening => true,
            Self::Announcement | Self::AnnouncementCorrection => false,
        }
    }

    /// Whether it says that the school is closed, or open: it names no child, and it goes to the
    /// addresses that are known when nobody can be asked.
    #[must_use]
    pub const fn is_about_closing(self) -> bool {
        match self {
            Self::ClosureDeclared | Self::ClosureChanged | Self::Reopening => true,
            Self::AbsenceUnexplained
            | Self::AbsenceCorrection
            | Self::FirstAid
            | Self::HeadInjury
            | Self::Announcement
            | Self::AnnouncementCorrection => false,
        }
    }
}

/// The text is no kind of notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of notice")]
pub struct UnknownKind;

impl FromStr for NoticeKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}
