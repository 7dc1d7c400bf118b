//! The arrows between our crates: proto ← kit ← services ← schoolbell ← tests, benches. Never sideways, never back. Beside the
//! services stand those that their tests play: kit ← neighbours ← the tests of services.

use crate::{
    manifests::{self, Section},
    tree::{Finding, Tree, assert_none},
};

/// Where a crate stands in the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Floor {
    Proto,
    Kit,
    /// The outside world on loopback. It stands on none of ours, so that what it witnesses owes nothing to what it watches.
    Simulator,
    Service,
    /// What is played to the tests of services. No product code stands on it.
    Neighbours,
    Schoolbell,
    /// Tests and benches, on which nobody stands.
    Roof,
}

fn floor(folder: &str) -> Option<Floor> {
    match folder.split('/').collect::<Vec<_>>().as_slice() {
        ["proto"] => Some(Floor::Proto),
        ["tests" | "benches"] => Some(Floor::Roof),
        ["tests", "neighbours"] => Some(Floor::Neighbours),
        ["services", "kit"] => Some(Floor::Kit),
        ["services", "simulator"] => Some(Floor::Simulator),
        ["services", "schoolbell"] => Some(Floor::Schoolbell),
        ["services", _] => Some(Floor::Service),
        _ => None,
    }
}

/// Dev-dependencies that cross: the dispatcher's channel contract runs against the simulator's providers, which is the outside
/// world to it. No product code follows this arrow.
const DEV_ONLY: [(&str, &str); 1] = [("dispatcher", "simulator")];

/// What only tests follow.
fn tests_may_stand_on(from: Floor, to: Floor) -> bool {
    from == Floor::Service && to == Floor::Neighbours
}

fn may_stand_on(from: Floor, to: Floor) -> bool {
    match from {
        Floor::Proto | Floor::Simulator => false,
        Floor::Kit => to == Floor::Proto,
        Floor::Service | Floor::Neighbours => matches!(to, Floor::Proto | Floor::Kit),
        Floor::Schoolbell => matches!(to, Floor::Proto | Floor::Kit | Floor::Service | Floor::Simulator),
        Floor::Roof => to != Floor::Roof,
    }
}

fn crates_stand_only_on_what_is_below(tree: &Tree) -> Vec<Finding> {
    let (manifests, mut findings) = manifests::crates(tree);
    let mut house = Vec::new();
    for manifest in &manifests {
        let folder = manifest.source.path.trim_end_matches("/Cargo.toml");
        match floor(folder) {
            Some(floor) => house.push((manifest.name.as_str(), floor)),
            None => findings.push(manifest.source.finding(1, "this folder has no place in the house")),
        }
    }
    let floor_of = |name: &str| house.iter().find(|(other, _)| *other == name).map(|(_, floor)| *floor);
    for manifest in &manifests {
        for (section, dependency, _) in &manifest.dependencies {
            let (Some(from), Some(to)) = (floor_of(&manifest.name), floor_of(dependency)) else { continue };
            let excused = *section == Section::Dev
                && (tests_may_stand_on(from, to) || DEV_ONLY.contains(&(manifest.name.as_str(), dependency)));
            if !excused && !may_stand_on(from, to) {
                let line = manifest.source.line_of(&format!("{dependency}."));
                findings.push(
                    manifest.source.finding(line, format!("{} may not stand on {dependency}", manifest.name)),
                );
            }
        }
    }
    findings
}

#[test]
fn every_crate_stands_only_on_what_is_below_it() {
    assert_none(&crates_stand_only_on_what_is_below(&Tree::real()));
}

#[test]
fn a_sideways_or_backward_arrow_is_found() {
    let manifest = |name: &str, section: &str, on: &str| {
        format!("[package]\nname = \"{name}\"\n[{section}]\n{on}.workspace = true\n")
    };
    let arrow = |folder: &str, section: &str, on: &str| {
        let name = folder.rsplit('/').next().unwrap();
        let files = [
            "proto",
            "services/kit",
            "services/directory",
            "services/dispatcher",
            "services/simulator",
            "tests",
            "tests/neighbours",
        ];
        let texts = files.map(|other| {
            let text = if other == folder {
                manifest(name, section, on)
            } else {
                format!("[package]\nname = \"{}\"\n", other.rsplit('/').next().unwrap())
            };
            (format!("{other}/Cargo.toml"), text)
        });
        let files: Vec<(&str, &str)> =
            texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        crates_stand_only_on_what_is_below(&Tree::of(&files)).len()
    };
    assert_eq!(arrow("services/kit", "dependencies", "proto"), 0);
    assert_eq!(arrow("services/kit", "dependencies", "directory"), 1);
    assert_eq!(arrow("services/kit", "build-dependencies", "simulator"), 1);
    assert_eq!(arrow("proto", "dependencies", "kit"), 1);
    assert_eq!(arrow("services/dispatcher", "dependencies", "directory"), 1);
    assert_eq!(arrow("services/dispatcher", "dev-dependencies", "directory"), 1);
    assert_eq!(arrow("services/dispatcher", "dev-dependencies", "simulator"), 0);
    assert_eq!(arrow("services/dispatcher", "dependencies", "simulator"), 1);
    assert_eq!(arrow("services/simulator", "dev-dependencies", "proto"), 1);
    assert_eq!(arrow("services/directory", "dev-dependencies", "tests"), 1);
    assert_eq!(arrow("tests", "dev-dependencies", "dispatcher"), 0);
    assert_eq!(arrow("services/dispatcher", "dev-dependencies", "neighbours"), 0);
    assert_eq!(arrow("services/dispatcher", "dependencies", "neighbours"), 1);
    assert_eq!(arrow("services/kit", "dev-dependencies", "neighbours"), 1);
    assert_eq!(arrow("tests/neighbours", "dependencies", "kit"), 0);
    assert_eq!(arrow("tests/neighbours", "dependencies", "directory"), 1);
}

#[test]
fn a_crate_in_a_folder_of_its_own_making_is_found() {
    let tree = Tree::of(&[("common/Cargo.toml", "[package]\nname = \"common\"\n")]);
    assert_eq!(crates_stand_only_on_what_is_below(&tree).len(), 1);
}
