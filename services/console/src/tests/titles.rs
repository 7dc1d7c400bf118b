//! What a person must do has a title of its own on the home page, whichever service asks for it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::http::title;

/// Words in the same files that are no kinds of tasks: columns, states, parts of keys.
const NO_KINDS: [&str; 19] = [
    "address",
    "batch",
    "consumer",
    "contact",
    "contact_id",
    "delivery_id",
    "gathering",
    "gathering_id",
    "id",
    "left",
    "no_class",
    "notice_id",
    "number",
    "pupil",
    "pupil_id",
    "school",
    "subject",
    "what",
    "why",
];

/// Every word in lower snake case that stands between quotation marks where a service opens tasks.
fn words_beside_tasks() -> BTreeSet<String> {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![services];
    let mut words = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !["tests", "console", "target"].contains(&name) {
                    folders.push(path);
                }
                continue;
            }
            let is_of_tests = ["tests.rs", "fixtures.rs", "fixture.rs"].contains(&name);
            let is_the_store = path.ends_with("kit/src/store/common.rs");
            if path.extension().is_none_or(|kind| kind != "rs") || is_of_tests || is_the_store {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            if text.contains("NewTask") {
                words.extend(
                    text.split('"').skip(1).step_by(2).filter(|word| is_a_name(word)).map(str::to_owned),
                );
            }
        }
    }
    words
}

fn is_a_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

#[test]
fn every_kind_of_task_that_a_service_opens_has_a_title() {
    let words = words_beside_tasks();
    assert!(
        words.contains("dead_letter") && words.contains("nobody_to_tell") && words.len() > 30,
        "{words:?}"
    );
    let untitled: Vec<&String> =
        words.iter().filter(|word| !NO_KINDS.contains(&word.as_str()) && title(word).is_none()).collect();
    assert!(
        untitled.is_empty(),
        "give these a title in http/home.rs, or say in NO_KINDS that they are none: {untitled:?}"
    );
}
