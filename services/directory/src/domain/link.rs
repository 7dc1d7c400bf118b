//! What stands between a pupil and a contact: role, parental responsibility, and a restriction.
//!
//! Who counts as a parent follows Education Act 1996 s576 and the Department's guidance of
//! 24 August 2023: schools treat all parents equally unless a court order limits it, so unknown is
//! never read as "has responsibility", and a restriction needs evidence.
//!
//! Invariant: nothing here can compare two links and call the wider one equal. See
//! [`Restriction::strictest`] and [`Link::raises_responsibility`], which the import stands on.

use jiff::civil::Date;

use super::words::words;

words! {
    /// What the contact is to the child, as the school recorded it.
    Role {
        /// Has parental responsibility by law, unless a court has taken it.
        Mother = "mother",
        /// Has it when married at the birth or named in the certificate (from 1 December 2003).
        Father = "father",
        /// A parent of either sex, also by adoption.
        Parent = "parent",
        /// Has it only by agreement or order.
        StepParent = "step_parent",
        /// A legal guardian.
        Guardian = "guardian",
        /// Cares for the child day by day; responsibility is shared by the local authority.
        FosterCarer = "foster_carer",
        /// A grandparent.
        Grandparent = "grandparent",
        /// Any other relative.
        Relative = "relative",
        /// Is paid to look after the child.
        Childminder = "childminder",
        /// A friend of the family.
        Friend = "friend",
        /// Anybody else.
        Other = "other",
    }
}

impl Role {
    /// Whether the role alone lets an unknown responsibility count for absences and the like.
    pub fn is_parent_or_guardian(self) -> bool {
        match self {
            Self::Mother | Self::Father | Self::Parent | Self::Guardian => true,
            Self::StepParent
            | Self::FosterCarer
            | Self::Grandparent
            | Self::Relative
            | Self::Childminder
            | Self::Friend
            | Self::Other => false,
        }
    }
}

words! {
    /// Parental responsibility as the school knows it, from the least to the most.
    Responsibility {
        /// Certainly not.
        No = "no",
        /// Nobody has said; never read as yes.
        Unknown = "unknown",
        /// Certainly.
        Yes = "yes",
    }
}

words! {
    /// What a restriction bars, from the weaker to the stricter.
    Bar {
        /// Whatever names or locates this child.
        ChildInformation = "no_child_information",
        /// Everything from this school, on whichever link of the contact it stands.
        Contact = "no_contact",
    }
}

/// A restriction on a link. It starts on its date and never ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Restriction {
    /// What it bars.
    pub bar: Bar,
    /// What it rests on: an order and its date, or the head's decision. Never empty.
    pub evidence: String,
    /// The first day on which it bars.
    pub from: Date,
    /// The day on which a person looks at it again. It bars on that day and after it, too.
    pub until: Option<Date>,
}

impl Restriction {
    /// Whether it bars on this day.
    pub fn in_force(&self, today: Date) -> bool {
        self.from <= today
    }

    /// The strictest that two restrictions say together: the wider bar, from the earlier day, to be
    /// looked at on the later one. The evidence is that of `other` where it is the stricter in bar or
    /// start, or just as strict; else that of `self`.
    #[must_use]
    pub fn strictest(&self, other: &Self) -> Self {
        let weaker = other.bar < self.bar || other.from > self.from;
        let stricter = other.bar > self.bar || other.from < self.from;
        let evidence = if weaker && !stricter { &self.evidence } else { &other.evidence };
        let until = match (self.until, other.until) {
            (Some(own), Some(others)) => Some(own.max(others)),
            (None, _) | (_, None) => None,
        };
        Self {
            bar: self.bar.max(other.bar),
            evidence: evidence.clone(),
            from: self.from.min(other.from),
            until,
        }
    }

    /// Whether it bars less than `other`, later, or is looked at again sooner.
    pub fn is_weaker_than(&self, other: &Self) -> bool {
        let sooner = match (self.until, other.until) {
            (Some(own), Some(others)) => own < others,
            (Some(_), None) => true,
            (None, _) => false,
        };
        self.bar < other.bar || self.from > other.from || sooner
    }
}

/// What is barred today that was not barred, or not as much, before the change. A restriction that
/// starts later bars nobody yet: it is read on its day by everybody who asks.
pub fn newly_barred(before: Option<&Restriction>, after: Option<&Restriction>, today: Date) -> Option<Bar> {
    let bar = |restriction: Option<&Restriction>| {
        restriction.filter(|restriction| restriction.in_force(today)).map(|restriction| restriction.bar)
    };
    bar(after).filter(|now| Some(*now) > bar(before))
}

/// Between one pupil and one contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What the contact is to the child.
    pub role: Role,
    /// 1 is rung first.
    pub priority: u16,
    /// As far as the school knows.
    pub responsibility: Responsibility,
    /// The child's home, or one of its homes.
    pub lives_with: bool,
    /// Asked only when nobody else is reached.
    pub emergency_only: bool,
    /// What stands against telling the contact, now or from its date on.
    pub restriction: Option<Restriction>,
}

impl Link {
    /// Whether `other` would give this contact more of a parent's standing than this link does: a
    /// higher responsibility, or a role that lets an unknown one count.
    pub fn raises_responsibility(&self, other: &Self) -> bool {
        let counts_by_role =
            |link: &Self| link.responsibility == Responsibility::Unknown && link.role.is_parent_or_guardian();
        let newly_by_role =
            counts_by_role(other) && !counts_by_role(self) && self.responsibility != Responsibility::Yes;
        other.responsibility > self.responsibility || newly_by_role
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::Responsibility::{No, Unknown, Yes};
    use super::*;

    fn restriction(bar: Bar, from: Date, until: Option<Date>) -> Restriction {
        Restriction { bar, evidence: format!("{bar:?} from {from}"), from, until }
    }

    fn any_restriction() -> impl Strategy<Value = Restriction> {
        let day = |offset: i8| date(2026, 11, offset.rem_euclid(28) + 1);
        (any::<bool>(), any::<i8>(), any::<Option<i8>>()).prop_map(move |(contact, from, until)| {
            let bar = if contact { Bar::Contact } else { Bar::ChildInformation };
            restriction(bar, day(from), until.map(day))
        })
    }

    #[test]
    fn a_restriction_starts_on_its_date_and_its_review_date_does_not_end_it() {
        let order = restriction(Bar::ChildInformation, date(2026, 11, 24), Some(date(2026, 12, 24)));
        assert!(!order.in_force(date(2026, 11, 23)));
        assert!(order.in_force(date(2026, 11, 24)));
        assert!(order.in_force(date(2027, 11, 24)));
    }

    #[test]
    fn a_stricter_bar_that_starts_later_leaves_no_gap() {
        let standing = restriction(Bar::ChildInformation, date(2026, 1, 1), None);
        let coming = restriction(Bar::Contact, date(2027, 1, 1), None);
        let both = standing.strictest(&coming);
        assert_eq!((both.bar, both.from), (Bar::Contact, date(2026, 1, 1)));
        assert!(coming.is_weaker_than(&standing));
    }

    #[test]
    fn a_role_that_makes_an_unknown_responsibility_count_raises_it() {
        let link = |role, responsibility| Link {
            role,
            priority: 1,
            responsibility,
            lives_with: false,
            emergency_only: false,
            restriction: None,
        };
        for (before, after, raises) in [
            (link(Role::Mother, Unknown), link(Role::Mother, Yes), true),
            (link(Role::Mother, No), link(Role::Mother, Unknown), true),
            (link(Role::Relative, Unknown), link(Role::Father, Unknown), true),
            (link(Role::StepParent, No), link(Role::StepParent, Yes), true),
            (link(Role::Father, Yes), link(Role::Father, Unknown), false),
            (link(Role::Relative, Yes), link(Role::Father, Unknown), false),
            (link(Role::Mother, Unknown), link(Role::Parent, Unknown), false),
            (link(Role::Friend, No), link(Role::Other, No), false),
        ] {
            assert_eq!(before.raises_responsibility(&after), raises, "{before:?} → {after:?}");
        }
    }

    proptest! {
        #[test]
        fn the_strictest_of_two_is_weaker_than_neither(a in any_restriction(), b in any_restriction()) {
            let both = a.strictest(&b);
            prop_assert!(!both.is_weaker_than(&a) && !both.is_weaker_than(&b));
            prop_assert_eq!(a.strictest(&a), a);
        }
    }

    #[test]
    fn every_word_reads_back() {
        assert!(Role::ALL.iter().all(|role| Role::of_word(role.word()) == Some(*role)));
        assert_eq!(Role::of_word("Mother"), None);
    }
}
