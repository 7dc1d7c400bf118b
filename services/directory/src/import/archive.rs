//! The zip as it came: which files it holds, and never more of it than a roster can be.
//!
//! Files lie at the top or together in one folder. Files that no roster needs are left unread.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use super::fault::Faults;

/// The files that are read.
pub const KNOWN: [&str; 10] = [
    "manifest.csv",
    "orgs.csv",
    "academicSessions.csv",
    "users.csv",
    "roles.csv",
    "classes.csv",
    "enrollments.csv",
    "school.csv",
    "pupils.csv",
    "contacts.csv",
];

/// What files may unpack to, in bytes.
#[derive(Debug, Clone, Copy)]
struct Limits {
    file: u64,
    roster: u64,
}

/// A hundred thousand users are about 20 MiB.
const LIMITS: Limits = Limits { file: 128 << 20, roster: 384 << 20 };
const MOST_ENTRIES: usize = 200;

/// The bytes of each known file.
pub type Files = HashMap<&'static str, Vec<u8>>;

const PLACE: (&str, u64) = ("archive", 0);

/// Unpacks the known files.
pub fn open(archive: &[u8], faults: &mut Faults) -> Files {
    open_within(LIMITS, archive, faults)
}

fn open_within(limits: Limits, archive: &[u8], faults: &mut Faults) -> Files {
    let mut files = Files::new();
    let Ok(mut zip) = zip::ZipArchive::new(Cursor::new(archive)) else {
        faults.add(PLACE, "", "a zip of CSV files");
        return files;
    };
    if zip.len() > MOST_ENTRIES {
        faults.add(PLACE, "", format!("at most {MOST_ENTRIES} files"));
        return files;
    }
    let mut folders = Vec::new();
    let mut left = limits.roster;
    for index in 0..zip.len() {
        let Ok(entry) = zip.by_index(index) else {
            faults.add(PLACE, "", "files that are neither encrypted nor damaged");
            continue;
        };
        let Some((folder, name)) = entry.name().ok().and_then(|path| place_of(&path)) else {
            faults.add(PLACE, "", "files at the top of the zip, or all in one folder");
            continue;
        };
        if entry.is_dir() {
            continue;
        }
        let Some(known) = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(&name)) else { continue };
        folders.push(folder);
        let limit = left.min(limits.file);
        let mut bytes = Vec::new();
        // The size that the entry claims is not believed: reading stops one byte behind the limit.
        match entry.take(limit + 1).read_to_end(&mut bytes) {
            Ok(read) if read as u64 > limit => {
                faults.add((known, 0), "", "a smaller file: it unpacks to more than a roster can be");
                return files;
            }
            Ok(read) => left -= read as u64,
            Err(_) => {
                faults.add((known, 0), "", "a file that can be unpacked");
                continue;
            }
        }
        if files.insert(known, bytes).is_some() {
            faults.add((known, 0), "", "one file of this name");
        }
    }
    folders.dedup();
    if folders.len() > 1 {
        faults.add(PLACE, "", "files at the top of the zip, or all in one folder");
    }
    files
}

/// The folder (empty at the top) and the name; none for a path that no packer of a roster writes.
fn place_of(path: &str) -> Option<(String, String)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let sane = |part: &str| !part.contains(['/', '\\', '\0']) && part != ".." && part != ".";
    (sane(folder) && sane(name) && !name.is_empty()).then(|| (folder.to_owned(), name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::sample::zip_of;

    fn opened(entries: &[(&str, &str)]) -> (Files, Vec<String>) {
        let mut faults = Faults::default();
        let files = open(&zip_of(entries), &mut faults);
        (files, faults.into_sorted().into_iter().map(|fault| fault.expected).collect())
    }

    #[test]
    fn files_lie_at_the_top_or_in_one_folder_and_others_are_left_unread() {
        for path in ["users.csv", "export/users.csv", "export/Users.CSV"] {
            let (files, faults) = opened(&[(path, "a"), ("courses.csv", "b")]);
            assert_eq!((files.len(), faults.len()), (1, 0), "{path}");
        }
    }

    #[test]
    fn odd_paths_and_two_of_one_kind_are_refused() {
        for entries in [
            [("a/b/users.csv", "a"), ("courses.csv", "b")],
            [("../users.csv", "a"), ("courses.csv", "b")],
            [("one/users.csv", "a"), ("two/roles.csv", "b")],
            [("users.csv", "a"), ("Users.csv", "b")],
        ] {
            assert_eq!(opened(&entries).1.len(), 1, "{entries:?}");
        }
    }

    #[test]
    fn a_zip_bomb_is_not_unpacked() {
        let zip = zip_of(&[("users.csv", &"0".repeat(1 << 20)), ("roles.csv", &"0".repeat(1 << 20))]);
        for limits in [Limits { file: 1 << 19, roster: 4 << 20 }, Limits { file: 4 << 20, roster: 3 << 19 }] {
            let mut faults = Faults::default();
            let files = open_within(limits, &zip, &mut faults);
            assert!(files.len() < 2);
            let faults = faults.into_sorted();
            assert_eq!(faults[0].expected, "a smaller file: it unpacks to more than a roster can be");
        }
    }

    #[test]
    fn rubbish_is_not_a_zip() {
        let mut faults = Faults::default();
        open(b"sourcedId,status", &mut faults);
        assert_eq!(faults.into_sorted()[0].expected, "a zip of CSV files");
    }
}
