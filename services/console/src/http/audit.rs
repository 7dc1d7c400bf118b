//! Who looked at or changed which person's data, in every service and here: to look through, and to take
//! away. Taking it away is written down too.

use std::collections::HashMap;

use askama::Template;
use axum::extract::Query;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kit::clock::to_proto;
use kit::identity::role_of;
use kit::store::Commit;
use proto::operations::v1::{AuditEntry, ListAuditEntriesRequest};
use serde::Deserialize;

use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::names::{Named, Names};
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{NAMES, Refusal, Trouble};
use crate::domain::roles;
use crate::store::people;

const SHOWN: usize = 100;
/// Of one service in one answer, and altogether.
const PAGE: i32 = 500;
const MOST_TAKEN: usize = 50_000;

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    /// An id that it was about.
    #[serde(default)]
    about: String,
    /// Nothing later than this, as an instant.
    #[serde(default)]
    until: String,
    /// Nothing earlier.
    #[serde(skip)]
    since: Option<Timestamp>,
}

impl Wanted {
    /// What is looked for is written down too, and is no place for words.
    fn checked(self) -> Result<Self, Trouble> {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
        if self.about.chars().all(plain) { Ok(self) } else { Err(Trouble::Unknown) }
    }

    fn request(&self, service: &str, page_token: String) -> ListAuditEntriesRequest {
        ListAuditEntriesRequest {
            service: service.to_owned(),
            subject: self.about.trim().to_owned(),
            since: self.since.map(to_proto),
            until: self.until.parse().ok().map(to_proto),
            page_size: PAGE,
            page_token,
            ..ListAuditEntriesRequest::default()
        }
    }
}

struct Shown {
    at: String,
    who: String,
    what: String,
    service: &'static str,
    about: Vec<Named>,
    /// Ids that have no name.
    more: usize,
    why: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Page {
    frame: Frame,
    form: Form,
    about: String,
    about_name: Option<String>,
    entries: Vec<Shown>,
    away: Vec<&'static str>,
    /// From when on older ones are shown.
    older: Option<String>,
}

/// `GET /console/audit`
pub async fn page(visitor: Visitor, Query(wanted): Query<Wanted>) -> Result<Response, Stopped> {
    let wanted = wanted.checked()?;
    let frame = visitor.frame(Place::Audit).await;
    let asked = join_all(NAMES.map(|name| one_page(&visitor, name, &wanted, String::new()))).await;
    let (mut found, mut away) = (Vec::new(), Vec::new());
    for (name, answer) in NAMES.into_iter().zip(asked) {
        match answer {
            Ok((entries, _)) => found.extend(entries.into_iter().map(|entry| (name, entry))),
            Err(Trouble::Away(_)) => away.push(name),
            Err(trouble) => return Err(trouble.into()),
        }
    }
    found.sort_by_key(|(_, entry)| std::cmp::Reverse(when::of(entry.at.as_ref())));
    let more = found.len() > SHOWN;
    found.truncate(SHOWN);
    let older = found.last().filter(|_| more).map(|(_, entry)| when::of(entry.at.as_ref()).to_string());
    let ids = found.iter().flat_map(|(_, entry)| entry.subjects.clone());
    let names = visitor.names(ids.chain([wanted.about.clone()]).collect()).await;
    let staff = staff(&visitor).await?;
    let entries = found.iter().map(|(service, entry)| shown(service, entry, (&frame, &names, &staff)));
    let page = Page {
        form: Form::new(),
        about_name: names.of(&wanted.about).map(str::to_owned),
        entries: entries.collect(),
        away,
        older,
        about: wanted.about,
        frame,
    };
    Ok(rendered(&page))
}

async fn one_page(
    visitor: &Visitor,
    name: &'static str,
    wanted: &Wanted,
    page_token: String,
) -> Result<(Vec<AuditEntry>, String), Trouble> {
    let request = wanted.request(name, page_token);
    let asked = visitor.ask().operations(name, request, |mut client, request| async move {
        client.list_audit_entries(request).await
    });
    asked.await.map(|answer| (answer.entries, answer.next_page_token))
}

/// What people with an account here are called, by their ids.
async fn staff(visitor: &Visitor) -> Result<HashMap<String, String>, Stopped> {
    let staff = people::staff(&visitor.site.store, visitor.session.caller.tenant).await?;
    Ok(staff.into_iter().map(|grant| (grant.person_id, grant.name)).collect())
}

fn shown(
    service: &'static str,
    entry: &AuditEntry,
    (frame, names, staff): (&Frame, &Names, &HashMap<String, String>),
) -> Shown {
    const MOST: usize = 8;
    let mut about = names.all(&entry.subjects);
    // What people with an account here did with each other: whom, and as what.
    about.extend(entry.subjects.iter().filter_map(|subject| {
        let role = || role_of(subject).map(|role| roles::label(role).to_owned());
        Some(Named { name: staff.get(subject).cloned().or_else(role)?, address: None })
    }));
    about.truncate(MOST);
    Shown {
        at: frame.when(when::of(entry.at.as_ref())),
        who: staff.get(&entry.who).unwrap_or(&entry.who).clone(),
        what: words(&entry.rpc),
        service,
        why: entry.why.clone(),
        more: entry.subjects.len() - about.len(),
        about,
    }
}

/// `GetPupil` as `get pupil`.
fn words(rpc: &str) -> String {
    let mut words = String::new();
    for letter in rpc.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

/// What is to be taken away: about whom, and of which days by the school's clocks.
fn to_take(typed: &Typed, frame: &Frame) -> Result<Wanted, Trouble> {
    let zone = frame.zone().cloned().unwrap_or(TimeZone::UTC);
    let day = |name: &str| match typed.get(name) {
        "" => Ok(None),
        day => day.parse::<Date>().map(Some).map_err(|_| refused("choose a day as 2026-11-24")),
    };
    let begin =
        |day: Option<Date>| day.and_then(|day| day.to_zoned(zone.clone()).ok()).map(|at| at.timestamp());
    let after = day("last_day")?.and_then(|day| day.tomorrow().ok());
    let until = begin(after).map(|at| at.to_string()).unwrap_or_default();
    Wanted { about: typed.get("about").to_owned(), until, since: begin(day("first_day")?) }.checked()
}

fn refused(message: impl Into<String>) -> Trouble {
    Trouble::Refused(Refusal { reason: String::new(), message: message.into(), fields: Vec::new() })
}

/// `POST /console/audit.csv`: everything that is looked for, as a file.
pub async fn export(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let wanted = to_take(&typed, &visitor.frame(Place::Audit).await)?;
    let caller = &visitor.session.caller;
    let about: Vec<String> = std::iter::once(wanted.about.clone()).filter(|id| !id.is_empty()).collect();
    visitor.must("operations.v1.OperationsService/ListAuditEntries")?;
    let commit = Commit::new().audit(caller, "ExportAudit", &about, visitor.site.store.clock().now());
    visitor.site.store.commit(commit).await?;
    let mut lines = Vec::new();
    for name in NAMES {
        let mut token = String::new();
        loop {
            // Half of a trail would be taken for the whole: whoever is away stops it.
            let (entries, next) = one_page(&visitor, name, &wanted, token).await?;
            lines.extend(entries.into_iter().map(|entry| (name, entry)));
            if lines.len() > MOST_TAKEN {
                let words = format!("there are more than {MOST_TAKEN} entries: take those of fewer days");
                return Err(refused(words).into());
            }
            if next.is_empty() {
                break;
            }
            token = next;
        }
    }
    lines.sort_by_key(|(_, entry)| std::cmp::Reverse(when::of(entry.at.as_ref())));
    let staff = staff(&visitor).await?;
    let file = written(&lines, &staff).map_err(|_| Stopped::Store)?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\""),
    ];
    Ok((headers, file).into_response())
}

fn written(
    lines: &[(&'static str, AuditEntry)],
    staff: &HashMap<String, String>,
) -> Result<Vec<u8>, csv::Error> {
    let mut file = csv::Writer::from_writer(Vec::new());
    file.write_record(["at", "who", "name", "service", "what", "about", "why"])?;
    for (service, entry) in lines {
        let at = when::of(entry.at.as_ref()).to_string();
        let name = staff.get(&entry.who).map_or("", String::as_str);
        file.write_record([
            at.as_str(),
            &plain(&entry.who),
            &plain(name),
            service,
            &entry.rpc,
            &plain(&entry.subjects.join(" ")),
            &plain(&entry.why),
        ])?;
    }
    Ok(file.into_inner().unwrap_or_default())
}

/// A text that a spreadsheet takes for words and not for a formula.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_said_in_words() {
        assert_eq!(words("GetPupil"), "get pupil");
        assert_eq!(words("SetPersonOnly"), "set person only");
    }

    #[test]
    fn a_file_holds_every_entry_and_nothing_that_a_spreadsheet_would_run() {
        let entry = AuditEntry {
            who: "=1+1".to_owned(),
            rpc: "GetPupil".to_owned(),
            subjects: vec!["=pup_1".to_owned(), "con_1".to_owned()],
            why: "+44 rings".to_owned(),
            ..AuditEntry::default()
        };
        let file = String::from_utf8(written(&[("directory", entry)], &HashMap::new()).unwrap()).unwrap();
        assert_eq!(
            file,
            "at,who,name,service,what,about,why\n\
             1970-01-01T00:00:00Z,'=1+1,,directory,GetPupil,'=pup_1 con_1,'+44 rings\n"
        );
    }
}
