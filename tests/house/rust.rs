//! A Rust file as the rules need it: which lines are tests, which paths and tokens the rest uses.

use std::ops::RangeInclusive;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Item, ItemUse, Meta, UseTree,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::tree::{Finding, Source, Tree};

/// Parses, or says where it cannot.
pub fn parse(source: &Source) -> Result<syn::File, Finding> {
    syn::parse_file(&source.text)
        .map_err(|error| source.finding(error.span().start().line, format!("cannot be parsed: {error}")))
}

/// A path that code uses, with its line (from 1).
pub struct Used {
    pub line: usize,
    pub segments: Vec<String>,
}

impl Used {
    pub fn text(&self) -> String {
        self.segments.join("::")
    }

    /// The path without the `crate`, `self` and `super` that it starts with.
    pub fn beyond_steps(&self) -> &[String] {
        let steps =
            self.segments.iter().take_while(|segment| matches!(segment.as_str(), "crate" | "self" | "super"));
        self.segments.get(steps.count()..).unwrap_or_default()
    }

    /// Whether it starts inside our own crate.
    pub fn is_local(&self) -> bool {
        self.beyond_steps().len() < self.segments.len()
    }
}

/// What a file holds outside its tests, and where its tests stand.
#[derive(Default)]
pub struct Anatomy {
    pub used: Vec<Used>,
    pub tests: Vec<RangeInclusive<usize>>,
    /// Modules declared here that exist for tests only (`#[cfg(test)] mod contract;`).
    pub test_modules: Vec<String>,
}

impl Anatomy {
    pub fn of(file: &syn::File) -> Self {
        let mut anatomy = Self::default();
        anatomy.visit_file(file);
        anatomy
    }

    pub fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&line))
    }
}

impl<'ast> Visit<'ast> for Anatomy {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = attributes(item);
        if !attributes.iter().any(is_for_tests) {
            visit::visit_item(self, item);
            return;
        }
        if let Item::Mod(module) = item
            && module.content.is_none()
        {
            self.test_modules.push(module.ident.to_string());
        }
        let first = attributes.iter().map(|attribute| attribute.span().start().line).min();
        let span = item.span();
        self.tests.push(first.unwrap_or(span.start().line)..=span.end().line);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        flatten(&item.tree, &mut Vec::new(), &mut self.used);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.used.push(Used { line: path.span().start().line, segments });
        visit::visit_path(self, path);
    }
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, into: &mut Vec<Used>) {
    let leaf = |line, name: String, into: &mut Vec<Used>| {
        let segments = before.iter().cloned().chain([name]).collect();
        into.push(Used { line, segments });
    };
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, into);
            before.pop();
        }
        UseTree::Name(name) => leaf(name.span().start().line, name.ident.to_string(), into),
        UseTree::Rename(rename) => leaf(rename.span().start().line, rename.ident.to_string(), into),
        UseTree::Glob(glob) => leaf(glob.span().start().line, "*".to_owned(), into),
        UseTree::Group(group) => group.items.iter().for_each(|item| flatten(item, before, into)),
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// `#[cfg(test)]`, `#[cfg(all(test, …))]`, what kit offers to the tests of others (feature `testing`), and every `#[test]`, that of a runtime included.
fn is_for_tests(attribute: &Attribute) -> bool {
    if attribute.path().segments.last().is_some_and(|segment| segment.ident == "test") {
        return true;
    }
    let Meta::List(list) = &attribute.meta else { return false };
    let condition = list.tokens.to_string().replace(' ', "");
    attribute.path().is_ident("cfg")
        && (matches!(condition.as_str(), "test" | "feature=\"testing\"")
            || condition.starts_with("all(test,"))
}

/// Whether a file holds nothing but tests: by its folder, by its name, or because its parent declares it under `#[cfg(test)]`.
pub fn is_wholly_tests(path: &str, test_modules: &[String]) -> bool {
    path.starts_with("tests/")
        || path.contains("/tests/")
        || path.ends_with("/tests.rs")
        || test_modules
            .iter()
            .any(|module| path == format!("{module}.rs") || path.starts_with(&format!("{module}/")))
}

/// The modules of the tree that exist for tests only, as paths without extension (`services/x/src/channels/contract`).
pub fn test_modules(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in tree.rust() {
        let Ok(file) = parse(source) else { continue };
        let folder = match source.path.rsplit_once('/') {
            Some((folder, "lib.rs" | "main.rs" | "mod.rs")) => folder.to_owned(),
            _ => source.path.trim_end_matches(".rs").to_owned(),
        };
        found.extend(Anatomy::of(&file).test_modules.iter().map(|module| format!("{folder}/{module}")));
    }
    found
}

/// Every token in order, those inside groups and macros included; a group is followed by what it holds.
pub fn tokens(stream: TokenStream) -> Vec<TokenTree> {
    let mut all = Vec::new();
    for token in stream {
        let inside = if let TokenTree::Group(group) = &token { Some(group.stream()) } else { None };
        all.push(token);
        all.extend(inside.into_iter().flat_map(tokens));
    }
    all
}

#[test]
fn tests_are_told_from_the_rest_of_a_file() {
    let sample = Tree::of(&[(
        "kit/src/lib.rs",
        "use std::{fs, net::IpAddr as Ip};\n#[cfg(test)]\nmod contract;\nfn a() { b::c(); }\n#[cfg(test)]\nmod tests {\n use d::e;\n}\n#[cfg(not(test))]\nmod f {}\n#[cfg(feature = \"testing\")]\nmod testing;\n",
    )]);
    let file = parse(sample.get("kit/src/lib.rs").unwrap()).map_err(|finding| finding.to_string()).unwrap();
    let anatomy = Anatomy::of(&file);
    assert_eq!(anatomy.tests, [2..=3, 5..=8, 11..=12]);
    let used: Vec<String> = anatomy.used.iter().map(Used::text).collect();
    assert!(used.contains(&"std::net::IpAddr".to_owned()), "{used:?}");
    assert!(used.contains(&"b::c".to_owned()) && !used.contains(&"d::e".to_owned()), "{used:?}");
    let modules = test_modules(&sample);
    assert_eq!(modules, ["kit/src/contract", "kit/src/testing"]);
    assert!(is_wholly_tests("kit/src/contract.rs", &modules));
    assert!(!is_wholly_tests("kit/src/contracts.rs", &modules));
}
