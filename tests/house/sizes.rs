//! Sizes: how long a file and how wide a function may be, and what the median file is.

use syn::{
    FnArg, Signature,
    spanned::Spanned,
    visit::{self, Visit},
};

use crate::{
    rust::{self, Anatomy},
    tree::{Finding, Source, Tree, assert_none},
};

/// Lines of a file outside its tests; of a file that is wholly tests, all of them.
const LINES: usize = 400;
/// Arguments of a function beside its receiver.
const ARGUMENTS: usize = 5;

fn length(source: &Source, test_modules: &[String]) -> Result<usize, Finding> {
    let all = source.text.lines().count();
    if rust::is_wholly_tests(&source.path, test_modules) {
        return Ok(all);
    }
    let anatomy = Anatomy::of(&rust::parse(source)?);
    Ok((1..=all).filter(|line| !anatomy.is_test(*line)).count())
}

/// The line and the reason of a waiver of `rule`.
pub fn waivers<'a>(source: &'a Source, rule: &str) -> impl Iterator<Item = (usize, &'a str)> {
    // Written in two parts, so that this line is no waiver itself.
    let mark = format!("// house: {}({rule}):", "waiver");
    let lines = source.text.lines().enumerate();
    lines.filter_map(move |(index, line)| {
        Some((index + 1, line.trim_start().strip_prefix(mark.as_str())?.trim()))
    })
}

fn files_are_short(tree: &Tree) -> Vec<Finding> {
    let test_modules = rust::test_modules(tree);
    let mut findings = Vec::new();
    for source in tree.rust() {
        let lines = match length(source, &test_modules) {
            Ok(lines) => lines,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        match waivers(source, "size").next() {
            None if lines > LINES => {
                findings.push(source.finding(
                    LINES,
                    format!("{lines} lines, {LINES} are allowed: split by what a piece owns"),
                ));
            }
            Some((line, "")) => findings.push(source.finding(line, "a waiver without a reason")),
            Some((line, _)) if lines <= LINES => {
                findings.push(source.finding(line, "a waiver that is not needed any more"));
            }
            _ => {}
        }
    }
    findings
}

struct Wide<'a> {
    source: &'a Source,
    findings: Vec<Finding>,
}

impl<'ast> Visit<'ast> for Wide<'_> {
    fn visit_signature(&mut self, signature: &'ast Signature) {
        let arguments = signature.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_))).count();
        if arguments > ARGUMENTS {
            let what = format!("{} takes {arguments} arguments, {ARGUMENTS} are allowed", signature.ident);
            self.findings.push(self.source.finding(signature.span().start().line, what));
        }
        visit::visit_signature(self, signature);
    }
}

fn functions_are_narrow(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.rust() {
        match rust::parse(source) {
            Ok(file) => {
                let mut wide = Wide { source, findings: Vec::new() };
                wide.visit_file(&file);
                findings.extend(wide.findings);
            }
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

fn median(mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or_default()
}

#[test]
fn no_file_is_longer_than_its_limit() {
    assert_none(&files_are_short(&Tree::real()));
}

#[test]
fn no_function_takes_more_arguments_than_the_limit() {
    assert_none(&functions_are_narrow(&Tree::real()));
}

/// Reports and never fails: `cargo test --package tests --test house median -- --nocapture`.
#[test]
fn the_median_file_is_reported() {
    let tree = Tree::real();
    let test_modules = rust::test_modules(&tree);
    let lengths: Vec<usize> = tree.rust().filter_map(|source| length(source, &test_modules).ok()).collect();
    println!(
        "{} Rust files; the median has {} lines, the longest {}",
        lengths.len(),
        median(lengths.clone()),
        lengths.iter().max().unwrap_or(&0)
    );
}

#[test]
fn a_long_file_is_found_unless_it_says_why() {
    let long = "fn a() {}\n".repeat(401);
    let excused = format!("// house: waiver(size): one table\n{long}");
    let unexplained = format!("// house: waiver(size):\n{long}");
    let tested =
        format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "fn a() {}\n".repeat(400), "fn t() {}\n".repeat(300));
    let early = format!("#[cfg(test)]\nmod contract;\n{}", "fn a() {}\n".repeat(401));
    let cases = [
        (long.as_str(), 1),
        (excused.as_str(), 0),
        (unexplained.as_str(), 1),
        (tested.as_str(), 0),
        (early.as_str(), 1),
    ];
    for (text, expected) in cases {
        assert_eq!(files_are_short(&Tree::of(&[("a/src/lib.rs", text)])).len(), expected);
    }
    assert_eq!(
        files_are_short(&Tree::of(&[("a/src/lib.rs", "// house: waiver(size): once it was long\n")])).len(),
        1
    );
    let tests = format!("#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(files_are_short(&Tree::of(&[("a/src/b/tests.rs", &tests)])).len(), 1);
}

#[test]
fn a_wide_function_is_found_and_its_receiver_is_not_counted() {
    let text = "impl A { fn five(&self, a: u8, b: u8, c: u8, d: u8, e: u8) {} }\nfn six(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8) {}\n";
    let findings = functions_are_narrow(&Tree::of(&[("a/src/lib.rs", text)]));
    assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2]);
}

#[test]
fn the_median_is_the_middle() {
    assert_eq!((median(vec![9, 1, 5]), median(vec![])), (5, 0));
}
