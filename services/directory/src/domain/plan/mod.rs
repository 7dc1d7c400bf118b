//! What an import would do: the present state and a roster in, every change out.
//!
//! Called by the api before anything is written. Nothing is decided by the store: what [`plan`] does
//! not list is not touched, so importing the same roster twice changes nothing.
//!
//! Invariant: no import weakens a restriction, ends "person only", raises parental responsibility or
//! lifts "emergency only"; nor does it remove who or what carries a restriction. What stands is
//! kept, said as [`Action::Keep`], and becomes a task through [`Plan::kept`]. See
//! `no_sequence_of_imports_widens_anything`.

mod addresses;
mod columns;
mod links;
mod people;
mod succession;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::civil::Date;

use self::columns::Columns;
use self::succession::Succession;
use super::link::{Bar, Link};
use super::present::{Present, Pupil, Stored};
use super::roster::{Class, Contact, Roster, School, SourceId, Term};

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    School,
    Term,
    Class,
    Pupil,
    Contact,
    Link,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It was not part of the school.
    Add,
    /// Columns differ.
    Change,
    /// It is withdrawn.
    Remove,
    /// The file would widen who is told; what stands is kept until a person decides.
    Keep,
}

/// One line of what an import would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is about.
    pub what: What,
    /// What happens to it.
    pub action: Action,
    /// Its id in the school's own system; a link has both, with a slash between.
    pub source_id: String,
    /// The columns that change, or that are kept.
    pub columns: Vec<&'static str>,
}

/// A row to write as it will stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write<K, T> {
    /// Its id in the school's own system.
    pub key: K,
    /// What will stand.
    pub stored: Stored<T>,
}

/// Something that was kept against the file, which a person must look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The pupil.
    pub pupil: SourceId,
    /// The contact; none when it is about the pupil alone.
    pub contact: Option<SourceId>,
    /// What the file asked for, in the file's words and without free text: the same wish asks once.
    pub asked: String,
}

/// A restricted contact has given up an address that somebody else uses. It stays barred; a person
/// knows whether the contact can still read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// The contact.
    pub contact: SourceId,
    /// About whom the contact is restricted.
    pub pupils: Vec<SourceId>,
    /// Where the addresses stood.
    pub columns: Vec<&'static str>,
}

/// A pupil who is person only or has a restricted link has left, or seems to be back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The pupil who left.
    pub pupil: SourceId,
    /// Who may be the same child under another id, or belongs to the same home.
    pub successors: Vec<SourceId>,
}

/// Somebody may be told less than before, from now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barred {
    /// The pupil became person only.
    Pupil(SourceId),
    /// A restriction on the link of this pupil and contact is in force.
    Link {
        /// The pupil.
        pupil: SourceId,
        /// The contact.
        contact: SourceId,
        /// What is barred.
        bar: Bar,
    },
}

/// How many would be withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Removals {
    /// Pupils.
    pub pupils: usize,
    /// Contacts.
    pub contacts: usize,
    /// Whether that is more than a tenth of the pupils or of the contacts.
    pub ask_first: bool,
}

/// What an import would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The school, when it is new or changes.
    pub school: Option<School>,
    /// Terms to write.
    pub terms: Vec<Write<SourceId, Term>>,
    /// Classes to write.
    pub classes: Vec<Write<SourceId, Class>>,
    /// Pupils to write.
    pub pupils: Vec<Write<SourceId, Pupil>>,
    /// Contacts to write.
    pub contacts: Vec<Write<SourceId, Contact>>,
    /// Links to write.
    pub links: Vec<Write<(SourceId, SourceId), Link>>,
    /// Every line of it, for a person to read.
    pub changes: Vec<Change>,
    /// What needs a person.
    pub kept: Vec<Kept>,
    /// Shared addresses of restricted contacts, which need a person, too.
    pub given_up: Vec<GivenUp>,
    /// Pupils who left with what stood about them, which needs a person, too.
    pub left: Vec<Left>,
    /// Addresses to keep barred although their contact has given them up.
    pub former: Vec<(SourceId, String)>,
    /// Who may be told less from now.
    pub barred: Vec<Barred>,
    /// How many leave.
    pub removals: Removals,
}

impl Plan {
    /// Whether any row would be written.
    pub fn writes_something(&self) -> bool {
        self.school.is_some()
            || !self.terms.is_empty()
            || !self.classes.is_empty()
            || !self.pupils.is_empty()
            || !self.contacts.is_empty()
            || !self.links.is_empty()
    }

    fn report(&mut self, what: What, action: Action, source_id: &str, columns: Vec<&'static str>) {
        self.changes.push(Change { what, action, source_id: source_id.to_owned(), columns });
    }
}

/// Compares what stands with a roster. `today` is the school's day: the start of a new restriction
/// whose file gives none.
pub fn plan(present: &Present, roster: &Roster, today: Date) -> Plan {
    let mut plan = Plan::default();
    school(&mut plan, present.school.as_ref(), &roster.school);
    plan.terms = plainly(&mut plan, What::Term, &present.terms, &roster.terms);
    plan.classes = plainly(&mut plan, What::Class, &present.classes, &roster.classes);
    let succession = Succession::of(present, roster);
    people::pupils(&mut plan, (present, roster), &succession);
    let held = links::links(&mut plan, (present, roster), &succession, today);
    people::contacts(&mut plan, (present, roster), &held);
    addresses::addresses(&mut plan, present, today);
    plan.left = succession.left();
    plan.removals.ask_first = over_a_tenth(plan.removals.pupils, &present.pupils)
        || over_a_tenth(plan.removals.contacts, &present.contacts);
    plan
}

fn school(plan: &mut Plan, present: Option<&School>, incoming: &School) {
    let columns = present.map(|present| present.differing(incoming));
    match columns {
        None => plan.report(What::School, Action::Add, &incoming.source_id, Vec::new()),
        Some(columns) if columns.is_empty() => return,
        Some(columns) => plan.report(What::School, Action::Change, &incoming.source_id, columns),
    }
    plan.school = Some(incoming.clone());
}

/// Terms and classes: what the file says is what stands.
fn plainly<T: Clone + Columns>(
    plan: &mut Plan,
    what: What,
    present: &BTreeMap<SourceId, Stored<T>>,
    incoming: &BTreeMap<SourceId, T>,
) -> Vec<Write<SourceId, T>> {
    let mut writes = Vec::new();
    for (key, value) in incoming {
        if differs(plan, (what, key), present.get(key), value) {
            writes.push(Write { key: key.clone(), stored: Stored::active(value.clone()) });
        }
    }
    for (key, stored) in present {
        if stored.is_active() && !incoming.contains_key(key) {
            plan.report(what, Action::Remove, key, Vec::new());
            writes.push(Write { key: key.clone(), stored: Stored::withdrawn(stored.value.clone()) });
        }
    }
    writes
}

/// Whether what will stand differs from what stands; if so, it is said.
fn differs<T: Columns>(
    plan: &mut Plan,
    (what, source_id): (What, &str),
    before: Option<&Stored<T>>,
    after: &T,
) -> bool {
    let (action, columns) = match before {
        Some(stored) if stored.is_active() => (Action::Change, stored.value.differing(after)),
        Some(_) | None => (Action::Add, Vec::new()),
    };
    let differs = action == Action::Add || !columns.is_empty();
    if differs {
        plan.report(what, action, source_id, columns);
    }
    differs
}

fn over_a_tenth<T>(removed: usize, present: &BTreeMap<SourceId, Stored<T>>) -> bool {
    removed * 10 > present.values().filter(|stored| stored.is_active()).count()
}
