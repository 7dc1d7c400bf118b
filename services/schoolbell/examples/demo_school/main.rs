//! Writes the demo school: about 420 pupils and the people at home, as a OneRoster 1.2 export with our own files beside it.
//!
//! `cargo run -p schoolbell --example demo_school -- services/schoolbell/demo-school` writes the folder that is checked in and that
//! `schoolbell demo` imports. The same seed gives the same bytes on every machine: there is no clock and no other source of chance
//! here, and a test compares the folder with what would be written. It never reads the folder and never deletes a file in it.

mod addresses;
mod cast;
mod households;
mod later;
mod names;
mod oneroster;
mod ours;
mod random;
mod roster;
mod school;
mod shapes;
mod table;
#[cfg(test)]
mod tests;
mod town;

use std::error::Error;
use std::path::PathBuf;

use households::Households;
use random::Random;
use roster::Roster;

/// Another seed is another school; the cast stays the same.
const SEED: u64 = 20_261_124;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("name the folder to write to, such as services/schoolbell/demo-school")?;
    std::fs::create_dir_all(&folder)?;
    for (name, text) in files(&roster())? {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}

/// Everybody at the demo school.
fn roster() -> Roster {
    let mut households = Households::new(Random::seeded(SEED));
    let families = town::families(&mut households);
    Roster::of(families, &mut households)
}

/// Name and text of every CSV file of the folder.
fn files(roster: &Roster) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let mut files = oneroster::files(roster)?;
    files.extend(ours::files(roster)?);
    Ok(files)
}
