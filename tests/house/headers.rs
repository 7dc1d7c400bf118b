//! Headers: a module says what it owns, who calls it and what it never does before it says anything else. A `tests.rs` below a
//! module stands under that module's header.

use crate::tree::{Finding, Tree, assert_none};

fn every_file_opens_with_a_header(tree: &Tree) -> Vec<Finding> {
    let silent = tree.rust().filter(|source| source.stem() != "tests" && !source.text.starts_with("//! "));
    silent.map(|source| source.finding(1, "opens without a //! header")).collect()
}

#[test]
fn every_module_opens_with_its_header() {
    assert_none(&every_file_opens_with_a_header(&Tree::real()));
}

#[test]
fn a_file_without_a_header_is_found() {
    let tree = Tree::of(&[
        ("a/src/lib.rs", "use b::c;\n"),
        ("a/src/b.rs", "//! B.\n"),
        ("a/src/b/tests.rs", "use super::*;\n"),
    ]);
    assert_eq!(every_file_opens_with_a_header(&tree).len(), 1);
}
