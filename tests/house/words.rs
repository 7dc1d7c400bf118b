//! Words: kit is machinery and knows no school.

use crate::{
    rust::{self, Anatomy},
    sizes::waivers,
    tree::{Finding, Source, Tree, assert_none},
};

/// Words of the school's own, in the singular. Left out are those that Rust and our machinery use in a sense of their own: register,
/// closure, class, parent, audience, contact, case, notice, link, and school itself, which stands in our name.
const SCHOOL: [&str; 19] = [
    "absence",
    "accident",
    "attendance",
    "bereavement",
    "classroom",
    "classmate",
    "detention",
    "guardian",
    "headteacher",
    "homework",
    "illness",
    "playground",
    "pupil",
    "restraint",
    "roster",
    "sibling",
    "teacher",
    "timetable",
    "tutor",
];

fn kit_knows_no_school_word(tree: &Tree) -> Vec<Finding> {
    let test_modules = rust::test_modules(tree);
    let mut findings = Vec::new();
    for source in tree.under("services/kit/src/", ".rs") {
        if rust::is_wholly_tests(&source.path, &test_modules) {
            continue;
        }
        match rust::parse(source) {
            Ok(file) => findings.extend(school_words(source, &Anatomy::of(&file))),
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

fn school_words(source: &Source, anatomy: &Anatomy) -> Vec<Finding> {
    let excused: Vec<usize> =
        waivers(source, "word").filter(|(_, reason)| !reason.is_empty()).map(|(line, _)| line + 1).collect();
    let lines = source.text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let lines = lines.filter(|(number, _)| !anatomy.is_test(*number) && !excused.contains(number));
    lines
        .flat_map(|(number, line)| {
            let found = words(line).into_iter().filter(|word| is_school(word));
            found.map(move |word| source.finding(number, format!("kit says '{word}'")))
        })
        .collect()
}

fn is_school(word: &str) -> bool {
    let singular = word.strip_suffix('s').unwrap_or(word);
    SCHOOL.contains(&word) || SCHOOL.contains(&singular)
}

/// The words of a line in lower case; `pupil_id` and `PupilId` are two words each.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in line.chars() {
        if !letter.is_alphabetic() || (letter.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if letter.is_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words
}

#[test]
fn kit_says_no_word_of_the_school() {
    assert_none(&kit_knows_no_school_word(&Tree::real()));
}

#[test]
fn a_school_word_in_kit_is_found() {
    let count = |text: &str| kit_knows_no_school_word(&Tree::of(&[("services/kit/src/a.rs", text)])).len();
    for text in
        ["fn a(pupil_id: u8) {}", "struct PupilId;", "// for all pupils", "const A: &str = \"ABSENCES\";"]
    {
        assert_eq!(count(text), 1, "{text}");
    }
    assert_eq!(count("// house: waiver(word): the role's name on the wire\nfn teacher() {}"), 0);
    assert_eq!(count("// house: waiver(word):\nfn teacher() {}"), 1);
    for text in
        ["fn schoolbell(tenant: u8) {}", "#[cfg(test)]\nmod tests { fn pupil() {} }", "fn pupilage() {}"]
    {
        assert_eq!(count(text), 0, "{text}");
    }
}
