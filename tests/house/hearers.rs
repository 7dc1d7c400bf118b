//! Facts: what one service says another hears, and what is heard somebody says. A fact that nobody hears is a message that
//! nobody gets; one that nobody says is a promise that nobody keeps.

use crate::{
    tree::{Finding, Source, Tree, assert_none},
    wire::{Fact, facts},
};

fn names(source: &Source, kind: &str) -> bool {
    source.text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == kind)
}

fn is_a_reaction(source: &Source) -> bool {
    source.path.ends_with("/src/reactions.rs") || source.path.contains("/src/reactions/")
}

fn is_a_test(source: &Source) -> bool {
    source.path.ends_with("/tests.rs") || source.path.contains("/tests/")
}

fn every_fact_is_said_and_heard(tree: &Tree) -> Vec<Finding> {
    let finding =
        |fact: &Fact<'_>, what: &str| fact.source.finding(fact.line, format!("{} {what}", fact.kind));
    let mut findings = Vec::new();
    for fact in &facts(tree).0 {
        let sayer = format!("services/{}/src/", fact.subject.0);
        let elsewhere = |source: &&Source| !source.path.starts_with(&sayer);
        let mut reactions =
            tree.under("services/", ".rs").filter(elsewhere).filter(|source| is_a_reaction(source));
        if !reactions.any(|source| names(source, &fact.kind)) {
            findings.push(finding(fact, "is heard by nobody: no other service names it in its reactions"));
        }
        let mut own = tree.under(&sayer, ".rs").filter(|source| !is_a_test(source));
        if !own.any(|source| names(source, &fact.kind)) {
            findings.push(finding(fact, "is said by nobody: its own service does not name it"));
        }
    }
    findings
}

#[test]
fn every_fact_has_a_sayer_and_a_hearer() {
    assert_none(&every_fact_is_said_and_heard(&Tree::real()));
}

#[test]
fn a_fact_without_sayer_or_hearer_is_found() {
    let fact =
        "impl Fact for Rang { const SERVICE: &'static str = \"bell\"; const NAME: &'static str = \"rang\"; }";
    let declared = ("proto/src/events/bell.rs", fact);
    let (said, heard) =
        (("services/bell/src/api.rs", "Rang {}"), ("services/ear/src/reactions.rs", "to::<Rang>()"));
    let count = |files: &[(&str, &str)]| {
        every_fact_is_said_and_heard(&Tree::of(&[&[declared], files].concat())).len()
    };
    assert_eq!(count(&[said, heard]), 0);
    assert_eq!(count(&[said]), 1, "nobody hears it");
    assert_eq!(count(&[heard]), 1, "nobody says it");
    assert_eq!(
        count(&[said, ("services/bell/src/reactions.rs", "to::<Rang>()")]),
        1,
        "only its sayer hears it"
    );
    assert_eq!(count(&[("services/bell/src/api/tests.rs", "Rang {}"), heard]), 1, "only its tests say it");
    assert_eq!(count(&[said, ("services/ear/src/reactions.rs", "to::<RangTwice>()")]), 1, "another's name");
}
