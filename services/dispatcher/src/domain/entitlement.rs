//! Who may be told what: the school's defaults for England, as data.
//!
//! A parent is everybody with parental responsibility or with care of the child (Education Act
//! 1996, section 576), and all of them are told alike unless an order says otherwise; an
//! emergency contact is not a parent. A school may narrow this table, never widen it. In doubt
//! nobody is told.

use proto::events::scope::Scope;
use serde::Deserialize;

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

/// Whether something is said about single children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// To the whole school: it neither names nor locates a child.
    General,
    /// To some: whoever reads it learns something about a child.
    Particular,
}

impl Reach {
    /// Of what is said to a scope.
    #[must_use]
    pub fn of(scope: &Scope) -> Self {
        match scope {
            Scope::WholeSchool => Self::General,
            Scope::YearGroups(_) | Scope::Classes(_) | Scope::Pupils(_) => Self::Particular,
        }
    }
}

/// What a school may choose about who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choices {
    /// Contacts who are for emergencies only are told of closures and reopenings.
    pub emergency_contacts_hear_of_closures: bool,
}

/// What is to be told, as far as who may be told depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matter {
    /// What it is.
    pub kind: NoticeKind,
    /// Whether it is said to everybody.
    pub reach: Reach,
    /// What the school has chosen.
    pub choices: Choices,
}

/// A cell of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// Told at once.
    Told,
    /// Not told.
    Not(Reason),
    /// Told only what is said to the whole school.
    IfGeneral,
    /// As the school has chosen for closures.
    SchoolsChoice,
}

use Cell::{IfGeneral, Not, SchoolsChoice, Told};

/// A row of the table; a column for each [`Standing`], from right to left in the order in which
/// they decide.
struct Row {
    no_contact: Cell,
    no_child_information: Cell,
    emergency_only: Cell,
    lives_with: Cell,
    responsible: Cell,
    closures_only: Cell,
}

/// About one child: an absence, its correction, an accident. An emergency contact hears of a head
/// injury from a person, who rings them last.
const CHILD: Row = Row {
    no_contact: Not(Reason::NoContact),
    no_child_information: Not(Reason::NoChildInformation),
    emergency_only: Not(Reason::EmergencyOnly),
    lives_with: Told,
    responsible: Told,
    closures_only: Not(Reason::NotEntitled),
};

const CLOSING: Row = Row {
    no_contact: Not(Reason::NoContact),
    no_child_information: IfGeneral,
    emergency_only: SchoolsChoice,
    lives_with: Told,
    responsible: Told,
    closures_only: Told,
};

const ANNOUNCEMENT: Row = Row {
    no_contact: Not(Reason::NoContact),
    no_child_information: IfGeneral,
    emergency_only: Not(Reason::EmergencyOnly),
    lives_with: Told,
    responsible: Told,
    closures_only: Not(Reason::NotEntitled),
};

const fn row(kind: NoticeKind) -> &'static Row {
    match kind {
        NoticeKind::AbsenceUnexplained
        | NoticeKind::AbsenceCorrection
        | NoticeKind::FirstAid
        | NoticeKind::HeadInjury => &CHILD,
        NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged | NoticeKind::Reopening => &CLOSING,
        NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => &ANNOUNCEMENT,
    }
}

impl Matter {
    /// Whether the first step about a pupil who is person only is a person's. Closures still go,
    /// and so does what everybody is told.
    #[must_use]
    pub fn asks_a_person_first(self) -> bool {
        !self.kind.is_about_closing() && self.reach == Reach::Particular
    }
}

/// Whether somebody of this standing is told at once, or why not.
pub fn entitled(matter: Matter, standing: Standing) -> Result<(), Reason> {
    let row = row(matter.kind);
    let cell = match standing {
        Standing::NoContact => row.no_contact,
        Standing::NoChildInformation => row.no_child_information,
        Standing::EmergencyOnly => row.emergency_only,
        Standing::LivesWith => row.lives_with,
        Standing::Responsible => row.responsible,
        Standing::ClosuresOnly => row.closures_only,
    };
    match (cell, matter.reach) {
        (Told, _) | (IfGeneral, Reach::General) => Ok(()),
        (IfGeneral, Reach::Particular) => Err(Reason::NoChildInformation),
        (SchoolsChoice, _) if matter.choices.emergency_contacts_hear_of_closures => Ok(()),
        (SchoolsChoice, _) => Err(Reason::EmergencyOnly),
        (Not(reason), _) => Err(reason),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proto::ids::ContactId;

    use super::super::Preference;
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
            no_voice: false,
            prefers: Preference::None,
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

    pub(crate) fn matter(kind: NoticeKind) -> Matter {
        Matter { kind, reach: Reach::Particular, choices: Choices::default() }
    }

    #[test]
    fn every_cell_of_the_table() {
        use NoticeKind::{
            AbsenceCorrection, AbsenceUnexplained, Announcement, AnnouncementCorrection, ClosureChanged,
            ClosureDeclared, FirstAid, HeadInjury, Reopening,
        };
        use Reach::{General, Particular};
        use Standing::{ClosuresOnly, EmergencyOnly, LivesWith, NoChildInformation, NoContact, Responsible};
        let (child, emergency) = (Err(Reason::NoChildInformation), Err(Reason::EmergencyOnly));
        let about_a_child = [
            (Responsible, Ok(())),
            (LivesWith, Ok(())),
            (ClosuresOnly, Err(Reason::NotEntitled)),
            (EmergencyOnly, emergency),
            (NoChildInformation, child),
            (NoContact, Err(Reason::NoContact)),
        ];
        let closing = |barred: Result<(), Reason>, emergency: Result<(), Reason>| {
            [
                (Responsible, Ok(())),
                (LivesWith, Ok(())),
                (ClosuresOnly, Ok(())),
                (EmergencyOnly, emergency),
                (NoChildInformation, barred),
                (NoContact, Err(Reason::NoContact)),
            ]
        };
        let announced = |barred: Result<(), Reason>| {
            let mut row = about_a_child;
            row[4] = (NoChildInformation, barred);
            row
        };
        for kind in NoticeKind::ALL {
            for reach in [General, Particular] {
                for chosen in [true, false] {
                    let barred = if reach == General { Ok(()) } else { child };
                    let row = match kind {
                        AbsenceUnexplained | AbsenceCorrection | FirstAid | HeadInjury => about_a_child,
                        ClosureDeclared | ClosureChanged | Reopening => {
                            closing(barred, if chosen { Ok(()) } else { emergency })
                        }
                        Announcement | AnnouncementCorrection => announced(barred),
                    };
                    let choices = Choices { emergency_contacts_hear_of_closures: chosen };
                    for (standing, expected) in row {
                        let matter = Matter { kind, reach, choices };
                        assert_eq!(entitled(matter, standing), expected, "{matter:?} {standing:?}");
                    }
                }
            }
        }
    }
}
