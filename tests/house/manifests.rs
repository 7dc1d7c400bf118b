//! Manifests: versions and lints are said once, for the whole workspace, and every crate is a member by name.

use toml::{Table, Value};

use crate::tree::{Finding, Source, Tree, assert_none};

/// Which section of a manifest a dependency stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Normal,
    Build,
    Dev,
}

const SECTIONS: [(&str, Section); 3] = [
    ("dependencies", Section::Normal),
    ("build-dependencies", Section::Build),
    ("dev-dependencies", Section::Dev),
];

/// A crate's manifest, read.
pub struct Manifest<'a> {
    pub source: &'a Source,
    pub name: String,
    pub dependencies: Vec<(Section, String, Value)>,
    inherits_lints: bool,
}

impl<'a> Manifest<'a> {
    pub fn read(source: &'a Source) -> Result<Self, Finding> {
        let table: Table =
            toml::from_str(&source.text).map_err(|error| source.finding(1, error.to_string()))?;
        let name = table.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        let name = name.ok_or_else(|| source.finding(1, "no package.name"))?.to_owned();
        let mut dependencies = Vec::new();
        let targets = table.get("target").and_then(Value::as_table);
        let tables = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        for table in tables.chain([&table]) {
            for (key, section) in SECTIONS {
                let inside = table.get(key).and_then(Value::as_table).into_iter().flatten();
                dependencies.extend(inside.map(|(name, value)| (section, name.clone(), value.clone())));
            }
        }
        let inherits_lints = table.get("lints").is_some_and(says_workspace);
        Ok(Self { source, name, dependencies, inherits_lints })
    }
}

/// The manifests of all crates; the workspace's own, at the root, is none.
pub fn crates(tree: &Tree) -> (Vec<Manifest<'_>>, Vec<Finding>) {
    let (mut manifests, mut findings) = (Vec::new(), Vec::new());
    for source in tree.under("", "/Cargo.toml") {
        match Manifest::read(source) {
            Ok(manifest) => manifests.push(manifest),
            Err(finding) => findings.push(finding),
        }
    }
    (manifests, findings)
}

fn says_workspace(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn versions_and_lints_are_the_workspaces(tree: &Tree) -> Vec<Finding> {
    let (manifests, mut findings) = crates(tree);
    for manifest in &manifests {
        for (_, name, value) in &manifest.dependencies {
            if !says_workspace(value) {
                let line = manifest.source.line_of(&format!("{name} ="));
                findings.push(manifest.source.finding(line, format!("{name} does not say workspace = true")));
            }
        }
        if !manifest.inherits_lints {
            findings.push(manifest.source.finding(1, "no [lints] workspace = true"));
        }
    }
    findings
}

fn every_crate_is_a_member_by_name(tree: &Tree) -> Vec<Finding> {
    let Some(root) = tree.get("Cargo.toml") else {
        return vec![Finding::missing("Cargo.toml", "is missing")];
    };
    let table: Table = match toml::from_str(&root.text) {
        Ok(table) => table,
        Err(error) => return vec![root.finding(1, error.to_string())],
    };
    let members =
        table.get("workspace").and_then(|workspace| workspace.get("members")).and_then(Value::as_array);
    let members: Vec<&str> = members.into_iter().flatten().filter_map(Value::as_str).collect();
    let folders = tree.under("", "/Cargo.toml").filter_map(|source| source.path.strip_suffix("/Cargo.toml"));
    let strangers = folders.filter(|folder| !members.contains(folder));
    strangers.map(|folder| root.finding(root.line_of("members"), format!("{folder} is no member"))).collect()
}

#[test]
fn versions_and_lints_stand_in_the_workspace() {
    assert_none(&versions_and_lints_are_the_workspaces(&Tree::real()));
}

#[test]
fn the_workspace_names_every_crate() {
    assert_none(&every_crate_is_a_member_by_name(&Tree::real()));
}

#[test]
fn a_version_of_its_own_and_missing_lints_are_found() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nc = \"1\"\n[target.'cfg(unix)'.dev-dependencies]\nd = { path = \"d\" }\n";
    let findings = versions_and_lints_are_the_workspaces(&Tree::of(&[("a/Cargo.toml", manifest)]));
    let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [7, 5, 1], "{findings:?}");
}

#[test]
fn a_crate_that_is_no_member_is_found() {
    let tree = Tree::of(&[
        ("Cargo.toml", "[workspace]\nmembers = [\"a\"]\n"),
        ("a/Cargo.toml", ""),
        ("b/Cargo.toml", ""),
    ]);
    let findings = every_crate_is_a_member_by_name(&tree);
    assert_eq!(findings.iter().map(Finding::to_string).collect::<Vec<_>>(), ["Cargo.toml:2: b is no member"]);
}
