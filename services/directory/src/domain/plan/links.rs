//! Links against a roster: the columns that decide who is told may only become narrower here.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::succession::Succession;
use super::{Action, Barred, Kept, Plan, What, Write, differs};
use crate::domain::link::{Link, Restriction, newly_barred};
use crate::domain::present::{Present, Stored};
use crate::domain::roster::{Link as Incoming, RestrictionWord, Roster, SourceId};

/// What a merge kept against the file.
#[derive(Default)]
struct KeptColumns {
    columns: Vec<&'static str>,
    asked: Vec<String>,
}

impl KeptColumns {
    fn keep(&mut self, column: &'static str, asked: &str) {
        self.columns.push(column);
        self.asked.push(format!("{column}={asked}"));
    }
}

/// Plans every link. Answers the contacts whose restricted link stays although the file dropped it.
pub fn links(
    plan: &mut Plan,
    (present, roster): (&Present, &Roster),
    succession: &Succession<'_>,
    today: Date,
) -> BTreeSet<SourceId> {
    for (key, incoming) in &roster.links {
        let before = present.links.get(key);
        let mut kept = KeptColumns::default();
        let after = match before {
            Some(stored) => merge(&stored.value, incoming, today, &mut kept),
            None => inheriting(incoming, succession.restriction(key).as_ref(), today),
        };
        let name = name_of(key);
        if before.is_none() && after.restriction != added(incoming, today).restriction {
            plan.report(What::Link, Action::Keep, &name, vec!["restriction"]);
        }
        if !kept.columns.is_empty() {
            plan.report(What::Link, Action::Keep, &name, kept.columns);
            plan.kept.push(keeping(key, kept.asked.join(" ")));
        }
        say_when_barred(plan, key, (before.map(|stored| &stored.value), &after), today);
        if differs(plan, (What::Link, &name), before, &after) {
            plan.links.push(Write { key: key.clone(), stored: Stored::active(after) });
        }
    }
    let mut held = BTreeSet::new();
    for (key, stored) in &present.links {
        if !stored.is_active() || roster.links.contains_key(key) {
            continue;
        }
        let name = name_of(key);
        let pupil_stays = roster.pupils.contains_key(&key.0);
        if pupil_stays && stored.value.restriction.is_some() {
            plan.report(What::Link, Action::Keep, &name, Vec::new());
            plan.kept.push(keeping(key, "removed".to_owned()));
            held.insert(key.1.clone());
        } else {
            plan.report(What::Link, Action::Remove, &name, Vec::new());
            plan.links.push(Write { key: key.clone(), stored: Stored::withdrawn(stored.value.clone()) });
        }
    }
    held
}

fn name_of((pupil, contact): &(SourceId, SourceId)) -> String {
    format!("{pupil}/{contact}")
}

fn keeping((pupil, contact): &(SourceId, SourceId), asked: String) -> Kept {
    Kept { pupil: pupil.clone(), contact: Some(contact.clone()), asked }
}

fn added(incoming: &Incoming, today: Date) -> Link {
    Link {
        role: incoming.role,
        priority: incoming.priority,
        responsibility: incoming.responsibility,
        lives_with: incoming.lives_with,
        emergency_only: incoming.emergency_only,
        restriction: match &incoming.restriction {
            RestrictionWord::Silent | RestrictionWord::None => None,
            RestrictionWord::Stands { bar, evidence, from, until } => Some(Restriction {
                bar: *bar,
                evidence: evidence.clone(),
                from: from.unwrap_or(today),
                until: *until,
            }),
        },
    }
}

/// A new link of a pupil who may be one who left. That one's own task asks about it.
fn inheriting(incoming: &Incoming, inherited: Option<&Restriction>, today: Date) -> Link {
    let link = added(incoming, today);
    let Some(inherited) = inherited else { return link };
    let restriction = merge_restriction(Some(inherited), incoming, today, &mut KeptColumns::default());
    Link { restriction, ..link }
}

fn merge(standing: &Link, incoming: &Incoming, today: Date, kept: &mut KeptColumns) -> Link {
    let wished = added(incoming, today);
    let mut after = Link {
        responsibility: standing.responsibility.min(wished.responsibility),
        emergency_only: standing.emergency_only || wished.emergency_only,
        restriction: merge_restriction(standing.restriction.as_ref(), incoming, today, kept),
        ..wished.clone()
    };
    if standing.raises_responsibility(&after) {
        after.role = standing.role;
        kept.keep("role", wished.role.word());
    }
    if after.responsibility != wished.responsibility {
        kept.keep("parentalResponsibility", wished.responsibility.word());
    }
    if after.emergency_only != wished.emergency_only {
        kept.keep("emergencyOnly", "false");
    }
    after
}

fn merge_restriction(
    standing: Option<&Restriction>,
    incoming: &Incoming,
    today: Date,
    kept: &mut KeptColumns,
) -> Option<Restriction> {
    let Some(standing) = standing else { return added(incoming, today).restriction };
    match &incoming.restriction {
        RestrictionWord::Silent => Some(standing.clone()),
        RestrictionWord::None => {
            kept.keep("restriction", "none");
            Some(standing.clone())
        }
        RestrictionWord::Stands { bar, evidence, from, until } => {
            let wished = Restriction {
                bar: *bar,
                evidence: evidence.clone(),
                from: from.unwrap_or(standing.from),
                until: until.or(standing.until),
            };
            if wished.is_weaker_than(standing) {
                let until = wished.until.map_or_else(String::new, |until| until.to_string());
                kept.keep("restriction", &format!("{} from {} until {until}", bar.word(), wished.from));
            }
            Some(standing.strictest(&wished))
        }
    }
}

fn say_when_barred(
    plan: &mut Plan,
    (pupil, contact): &(SourceId, SourceId),
    (before, after): (Option<&Link>, &Link),
    today: Date,
) {
    let before = before.and_then(|link| link.restriction.as_ref());
    if let Some(bar) = newly_barred(before, after.restriction.as_ref(), today) {
        plan.barred.push(Barred::Link { pupil: pupil.clone(), contact: contact.clone(), bar });
    }
}
