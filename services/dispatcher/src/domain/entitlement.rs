//! Who may be told what: the school's defaults for England, as data.
//!
//! A parent is everybody with parental responsibility or with care of the child (Education Act
//! 1996, section 576), and all of them are told alike unless an order says otherwise; an
//! emergency contact is not a parent. A school may narrow this table, never widen it. In doubt
//! nobody is told.

use super::{Link, NoticeKind, Reason, Responsibility};

/// The column of the table that decides about a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Barred from everything.
    NoContact,
    /// Barred from this child.
    NoChildInformation,
    /// For emergencies.
    EmergencyOnly,
    /// Lives with the child without parental responsibility.
    LivesWith,
    /// Parental responsibility, or unknown with the role of a parent or guardian.
    Responsible,
    /// None of these: closures only.
    ClosuresOnly,
}

impl Standing {
    /// The strictest column that fits comes first.
    #[must_use]
    pub fn of(link: &Link) -> Self {
        if link.no_contact {
            return Self::NoContact;
        }
        if link.no_child_information {
            return Self::NoChildInformation;
        }
        if link.emergency_only {
            return Self::EmergencyOnly;
        }
        match link.responsibility {
            Responsibility::Yes => Self::Responsible,
            Responsibility::Unknown if link.parent_or_guardian => Self::Responsible,
            Responsibility::No | Responsibility::Unknown if link.lives_with => Self::LivesWith,
            Responsibility::No | Responsibility::Unknown => Self::ClosuresOnly,
        }
    }
}

/// Whether somebody of this standing is told at once, or why not.
pub fn entitled(kind: NoticeKind, standing: Standing) -> Result<(), Reason> {
    match (kind, standing) {
        (_, Standing::NoContact) => Err(Reason::NoContact),
        (NoticeKind::AbsenceUnexplained | NoticeKind::AbsenceCorrection, standing) => match standing {
            Standing::NoContact => Err(Reason::NoContact),
            Standing::NoChildInformation => Err(Reason::NoChildInformation),
            Standing::EmergencyOnly => Err(Reason::EmergencyOnly),
            Standing::LivesWith | Standing::Responsible => Ok(()),
            Standing::ClosuresOnly => Err(Reason::NotEntitled),
        },
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proto::ids::ContactId;

    use super::*;

    pub(crate) fn link() -> Link {
        Link {
            contact: ContactId::generate(),
            parent_or_guardian: true,
            responsibility: Responsibility::Yes,
            lives_with: true,
            emergency_only: false,
            no_child_information: false,
            no_contact: false,
            addresses: Vec::new(),
        }
    }

    #[test]
    fn the_strictest_column_decides() {
        use Responsibility::{No, Unknown, Yes};
        // parent or guardian, responsibility, lives with, emergency only, no child information, no contact
        for (parent, responsibility, lives_with, emergency, child, contact, expected) in [
            (true, Yes, true, false, false, false, Standing::Responsible),
            (false, Yes, false, false, false, false, Standing::Responsible),
            (true, Unknown, false, false, false, false, Standing::Responsible),
            (false, Unknown, true, false, false, false, Standing::LivesWith),
            (false, Unknown, false, false, false, false, Standing::ClosuresOnly),
            (true, No, true, false, false, false, Standing::LivesWith),
            (true, No, false, false, false, false, Standing::ClosuresOnly),
            (true, Yes, true, true, false, false, Standing::EmergencyOnly),
            (true, Yes, true, true, true, false, Standing::NoChildInformation),
            (true, Yes, true, true, true, true, Standing::NoContact),
            (true, Yes, true, false, false, true, Standing::NoContact),
        ] {
            let link = Link {
                parent_or_guardian: parent,
                responsibility,
                lives_with,
                emergency_only: emergency,
                no_child_information: child,
                no_contact: contact,
                ..link()
            };
            assert_eq!(Standing::of(&link), expected, "{link:?}");
        }
    }

    #[test]
    fn every_cell_of_the_table() {
        for kind in NoticeKind::ALL {
            for (standing, expected) in [
                (Standing::Responsible, Ok(())),
                (Standing::LivesWith, Ok(())),
                (Standing::EmergencyOnly, Err(Reason::EmergencyOnly)),
                (Standing::NoChildInformation, Err(Reason::NoChildInformation)),
                (Standing::NoContact, Err(Reason::NoContact)),
                (Standing::ClosuresOnly, Err(Reason::NotEntitled)),
            ] {
                assert_eq!(entitled(kind, standing), expected, "{kind:?} {standing:?}");
            }
        }
    }
}
