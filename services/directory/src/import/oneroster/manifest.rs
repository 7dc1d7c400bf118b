//! manifest.csv: which version it is, and what is in the export.

use std::collections::HashMap;

use crate::import::archive::Files;
use crate::import::csv_file::{CsvFile, Need};
use crate::import::fault::Faults;

const NAME: &str = "manifest.csv";
/// Files that must be in every export; ours do not stand in the manifest.
const NEEDED: [&str; 6] = ["orgs", "academicSessions", "users", "roles", "classes", "enrollments"];

/// Checks version and modes. A delta would need a history that two systems agree on; it is refused.
pub fn check(files: &Files, faults: &mut Faults) {
    let columns = [("propertyName", Need::Required), ("value", Need::Required)];
    let Some(file) = CsvFile::read(files, NAME, &columns, faults) else { return };
    let mut properties = HashMap::new();
    for line in file.lines() {
        let property = line.cell("propertyName");
        if properties.insert(property.text, line.cell("value")).is_some() {
            property.fault("a property that stands once", faults);
        }
    }
    for (property, version) in [("manifest.version", "1.0"), ("oneroster.version", "1.2")] {
        match properties.get(property) {
            Some(value) if value.text == version => {}
            Some(value) => value.fault(format!("{version} for {property}"), faults),
            None => faults.add(file.place(), "propertyName", format!("{property} with {version}")),
        }
    }
    for needed in NEEDED {
        if !properties.contains_key(format!("file.{needed}").as_str()) {
            faults.add(file.place(), "propertyName", format!("file.{needed} with bulk"));
        }
    }
    for (property, value) in &properties {
        let Some(name) = property.strip_prefix("file.") else { continue };
        let needed = NEEDED.contains(&name);
        match value.text {
            "bulk" => {}
            "absent" if !needed => {}
            "delta" => value.fault("bulk: a delta cannot be imported", faults),
            _ => value.fault(if needed { "bulk" } else { "bulk or absent" }, faults),
        }
    }
}
