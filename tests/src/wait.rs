//! Waiting for a condition.

use std::fmt::Debug;
use std::time::Duration;

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Looks again and again until `holds`, and returns what was seen.
///
/// # Panics
/// When the deadline passes first; it says what was waited for and prints the last state.
pub async fn until<S: Debug, F: Future<Output = S>>(
    what: &str,
    mut look: impl FnMut() -> F,
    holds: impl Fn(&S) -> bool,
) -> S {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut ticks = tokio::time::interval(Duration::from_millis(40));
    loop {
        ticks.tick().await;
        let seen = look().await;
        if holds(&seen) {
            return seen;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} did not happen; the last state is {seen:#?}");
    }
}
