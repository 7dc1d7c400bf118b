//! One CSV file: a header that is found by name, and cells that know where they stand.
//!
//! Real exports carry a byte order mark, reordered columns and other capitals; all of these are
//! read. A column that is needed and missing is a fault, never a blank: otherwise a forgotten column
//! would empty everybody's addresses.

use std::collections::HashMap;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::archive::Files;
use super::fault::Faults;

/// Whether an export can do without a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A fault when it is missing.
    Required,
    /// Read as blank when it is missing.
    Optional,
}

/// A file that was split into cells.
pub struct CsvFile {
    name: &'static str,
    columns: HashMap<&'static str, usize>,
    records: Vec<(u64, StringRecord)>,
}

/// One line of a file.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    file: &'a CsvFile,
    number: u64,
    record: &'a StringRecord,
}

/// One cell: its text, trimmed, and its place.
#[derive(Clone, Copy)]
pub struct Cell<'a> {
    /// The text without spaces around it.
    pub text: &'a str,
    place: (&'static str, u64),
    column: &'static str,
}

impl CsvFile {
    /// Splits the file of this name. None when it is missing or has no usable header.
    pub fn read(
        files: &Files,
        name: &'static str,
        columns: &[(&'static str, Need)],
        faults: &mut Faults,
    ) -> Option<Self> {
        let Some(bytes) = files.get(name) else {
            faults.add((name, 0), "", "this file");
            return None;
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader =
            ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(bytes);
        let mut lines = reader.records();
        let Some(Ok(header)) = lines.next() else {
            faults.add((name, 1), "", "a header line in UTF-8");
            return None;
        };
        let columns = find_columns(name, &header, columns, faults)?;
        let mut records = Vec::new();
        for line in lines {
            match line {
                Ok(record) => {
                    let number = record.position().map_or(0, csv::Position::line);
                    if record.len() == header.len() {
                        records.push((number, record));
                    } else {
                        faults.add((name, number), "", format!("{} cells, as in the header", header.len()));
                    }
                }
                Err(error) => {
                    let number = error.position().map_or(0, csv::Position::line);
                    faults.add((name, number), "", "a line of CSV in UTF-8");
                }
            }
        }
        Some(Self { name, columns, records })
    }

    /// Its lines, without the header.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        self.records.iter().map(|(number, record)| Line { file: self, number: *number, record })
    }

    /// The file as a whole, for a fault.
    pub fn place(&self) -> (&'static str, u64) {
        (self.name, 0)
    }
}

fn find_columns(
    file: &'static str,
    header: &StringRecord,
    wanted: &[(&'static str, Need)],
    faults: &mut Faults,
) -> Option<HashMap<&'static str, usize>> {
    let mut found = HashMap::new();
    let mut usable = true;
    for (name, need) in wanted {
        let mut places = header.iter().enumerate().filter(|(_, title)| title.eq_ignore_ascii_case(name));
        match (places.next(), places.next()) {
            (Some((place, _)), None) => {
                found.insert(*name, place);
            }
            (Some(_), Some(_)) => {
                faults.add((file, 1), name, "one column of this name");
                usable = false;
            }
            (None, _) if *need == Need::Required => {
                faults.add((file, 1), name, "a column of this name");
                usable = false;
            }
            (None, _) => {}
        }
    }
    usable.then_some(found)
}

impl<'a> Line<'a> {
    /// The cell of a column; blank when the file does not have it.
    pub fn cell(&self, column: &'static str) -> Cell<'a> {
        let text =
            self.file.columns.get(column).and_then(|place| self.record.get(*place)).unwrap_or_default();
        Cell { text, place: self.place(), column }
    }

    /// The line as a whole, for a fault.
    pub fn place(&self) -> (&'static str, u64) {
        (self.file.name, self.number)
    }
}

impl Cell<'_> {
    /// Whether nothing stands in it.
    pub fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    /// Says what was expected here.
    pub fn fault(&self, expected: impl Into<String>, faults: &mut Faults) {
        faults.add(self.place, self.column, expected);
    }

    /// Says what a person should look at here.
    pub fn warn(&self, expected: impl Into<String>, faults: &mut Faults) {
        faults.warn(self.place, self.column, expected);
    }

    /// The value that the text stands for, or a fault with what was expected.
    pub fn read<T>(
        &self,
        expected: &str,
        faults: &mut Faults,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = parse(self.text);
        if value.is_none() {
            self.fault(expected, faults);
        }
        value
    }
}
