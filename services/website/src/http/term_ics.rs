//! `term.ics`: the first and last days of term and the days without school (RFC 5545, RFC 7986),
//! as all-day events, which need no time zone.
//!
//! Closures are not here: readers ask for a calendar hours later, so it is no way to tell anybody.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::events::scheduling::NonSchoolDayKind;

use super::layout::Layouts;
use super::{Error, Visit, stable_id};
use crate::domain::{Calendar, School};

/// Octets of a line without its end (RFC 5545, section 3.1).
const LINE: usize = 75;

/// The document; none before a calendar was heard, or while nothing stands in it: a calendar
/// without any day is not one (RFC 5545, section 3.4).
#[expect(clippy::unnecessary_wraps, reason = "every document has the same shape")]
pub fn write(_layouts: &Layouts, school: &School, _visit: &Visit) -> Result<Option<String>, Error> {
    let Some(calendar) = &school.calendar else { return Ok(None) };
    let days = days(calendar);
    if days.is_empty() {
        return Ok(None);
    }
    let title = escaped(&format!("{}: term dates", school.name()));
    let mut file = File::default();
    file.line("BEGIN", "VCALENDAR");
    file.line("VERSION", "2.0");
    file.line("PRODID", "-//Schoolbell//Term dates//EN");
    file.line("CALSCALE", "GREGORIAN");
    file.line("METHOD", "PUBLISH");
    file.line("NAME", &title);
    file.line("X-WR-CALNAME", &title);
    file.line("REFRESH-INTERVAL;VALUE=DURATION", "PT12H");
    file.line("X-PUBLISHED-TTL", "PT12H");
    let changed = calendar.changed_at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
    for (date, summary) in days {
        let uid = stable_id::named(&[&school.id.to_string(), &date.to_string(), &summary]);
        file.line("BEGIN", "VEVENT");
        file.line("UID", &uid.to_string());
        file.line("DTSTAMP", &changed);
        file.line("DTSTART;VALUE=DATE", &date.strftime("%Y%m%d").to_string());
        // Without an end an all-day event lasts one day; some readers ask for the end all the same.
        if let Ok(next) = date.tomorrow() {
            file.line("DTEND;VALUE=DATE", &next.strftime("%Y%m%d").to_string());
        }
        file.line("SUMMARY", &escaped(&summary));
        file.line("TRANSP", "TRANSPARENT");
        file.line("END", "VEVENT");
    }
    file.line("END", "VCALENDAR");
    Ok(Some(file.text))
}

/// What stands in the calendar, by day; the same words on the same day stand there once.
fn days(calendar: &Calendar) -> BTreeSet<(Date, String)> {
    let terms = calendar.days.terms.iter().flat_map(|term| {
        let title = if term.title.is_empty() { "Term" } else { &term.title };
        [(term.first_day, format!("{title}: first day")), (term.last_day, format!("{title}: last day"))]
    });
    let without = calendar.days.non_school_days.iter().map(|day| {
        let why = match day.kind {
            NonSchoolDayKind::Inset => "No school: staff training (INSET day)",
            NonSchoolDayKind::Occasional => "No school: occasional day",
            NonSchoolDayKind::BankHoliday => "No school: bank holiday",
        };
        (day.date, why.to_owned())
    });
    terms.chain(without).collect()
}

/// RFC 5545, section 3.3.11.
fn escaped(text: &str) -> String {
    let escape = |letter| match letter {
        '\\' => "\\\\".to_owned(),
        ';' => "\\;".to_owned(),
        ',' => "\\,".to_owned(),
        '\n' => "\\n".to_owned(),
        letter => String::from(letter),
    };
    text.chars().map(escape).collect()
}

#[derive(Default)]
struct File {
    text: String,
}

impl File {
    /// Writes a line, folded between letters: a line that follows begins with a space.
    fn line(&mut self, name: &str, value: &str) {
        let mut octets = 0;
        for letter in name.chars().chain(":".chars()).chain(value.chars()) {
            if octets + letter.len_utf8() > LINE {
                self.text.push_str("\r\n ");
                octets = 1;
            }
            self.text.push(letter);
            octets += letter.len_utf8();
        }
        self.text.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_folded_at_75_octets_and_never_within_a_letter() {
        let mut file = File::default();
        let value = "é🧑‍🏫ab".repeat(40);
        file.line("SUMMARY", &value);
        let lines: Vec<&str> = file.text.strip_suffix("\r\n").unwrap().split("\r\n").collect();
        assert!(lines.iter().all(|line| line.len() <= LINE));
        assert!(lines.iter().skip(1).all(|line| line.starts_with(' ')));
        assert!(lines.first().unwrap().len() > LINE - 4);
        assert_eq!(file.text.replace("\r\n ", ""), format!("SUMMARY:{value}\r\n"));
    }

    #[test]
    fn a_line_of_exactly_75_octets_is_not_folded() {
        let mut file = File::default();
        file.line("A", &"b".repeat(LINE - 2));
        assert_eq!(file.text.lines().count(), 1);
    }

    #[test]
    fn what_has_a_meaning_in_a_calendar_is_escaped() {
        assert_eq!(escaped("a\\b;c,d\ne:f\"g"), "a\\\\b\\;c\\,d\\ne:f\"g");
    }
}
