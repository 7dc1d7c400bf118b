//! The rules of the house, as tests: a rule that nothing checks is no rule.
//!
//! Every rule is a function from the tree to its findings (`path:line: what`), so that it is shown to fire on a small tree in
//! memory and then holds the real one to it. A rule reads files and never builds, starts or changes anything.
//!
//! A file over its length, or a kit line that needs a school word, says so itself in a comment line with the reason:
//! `house: waiver(size): …` anywhere in the file, `house: waiver(word): …` on the line above.
#![cfg(test)]

mod arrows;
mod channels;
mod deployment;
mod headers;
mod hearers;
mod manifests;
mod points;
mod purity;
mod readme;
mod rust;
mod sameness;
mod schema;
mod sizes;
mod sleeps;
mod tree;
mod wire;
mod words;
