//! The names behind ids, for what names nobody: tasks, notices, cases.

use std::collections::HashMap;

use proto::directory::v1::GetNamesRequest;
use proto::ids::{ContactId, PupilId};

use super::Visitor;
use crate::asking::ask;

/// What ids are called, and where there is a page about them that the visitor may open.
#[derive(Debug, Default)]
pub struct Names {
    known: HashMap<String, String>,
    opens_pupils: bool,
    opens_contacts: bool,
}

/// Somebody or something that is named on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it is called.
    pub name: String,
    /// The page about it, if there is one.
    pub address: Option<String>,
}

impl Names {
    /// What an id is called; none when the directory does not know it, or cannot be asked.
    pub fn of(&self, id: &str) -> Option<&str> {
        self.known.get(id).map(String::as_str)
    }

    /// The known ones among ids, each once.
    pub fn all<'a>(&self, ids: impl IntoIterator<Item = &'a String>) -> Vec<Named> {
        let mut named: Vec<Named> = Vec::new();
        for id in ids {
            if let Some(name) = self.of(id) {
                let one = Named { name: name.to_owned(), address: self.address(id) };
                if !named.contains(&one) {
                    named.push(one);
                }
            }
        }
        named
    }

    fn address(&self, id: &str) -> Option<String> {
        if self.opens_pupils && id.parse::<PupilId>().is_ok() {
            return Some(format!("/console/pupils/{id}"));
        }
        let opens = self.opens_contacts && id.parse::<ContactId>().is_ok();
        opens.then(|| format!("/console/contacts/{id}"))
    }
}

impl Visitor {
    /// Asks for the names of these. A page without names is better than none.
    pub async fn names(&self, mut ids: Vec<String>) -> Names {
        const AT_ONCE: usize = 1_000;
        ids.sort_unstable();
        ids.dedup();
        let mut known = HashMap::new();
        for ids in ids.chunks(AT_ONCE) {
            let asked = ask!(self, directory.get_names(GetNamesRequest { ids: ids.to_vec() })).await;
            let names = asked.map(|answer| answer.names).unwrap_or_default();
            known.extend(names.into_iter().map(|named| (named.id, named.name)));
        }
        Names {
            known,
            opens_pupils: self.may("directory.v1.DirectoryService/GetPupil"),
            opens_contacts: self.may("directory.v1.DirectoryService/GetContact"),
        }
    }
}
