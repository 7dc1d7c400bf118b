//! What the people of a school decide about one link or one pupil, at once.
//!
//! Called by the api with what stands. A person may weaken what no import may; either way the
//! decision needs its reason, and the reason is kept with it.

use jiff::civil::Date;

use super::link::{Bar, Link, Responsibility, Restriction, Role, newly_barred};

/// Why a decision cannot be taken, in the school's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A restriction begins and ends on evidence, an oral request is not enough (guidance on parental
    /// responsibility, 24 August 2023).
    #[error("say what this rests on: an order and its date, or the head's decision")]
    NoEvidence,
    /// "Person only" begins and ends with a reason.
    #[error("say why")]
    NoReason,
    /// It would be looked at again before it begins.
    #[error("is before the day on which the restriction starts")]
    EndsBeforeItStarts,
    /// An ended restriction has no dates.
    #[error("only a restriction that stands has dates")]
    DatesWithoutRestriction,
}

/// What somebody decides about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetRestriction {
    /// What is barred from now on; none ends what stands.
    pub bar: Option<Bar>,
    /// What the decision rests on.
    pub evidence: String,
    /// The first day; none is today.
    pub from: Option<Date>,
    /// The day on which a person looks at it again.
    pub until: Option<Date>,
}

/// What a decision does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided<T> {
    /// What stands from now on.
    pub after: T,
    /// Whether anything differs from what stood.
    pub changes: bool,
    /// What somebody may no longer be told, from this moment.
    pub barred: Option<Bar>,
}

/// Sets, changes or ends the restriction of a link.
pub fn set_restriction(
    standing: Option<&Restriction>,
    command: SetRestriction,
    today: Date,
) -> Result<Decided<Option<Restriction>>, Rejection> {
    let SetRestriction { bar, evidence, from, until } = command;
    if evidence.trim().is_empty() {
        return Err(Rejection::NoEvidence);
    }
    let after = match bar {
        None if from.is_some() || until.is_some() => return Err(Rejection::DatesWithoutRestriction),
        None => None,
        Some(bar) => {
            let from = from.unwrap_or(today);
            if until.is_some_and(|until| until < from) {
                return Err(Rejection::EndsBeforeItStarts);
            }
            Some(Restriction { bar, evidence, from, until })
        }
    };
    let barred = newly_barred(standing, after.as_ref(), today);
    Ok(Decided { changes: standing != after.as_ref(), after, barred })
}

/// What somebody decides that a contact is to a pupil; none leaves as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetStanding {
    /// What the contact is to the child.
    pub role: Option<Role>,
    /// Parental responsibility.
    pub responsibility: Option<Responsibility>,
    /// Asked only when nobody else is reached.
    pub emergency_only: Option<bool>,
    /// What the decision rests on.
    pub evidence: String,
}

/// Sets what a contact is to a pupil, also higher than before. Nobody is barred by it: a link that
/// stands lower is read as such by everybody who asks.
pub fn set_standing(standing: &Link, command: &SetStanding) -> Result<Decided<Link>, Rejection> {
    if command.evidence.trim().is_empty() {
        return Err(Rejection::NoEvidence);
    }
    let after = Link {
        role: command.role.unwrap_or(standing.role),
        responsibility: command.responsibility.unwrap_or(standing.responsibility),
        emergency_only: command.emergency_only.unwrap_or(standing.emergency_only),
        ..standing.clone()
    };
    Ok(Decided { changes: *standing != after, after, barred: None })
}

/// Whether automation may run about a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonOnly {
    /// A person takes every first step.
    Starts,
    /// Automation runs again.
    Ends,
}

/// Starts or ends "person only". Starting it says so to whoever has just sent something.
pub fn set_person_only(
    standing: Option<&str>,
    command: PersonOnly,
    reason: String,
) -> Result<Decided<Option<String>>, Rejection> {
    if reason.trim().is_empty() {
        return Err(Rejection::NoReason);
    }
    let after = match command {
        PersonOnly::Starts => Some(reason),
        PersonOnly::Ends => None,
    };
    let starts = standing.is_none() && after.is_some();
    let barred = starts.then_some(Bar::ChildInformation);
    Ok(Decided { changes: standing != after.as_deref(), after, barred })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2026, 11, 24);

    fn command(bar: Option<Bar>, from: Option<Date>, until: Option<Date>) -> SetRestriction {
        SetRestriction { bar, evidence: "court order".to_owned(), from, until }
    }

    #[test]
    fn a_person_sets_changes_and_ends_a_restriction() {
        let set = set_restriction(None, command(Some(Bar::Contact), None, None), TODAY).unwrap();
        let standing = set.after.unwrap();
        assert_eq!((standing.bar, standing.from, set.barred), (Bar::Contact, TODAY, Some(Bar::Contact)));
        let weaker =
            set_restriction(Some(&standing), command(Some(Bar::ChildInformation), None, None), TODAY)
                .unwrap();
        assert_eq!((weaker.changes, weaker.barred), (true, None));
        let ended = set_restriction(Some(&standing), command(None, None, None), TODAY).unwrap();
        assert_eq!((ended.after, ended.changes, ended.barred), (None, true, None));
        let again = set_restriction(Some(&standing), command(Some(Bar::Contact), None, None), TODAY).unwrap();
        assert_eq!((again.changes, again.barred), (false, None));
    }

    #[test]
    fn a_restriction_that_starts_tomorrow_bars_nobody_today() {
        let tomorrow = Some(date(2026, 11, 25));
        let set = set_restriction(None, command(Some(Bar::Contact), tomorrow, None), TODAY).unwrap();
        assert_eq!((set.changes, set.barred), (true, None));
    }

    #[test]
    fn nothing_is_set_or_ended_without_evidence_or_with_odd_dates() {
        for bar in [None, Some(Bar::Contact)] {
            let blank = SetRestriction { evidence: " ".to_owned(), ..command(bar, None, None) };
            assert_eq!(set_restriction(None, blank, TODAY), Err(Rejection::NoEvidence));
        }
        let early = command(Some(Bar::Contact), None, Some(date(2026, 11, 23)));
        assert_eq!(set_restriction(None, early, TODAY), Err(Rejection::EndsBeforeItStarts));
        let dated = command(None, Some(TODAY), None);
        assert_eq!(set_restriction(None, dated, TODAY), Err(Rejection::DatesWithoutRestriction));
    }

    #[test]
    fn a_person_raises_what_no_import_may() {
        let link = Link {
            role: Role::Relative,
            priority: 2,
            responsibility: Responsibility::Unknown,
            lives_with: false,
            emergency_only: true,
            restriction: None,
        };
        let command = |evidence: &str| SetStanding {
            role: Some(Role::Guardian),
            responsibility: Some(Responsibility::Yes),
            emergency_only: Some(false),
            evidence: evidence.to_owned(),
        };
        let decided = set_standing(&link, &command("special guardianship order")).unwrap();
        assert_eq!((decided.after.role, decided.after.responsibility), (Role::Guardian, Responsibility::Yes));
        assert_eq!((decided.after.emergency_only, decided.changes), (false, true));
        assert!(!set_standing(&decided.after, &command("the same again")).unwrap().changes);
        assert_eq!(set_standing(&link, &command(" ")), Err(Rejection::NoEvidence));
    }

    #[test]
    fn person_only_starts_and_ends_with_a_reason() {
        let reason = || "child protection plan".to_owned();
        let started = set_person_only(None, PersonOnly::Starts, reason()).unwrap();
        assert_eq!(
            (started.after.as_deref(), started.barred.is_some()),
            (Some("child protection plan"), true)
        );
        let again = set_person_only(started.after.as_deref(), PersonOnly::Starts, reason()).unwrap();
        assert_eq!((again.changes, again.barred), (false, None));
        let ended = set_person_only(started.after.as_deref(), PersonOnly::Ends, reason()).unwrap();
        assert_eq!((ended.after, ended.changes, ended.barred), (None, true, None));
        assert_eq!(set_person_only(None, PersonOnly::Starts, String::new()), Err(Rejection::NoReason));
    }
}
