//! The names behind ids, for what names nobody: tasks, notices, cases.

use std::collections::HashMap;

use proto::directory::v1::GetNamesRequest;
use proto::ids::{ContactId, PupilId};

use super::Visitor;
use crate::asking::ask;

/// What ids are called, and where there is a page about them.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, String>);

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
        self.0.get(id).map(String::as_str)
    }

    /// The known ones among ids, each once.
    pub fn all<'a>(&self, ids: impl IntoIterator<Item = &'a String>) -> Vec<Named> {
        let mut named: Vec<Named> = Vec::new();
        for id in ids {
            if let Some(name) = self.of(id) {
                let one = Named { name: name.to_owned(), address: address(id) };
                if !named.contains(&one) {
                    named.push(one);
                }
            }
        }
        named
    }
}

/// Where there is a page about somebody.
pub fn address(id: &str) -> Option<String> {
    if id.parse::<PupilId>().is_ok() {
        return Some(format!("/console/pupils/{id}"));
    }
    id.parse::<ContactId>().is_ok().then(|| format!("/console/contacts/{id}"))
}

impl Visitor {
    /// Asks for the names of these. A page without names is better than none.
    pub async fn names(&self, mut ids: Vec<String>) -> Names {
        const AT_ONCE: usize = 1_000;
        ids.sort_unstable();
        ids.dedup();
        let mut names = HashMap::new();
        for ids in ids.chunks(AT_ONCE) {
            let asked = ask!(self, directory.get_names(GetNamesRequest { ids: ids.to_vec() })).await;
            let known = asked.map(|answer| answer.names).unwrap_or_default();
            names.extend(known.into_iter().map(|named| (named.id, named.name)));
        }
        Names(names)
    }
}
