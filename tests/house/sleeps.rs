//! No test sleeps: it waits until a condition holds or a deadline passes. A test that sleeps is slow on a good day and fails on a bad.

use std::str::FromStr;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::{
    rust::{self, Anatomy},
    tree::{Finding, Tree, assert_none},
};

fn no_test_sleeps(tree: &Tree) -> Vec<Finding> {
    let test_modules = rust::test_modules(tree);
    let mut findings = Vec::new();
    for source in tree.rust() {
        let file = match rust::parse(source) {
            Ok(file) => file,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        let anatomy = Anatomy::of(&file);
        let wholly = rust::is_wholly_tests(&source.path, &test_modules);
        // Tokens, so that a macro's inside counts and a comment or a string does not.
        let tokens = TokenStream::from_str(&source.text).map(rust::tokens).unwrap_or_default();
        for (name, arguments) in tokens.iter().zip(tokens.iter().skip(1)) {
            let line = name.span().start().line;
            if is_sleep(name, arguments) && (wholly || anatomy.is_test(line)) {
                findings.push(source.finding(line, "a test sleeps: wait until a condition holds"));
            }
        }
    }
    findings
}

fn is_sleep(name: &TokenTree, arguments: &TokenTree) -> bool {
    let called = matches!(arguments, TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis);
    called && matches!(name, TokenTree::Ident(name) if name == "sleep" || name == "sleep_until")
}

#[test]
fn tests_wait_for_conditions() {
    assert_none(&no_test_sleeps(&Tree::real()));
}

#[test]
fn a_sleeping_test_is_found() {
    let count = |path: &str, text: &str| no_test_sleeps(&Tree::of(&[(path, text)])).len();
    let call = "async fn a() { tokio::time::sleep(SECOND).await; }";
    assert_eq!(count("tests/journeys/a.rs", call), 1);
    assert_eq!(
        count("tests/journeys/a.rs", "async fn a() { tokio::select! { _ = sleep_until(x) => {} } }"),
        1
    );
    assert_eq!(count("services/a/src/b.rs", &format!("#[cfg(test)]\nmod tests {{ {call} }}")), 1);
    assert_eq!(count("services/a/src/b.rs", call), 0, "product code may wait");
    assert_eq!(count("tests/journeys/a.rs", "// sleep(1)\nconst A: &str = \"sleep(1)\";"), 0);
}
