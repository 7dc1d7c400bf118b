//! Fault points: each is listed, come to by the code, and stands with its figures in the README of the faults. The matrix
//! tries whatever is listed.

use crate::tree::{Finding, Source, Tree, assert_none};

/// Where points are declared, and what their list is called.
const LISTS: [(&str, &str); 2] =
    [("services/kit/src/faults.rs", "COMMON"), ("services/dispatcher/src/points.rs", "ALL")];
const README: &str = "tests/faults/README.md";

/// The points that a file declares: their constants and their names.
fn declared(source: &Source) -> impl Iterator<Item = (&str, &str)> {
    source.text.lines().filter_map(|line| {
        let (constant, rest) = line.strip_prefix("pub const ")?.split_once(": Point = Point::named(\"")?;
        Some((constant, rest.split_once('"')?.0))
    })
}

/// What stands in the brackets of a list.
fn listed<'a>(source: &'a Source, list: &str) -> Vec<&'a str> {
    let start = format!("pub const {list}: &[Point] = &[");
    let rest = source.text.split_once(&start).map_or("", |(_, rest)| rest);
    let inside = rest.split_once("];").map_or("", |(inside, _)| inside);
    inside.split(',').map(str::trim).filter(|constant| !constant.is_empty()).collect()
}

fn every_point_is_tried(tree: &Tree) -> Vec<Finding> {
    let readme = tree.get(README).map_or("", |source| source.text.as_str());
    let mut findings = Vec::new();
    for (path, list) in LISTS {
        let Some(source) = tree.get(path) else {
            findings.push(Finding::missing(path, "is missing"));
            continue;
        };
        let all = listed(source, list);
        for (constant, name) in declared(source) {
            let line = source.line_of(&format!("pub const {constant}:"));
            let comes_to = format!("{constant}).await");
            let is_come_to = tree.under("services/", ".rs").any(|other| other.text.contains(&comes_to));
            for (holds, what) in [
                (all.contains(&constant), format!("is not in {list}")),
                (is_come_to, "is never come to".to_owned()),
                (readme.contains(&format!("`{name}`")), format!("does not stand in {README}")),
            ] {
                if !holds {
                    findings.push(source.finding(line, format!("{name} {what}")));
                }
            }
        }
    }
    findings
}

#[test]
fn every_fault_point_is_listed_come_to_and_described() {
    assert_none(&every_point_is_tried(&Tree::real()));
}

#[test]
fn a_point_that_a_list_forgot_is_found() {
    let kit = "pub const KEPT: Point = Point::named(\"kept\");\npub const COMMON: &[Point] = &[KEPT];\n";
    let own = "pub const WORDED: Point = Point::named(\"worded\");\npub const ALL: &[Point] = &[];\n";
    let files = [
        (LISTS[0].0, kit),
        (LISTS[1].0, own),
        ("services/kit/src/bus.rs", "store.faults().at(KEPT).await;"),
        (README, "`kept`"),
    ];
    let found = every_point_is_tried(&Tree::of(&files));
    let expected = ["worded is not in ALL", "worded is never come to", "worded does not stand in"];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for what in expected {
        assert!(found.iter().any(|finding| finding.what.contains(what)), "{what}: {found:?}");
    }
}
