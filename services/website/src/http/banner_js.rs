//! `banner.js`: the script that a school puts on its own website.
//!
//! It depends on nothing, writes words only as text, and leaves the page alone when anything fails.
//! What it does and never does stands at its top.

/// The script.
pub const SCRIPT: &str = include_str!("banner.js");
/// What it is.
pub const CONTENT_TYPE: &str = "text/javascript; charset=utf-8";
