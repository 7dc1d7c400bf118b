//! What is wrong with a file, and where.

/// A place in a file and what was expected there. Holds no cell: a fault may be shown and logged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file's name; `archive` for the zip as a whole.
    pub file: &'static str,
    /// The line, counted from 1; 0 when it is about the file as a whole.
    pub line: u64,
    /// The column's name; empty when it is about the line as a whole.
    pub column: String,
    /// What was expected.
    pub expected: String,
}

/// Every fault that was met, in all files, and every warning.
#[derive(Debug, Default)]
pub struct Faults {
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl Faults {
    /// Something that must be mended.
    pub fn add(&mut self, (file, line): (&'static str, u64), column: &str, expected: impl Into<String>) {
        self.faults.push(Fault { file, line, column: column.to_owned(), expected: expected.into() });
    }

    /// Something that was understood, and that a person should look at.
    pub fn warn(&mut self, (file, line): (&'static str, u64), column: &str, expected: impl Into<String>) {
        self.warnings.push(Fault { file, line, column: column.to_owned(), expected: expected.into() });
    }

    /// Whether nothing must be mended.
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The warnings, once.
    pub fn take_warnings(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.warnings)
    }

    /// The faults, file by file and line by line.
    pub fn into_sorted(mut self) -> Vec<Fault> {
        self.faults.sort();
        self.faults.dedup();
        self.faults
    }
}
