//! What is said on the way, how numbers are shown, and which of the programs that we compare with are there.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The load of a machine that does little beside us; a measurement before may still be in it.
const QUIET: f64 = 2.5;
/// Where `deploy/tools/install` puts what no package installs.
const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/bin");

/// Says how far it is, beside the table.
pub fn say(text: &str) {
    // Who does not listen misses nothing that is not in the file.
    let _ = writeln!(std::io::stderr(), "bench: {text}");
}

/// Says so when this machine has other work, because figures that are taken beside it are rough.
pub fn say_what_else_runs() {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = load.split_whitespace().next().and_then(|minute| minute.parse::<f64>().ok());
    if let Some(minute) = minute.filter(|minute| *minute > QUIET) {
        say(&format!("this machine has other work (load {minute}): ratios are rough, and rates mean little"));
    }
}

/// Prints what was asked for.
pub fn print(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// A number with as many digits as mean something.
pub fn show(number: f64) -> String {
    if number != 0.0 && number.abs() < 10.0 {
        let text = format!("{number:.3}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let whole = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0.0 { format!("-{text}") } else { text }
}

/// A program, if it is there.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(PathBuf::from(OWN)).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A program that a limit is taken with; says so when it is not there, and then there is no limit.
pub fn wanted(name: &str, package: &str) -> Option<PathBuf> {
    let found = find(name);
    if found.is_none() {
        say(&format!(
            "{name} is not there, so its limit is missing: `deploy/tools/install {package}` installs it"
        ));
    }
    found
}

/// Returns when the standard input ends, because whoever started this process is gone or has had enough of it.
pub async fn is_left_alone() {
    // Whatever is read, only the end means something.
    let read = || std::io::stdin().lines().map_while(Result::ok).count();
    let _ = tokio::task::spawn_blocking(read).await;
}

/// Where nats-server is looked for.
pub fn folder() -> &'static Path {
    Path::new(OWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        let table =
            [(0.0, "0"), (0.25, "0.25"), (2.71328, "2.713"), (999.6, "1,000"), (1_234_567.0, "1,234,567")];
        for (number, shown) in table {
            assert_eq!(show(number), shown);
        }
    }
}
