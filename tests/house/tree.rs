//! The tree as every rule sees it: paths and texts, from the disk or from a sample.

use std::{fmt, fs, path::Path};

/// A text file, by its path from the root of the repository.
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    /// The path's last part, without its extension.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.split('.').next().unwrap_or_default()
    }

    /// The first line (from 1) that holds `needle`; the first line of all when none does.
    pub fn line_of(&self, needle: &str) -> usize {
        self.text.lines().position(|line| line.contains(needle)).map_or(1, |index| index + 1)
    }

    pub fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, what: what.into() }
    }
}

/// A place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub path: String,
    pub line: usize,
    pub what: String,
}

impl Finding {
    /// For what should be there and is not.
    pub fn missing(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: 1, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Fails with every finding on a line of its own.
#[track_caller]
pub fn assert_none(findings: &[Finding]) {
    let list: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(list.is_empty(), "{} found:\n{}", list.len(), list.join("\n"));
}

/// The repository's text files.
pub struct Tree {
    sources: Vec<Source>,
}

impl Tree {
    /// The working tree that this test was built from.
    pub fn real() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the repository");
        let mut sources = Vec::new();
        collect(root, root, &mut sources);
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        Self { sources }
    }

    /// A sample.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let source =
            |(path, text): &(&str, &str)| Source { path: (*path).to_owned(), text: (*text).to_owned() };
        Self { sources: files.iter().map(source).collect() }
    }

    pub fn get(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    /// Everything below `folder` (which ends in a slash) whose name ends in `ending`.
    pub fn under<'a>(&'a self, folder: &'a str, ending: &'a str) -> impl Iterator<Item = &'a Source> {
        self.sources
            .iter()
            .filter(move |source| source.path.starts_with(folder) && source.path.ends_with(ending))
    }

    /// Every Rust file.
    pub fn rust(&self) -> impl Iterator<Item = &Source> {
        self.under("", ".rs")
    }

    /// The crates below `services/`, by folder name.
    pub fn service_folders(&self) -> Vec<&str> {
        let manifests = self.under("services/", "/Cargo.toml");
        manifests.filter_map(|source| source.path.split('/').nth(1)).collect()
    }
}

const NOT_OURS: [&str; 4] = ["target", ".git", ".tools", "node_modules"];

fn collect(root: &Path, folder: &Path, into: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository can be read").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let kind = entry.file_type().expect("an entry has a kind");
        if kind.is_dir() && !NOT_OURS.iter().any(|other| name == *other) {
            collect(root, &path, into);
        } else if kind.is_file() {
            // What is not text (a picture, say) breaks no rule of ours; it still counts as being there.
            let text = fs::read_to_string(&path).unwrap_or_default();
            let path =
                path.strip_prefix(root).expect("the walk started at the root").to_string_lossy().into_owned();
            into.push(Source { path, text });
        }
    }
}
