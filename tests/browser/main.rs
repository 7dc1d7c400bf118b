//! The browser: what visitors see and hear of the public website, and the staff of their console, in a real Chromium.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod banner;
mod console;
mod page;
mod schools;
mod site;
