//! The files that OneRoster has no place for: the school's day, who may be told what, and the cast of the demo morning.

use std::error::Error;

use crate::oneroster::{SCHOOL, SCHOOL_NAME, class_id, year_group};
use crate::roster::{CastRow, Link, Pupil, Roster};
use crate::school::{Hearing, Responsibility, Role, Standing};
use crate::table::{Cells, cell, csv_text};

const SCHOOL_HEADER: &str = "orgSourcedId,name,phone,amRegisterOpens,amRegisterCloses,amSessionEnds,\
                             pmRegisterOpens,pmRegisterCloses,pmSessionEnds,dutyNumbers";
const PUPILS: &str = "sourcedId,personOnly,personOnlyReason,yearGroup,class";
const CONTACTS: &str = "pupilSourcedId,contactSourcedId,role,priority,parentalResponsibility,livesWith,\
                        emergencyOnly,restriction,restrictionEvidence,restrictionFrom,restrictionUntil,\
                        language,noVoice";
const CAST: &str = "part,pupilSourcedId,contactSourcedId,address,note";

/// Name and text of every file of ours.
pub fn files(roster: &Roster) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    Ok(vec![
        ("school.csv", csv_text(SCHOOL_HEADER, [school()])?),
        ("pupils.csv", csv_text(PUPILS, roster.pupils.iter().map(pupil))?),
        ("contacts.csv", csv_text(CONTACTS, roster.links.iter().map(link))?),
        ("cast.csv", csv_text(CAST, roster.cast.iter().map(cast))?),
    ])
}

fn school() -> Cells {
    vec![
        cell("orgSourcedId", SCHOOL),
        cell("name", SCHOOL_NAME),
        cell("phone", "01632 960001"),
        cell("amRegisterOpens", "08:50"),
        cell("amRegisterCloses", "09:15"),
        cell("amSessionEnds", "12:00"),
        cell("pmRegisterOpens", "13:00"),
        cell("pmRegisterCloses", "13:20"),
        cell("pmSessionEnds", "15:20"),
        cell("dutyNumbers", "07700 900990;07700 900991"),
    ]
}

fn pupil(Pupil { id, child }: &Pupil) -> Cells {
    vec![
        cell("sourcedId", id),
        cell("personOnly", child.person_only.is_some().to_string()),
        cell("personOnlyReason", child.person_only.unwrap_or_default()),
        cell("yearGroup", year_group(child.class)),
        cell("class", class_id(child.class)),
    ]
}

fn link(link: &Link) -> Cells {
    let bond = &link.bond;
    let mut cells = vec![
        cell("pupilSourcedId", &link.pupil),
        cell("contactSourcedId", &link.contact),
        cell("role", role(bond.role)),
        cell("priority", link.priority.to_string()),
        cell("parentalResponsibility", responsibility(bond.responsibility)),
        cell("livesWith", (bond.standing == Standing::Home).to_string()),
        cell("emergencyOnly", (bond.standing == Standing::EmergencyOnly).to_string()),
        cell("restriction", bond.restriction.map_or("none", |restriction| restriction.kind)),
        cell("language", link.language),
        cell("noVoice", (link.hearing == Hearing::NoVoice).to_string()),
    ];
    if let Some(restriction) = bond.restriction {
        cells.push(cell("restrictionEvidence", restriction.evidence));
        cells.push(cell("restrictionFrom", restriction.from));
        cells.push(cell("restrictionUntil", restriction.until));
    }
    cells
}

fn cast(row: &CastRow) -> Cells {
    vec![
        cell("part", row.part),
        cell("pupilSourcedId", &row.pupil),
        cell("contactSourcedId", &row.contact),
        cell("address", &row.address),
        cell("note", row.note),
    ]
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Mother => "mother",
        Role::Father => "father",
        Role::Parent => "parent",
        Role::StepParent => "step_parent",
        Role::Guardian => "guardian",
        Role::FosterCarer => "foster_carer",
        Role::Grandparent => "grandparent",
        Role::Relative => "relative",
        Role::Childminder => "childminder",
        Role::Friend => "friend",
        Role::Other => "other",
    }
}

fn responsibility(responsibility: Responsibility) -> &'static str {
    match responsibility {
        Responsibility::Yes => "yes",
        Responsibility::No => "no",
        Responsibility::Unknown => "unknown",
    }
}
