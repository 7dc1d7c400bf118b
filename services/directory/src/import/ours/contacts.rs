//! contacts.csv: a line for every link between a pupil and a contact.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::domain::language;
use crate::domain::link::{Bar, Responsibility, Role};
use crate::domain::preference::Preference;
use crate::domain::roster::{Contact, Link, Reach, RestrictionWord, SourceId};
use crate::import::archive::Files;
use crate::import::csv_file::Need::{Optional, Required};
use crate::import::csv_file::{CsvFile, Line};
use crate::import::fault::Faults;
use crate::import::oneroster::Export;
use crate::import::values;

/// A pupil and a contact.
type Key = (SourceId, SourceId);
/// The contacts that a link names, and the links.
pub type Contacts = (BTreeMap<SourceId, Contact>, BTreeMap<Key, Link>);

/// Language, "no voice" and the preference belong to the contact but stand on every line of it.
type Speech = (String, bool, Preference);

/// Reads contacts.csv against the export.
pub fn contacts(files: &Files, export: &Export, faults: &mut Faults) -> Option<Contacts> {
    let columns = [
        "pupilSourcedId",
        "contactSourcedId",
        "role",
        "priority",
        "parentalResponsibility",
        "livesWith",
        "emergencyOnly",
        "restriction",
        "restrictionEvidence",
        "restrictionFrom",
        "restrictionUntil",
        "language",
        "noVoice",
    ]
    .map(|column| (column, Required))
    .into_iter()
    .chain([("prefers", Optional)])
    .collect::<Vec<_>>();
    let file = CsvFile::read(files, "contacts.csv", &columns, faults)?;
    let mut links = BTreeMap::new();
    let mut named = BTreeSet::new();
    let mut speeches: HashMap<SourceId, Speech> = HashMap::new();
    for line in file.lines() {
        let (key, link, speech) = (key(line, export, faults), link(line, faults), speech(line, faults));
        let Some(key) = key else { continue };
        if let Some(speech) = speech {
            let same = speeches.entry(key.1.clone()).or_insert_with(|| speech.clone()) == &speech;
            if !same {
                line.cell("language")
                    .fault("language, noVoice and prefers as on the contact's other lines", faults);
            }
        }
        if !named.insert(key.clone()) {
            line.cell("contactSourcedId").fault("a contact who stands once for this pupil", faults);
        } else if let Some(link) = link {
            links.insert(key, link);
        }
    }
    every_agent_has_a_line(export, &named, faults);
    let mut contacts = BTreeMap::new();
    for (_, id) in links.keys() {
        let known = export.contacts.as_ref().and_then(|contacts| contacts.get(id)).and_then(Option::as_ref);
        if let (Some(contact), Some((language, no_voice, prefers))) = (known, speeches.get(id)) {
            let (language, no_voice, prefers) = (language.clone(), *no_voice, *prefers);
            let reach = Reach { language, no_voice, prefers, ..contact.reach.clone() };
            contacts.insert(id.clone(), Contact { reach, ..contact.clone() });
        }
    }
    Some((contacts, links))
}

fn key(line: Line<'_>, export: &Export, faults: &mut Faults) -> Option<Key> {
    let (pupil, contact) = (line.cell("pupilSourcedId"), line.cell("contactSourcedId"));
    let key = (values::source_id(pupil, faults), values::source_id(contact, faults));
    let (Some(pupil_id), Some(contact_id)) = key else { return None };
    if export.students.as_ref().is_some_and(|students| !students.contains_key(&pupil_id)) {
        pupil.fault("a student of this school in users.csv and roles.csv", faults);
    }
    if export.contacts.as_ref().is_some_and(|contacts| !contacts.contains_key(&contact_id)) {
        contact.fault("a user with the role parent, guardian or relative", faults);
    }
    Some((pupil_id, contact_id))
}

/// A parent whom users.csv names and contacts.csv forgets would silently never be told.
fn every_agent_has_a_line(export: &Export, named: &BTreeSet<Key>, faults: &mut Faults) {
    let Some(contacts) = &export.contacts else { return };
    for (pupil, line) in export.students.iter().flatten() {
        let forgotten = |agent: &&SourceId| {
            contacts.contains_key(*agent) && !named.contains(&(pupil.clone(), (*agent).clone()))
        };
        if line.agents.iter().any(|agent| forgotten(&agent)) {
            faults.add(
                line.place,
                "agentSourcedIds",
                "a line in contacts.csv for each parent, guardian or relative",
            );
        }
    }
}

fn link(line: Line<'_>, faults: &mut Faults) -> Option<Link> {
    let roles: Vec<(&str, Role)> = Role::ALL.iter().map(|role| (role.word(), *role)).collect();
    let role = values::word(line.cell("role"), &roles, faults);
    let priority = line.cell("priority").read("a whole number from 1 to 99", faults, |text| {
        text.parse().ok().filter(|priority| (1..=99).contains(priority))
    });
    let responsibilities = [
        ("yes", Responsibility::Yes),
        ("no", Responsibility::No),
        ("unknown", Responsibility::Unknown),
        ("", Responsibility::Unknown),
    ];
    let responsibility = values::word(line.cell("parentalResponsibility"), &responsibilities, faults);
    let lives_with = values::truth(line.cell("livesWith"), faults);
    let emergency_only = values::truth(line.cell("emergencyOnly"), faults);
    let restriction = restriction(line, faults);
    Some(Link {
        role: role?,
        priority: priority?,
        responsibility: responsibility?,
        lives_with: lives_with?,
        emergency_only: emergency_only?,
        restriction: restriction?,
    })
}

/// A restriction rests on evidence. Evidence or dates beside a blank are most likely a restriction
/// that was lost on the way, so they are a fault.
fn restriction(line: Line<'_>, faults: &mut Faults) -> Option<RestrictionWord> {
    let words = [
        ("none", Some(None)),
        ("no_child_information", Some(Some(Bar::ChildInformation))),
        ("no_contact", Some(Some(Bar::Contact))),
        ("", None),
    ];
    let cell = line.cell("restriction");
    let evidence_cell = line.cell("restrictionEvidence");
    let word = values::word(cell, &words, faults);
    let evidence = values::text(evidence_cell, Optional, values::LONGEST_REASON, faults)?;
    let (from_cell, until_cell) = (line.cell("restrictionFrom"), line.cell("restrictionUntil"));
    let from = values::optional_date(from_cell, faults);
    let until = values::optional_date(until_cell, faults);
    if from.zip(until).is_some_and(|(from, until)| until < from) {
        until_cell.fault("a date that is not before restrictionFrom", faults);
    }
    let others_are_blank = evidence.is_empty() && from_cell.is_blank() && until_cell.is_blank();
    match word? {
        None if others_are_blank => Some(RestrictionWord::Silent),
        None => {
            cell.fault("a restriction, because evidence or a date is given", faults);
            None
        }
        Some(None) => Some(RestrictionWord::None),
        Some(Some(_)) if evidence.is_empty() => {
            evidence_cell.fault("what the restriction rests on", faults);
            None
        }
        Some(Some(bar)) => Some(RestrictionWord::Stands { bar, evidence, from, until }),
    }
}

fn speech(line: Line<'_>, faults: &mut Faults) -> Option<Speech> {
    let cell = line.cell("language");
    let language = cell.read(&language::Fault.to_string(), faults, |text| language::normalise(text).ok());
    let no_voice = values::truth(line.cell("noVoice"), faults);
    let preferences = Preference::ALL.map(|preference| (preference.word(), preference));
    let prefers = values::word(line.cell("prefers"), &preferences, faults);
    Some((language?, no_voice?, prefers?))
}
