//! school.csv: exactly one line about the school itself.

use jiff::Unit;
use jiff::civil::Time;

use crate::domain::phone::{self, Kind, Phone, TestNumbers};
use crate::domain::roster::{RegisterTimes, School};
use crate::import::archive::Files;
use crate::import::csv_file::Need::Required;
use crate::import::csv_file::{CsvFile, Line};
use crate::import::fault::Faults;
use crate::import::values;

/// "Working together to improve school attendance": a register is open for at most 30 minutes.
const LONGEST_OPEN_MINUTES: i64 = 30;
const MOST_DUTY_NUMBERS: usize = 10;

/// What school.csv says.
pub struct SchoolFile {
    /// The org that it names, also when the rest has faults.
    pub source_id: Option<String>,
    /// The school, when the line has no fault.
    pub school: Option<School>,
}

/// Reads school.csv.
pub fn school(files: &Files, test_numbers: TestNumbers, faults: &mut Faults) -> SchoolFile {
    let columns = [
        "orgSourcedId",
        "name",
        "phone",
        "amRegisterOpens",
        "amRegisterCloses",
        "amSessionEnds",
        "pmRegisterOpens",
        "pmRegisterCloses",
        "pmSessionEnds",
        "dutyNumbers",
    ]
    .map(|column| (column, Required));
    let nothing = SchoolFile { source_id: None, school: None };
    let Some(file) = CsvFile::read(files, "school.csv", &columns, faults) else { return nothing };
    let mut lines = file.lines();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        faults.add(file.place(), "", "exactly one line");
        return nothing;
    };
    let source_id = values::source_id(line.cell("orgSourcedId"), faults);
    let name = values::name(line.cell("name"), faults);
    let phone = own_phone(line, test_numbers, faults);
    let morning = register_times(line, ["amRegisterOpens", "amRegisterCloses", "amSessionEnds"], faults);
    let afternoon = register_times(line, ["pmRegisterOpens", "pmRegisterCloses", "pmSessionEnds"], faults);
    if let (Some(morning), Some(afternoon)) = (morning, afternoon)
        && afternoon.opens < morning.session_ends
    {
        line.cell("pmRegisterOpens").fault("a time that is not before amSessionEnds", faults);
    }
    let duty_numbers = duty_numbers(line, test_numbers, faults);
    let school = (|| {
        Some(School {
            source_id: source_id.clone()?,
            name: name?,
            phone: phone?,
            morning: morning?,
            afternoon: afternoon?,
            duty_numbers,
        })
    })();
    SchoolFile { source_id, school }
}

/// Kept as it was written, because parents read it; it must be a number all the same.
fn own_phone(line: Line<'_>, test_numbers: TestNumbers, faults: &mut Faults) -> Option<String> {
    let cell = line.cell("phone");
    if cell.is_blank() {
        cell.fault("the telephone number that parents ring", faults);
        return None;
    }
    values::phone(cell, test_numbers, faults).map(|_| cell.text.to_owned())
}

fn register_times(
    line: Line<'_>,
    [opens, closes, session_ends]: [&'static str; 3],
    faults: &mut Faults,
) -> Option<RegisterTimes> {
    let times = [opens, closes, session_ends].map(|column| values::time(line.cell(column), faults));
    let [Some(opens_at), Some(closes_at), Some(ends_at)] = times else { return None };
    if closes_at <= opens_at {
        line.cell(closes).fault(format!("a time after {opens}"), faults);
    } else if minutes_between(opens_at, closes_at) > LONGEST_OPEN_MINUTES {
        line.cell(closes).fault(format!("at most {LONGEST_OPEN_MINUTES} minutes after {opens}"), faults);
    }
    if ends_at < closes_at {
        line.cell(session_ends).fault(format!("a time that is not before {closes}"), faults);
    }
    Some(RegisterTimes { opens: opens_at, closes: closes_at, session_ends: ends_at })
}

fn minutes_between(from: Time, until: Time) -> i64 {
    until.since((Unit::Minute, from)).map_or(i64::MAX, |span| span.get_minutes())
}

fn duty_numbers(line: Line<'_>, test_numbers: TestNumbers, faults: &mut Faults) -> Vec<Phone> {
    let cell = line.cell("dutyNumbers");
    let mut phones = Vec::new();
    for entered in cell.text.split(';').map(str::trim).filter(|entered| !entered.is_empty()) {
        match phone::normalise(entered, test_numbers) {
            Ok(normalised) if normalised.phone.kind() == Kind::Mobile => phones.push(normalised.phone),
            Ok(_) => cell.fault("mobiles, because they are texted", faults),
            Err(fault) => cell.fault(fault.to_string(), faults),
        }
    }
    if phones.len() > MOST_DUTY_NUMBERS {
        cell.fault(format!("at most {MOST_DUTY_NUMBERS} mobiles, separated by semicolons"), faults);
    }
    phones
}
