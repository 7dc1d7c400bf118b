//! The README's way through the code: every file and function that it names is there.

use crate::tree::{Finding, Tree, assert_none};

const ENDINGS: [&str; 7] = [".rs", ".proto", ".toml", ".md", ".json", ".csv", ".yml"];

fn what_it_names_exists(tree: &Tree) -> Vec<Finding> {
    let Some(readme) = tree.get("README.md") else {
        return vec![Finding::missing("README.md", "is missing")];
    };
    let mut findings = Vec::new();
    for (index, line) in readme.text.lines().enumerate() {
        // Every second piece between backticks is code.
        for code in line.split('`').skip(1).step_by(2) {
            let (path, function) =
                code.split_once("::").map_or((code, None), |(path, function)| (path, Some(function)));
            let is_path = path.contains('/')
                && !path.contains([' ', '*', '<'])
                && ENDINGS.iter().any(|ending| path.ends_with(ending));
            if !is_path {
                continue;
            }
            match (tree.get(path), function) {
                (None, _) => findings.push(readme.finding(index + 1, format!("{path} does not exist"))),
                (Some(source), Some(function)) => {
                    let name = function.rsplit("::").next().unwrap_or(function).trim_end_matches("()");
                    let declared = ["fn ", "struct ", "enum ", "trait "]
                        .iter()
                        .any(|word| source.text.contains(&format!("{word}{name}")));
                    if !declared {
                        findings.push(readme.finding(index + 1, format!("{path} has no {name}")));
                    }
                }
                _ => {}
            }
        }
    }
    findings
}

fn it_leads_through_the_code(tree: &Tree) -> bool {
    tree.get("README.md")
        .is_some_and(|readme| readme.text.contains("Follow one absence") && readme.text.contains(".rs`"))
}

#[test]
fn every_stop_of_the_walkthrough_exists() {
    let tree = Tree::real();
    assert_none(&what_it_names_exists(&tree));
    assert!(it_leads_through_the_code(&tree), "README.md has no 'Follow one absence' that names files");
}

#[test]
fn a_stop_that_does_not_exist_is_found() {
    let check = |text: &str| {
        what_it_names_exists(&Tree::of(&[("README.md", text), ("a/src/b.rs", "pub fn post() {}")])).len()
    };
    assert_eq!(check("See `a/src/b.rs` and `a/src/b.rs::post`, then `cargo run`."), 0);
    assert_eq!(check("See `a/src/c.rs`."), 1);
    assert_eq!(check("See `a/src/b.rs::get`."), 1);
    assert_eq!(what_it_names_exists(&Tree::of(&[])).len(), 1);
    assert!(!it_leads_through_the_code(&Tree::of(&[("README.md", "Follow one absence")])));
}
