//! Rows with named cells, written as CSV under a fixed header.

use std::error::Error;

/// The cells of a row that are not blank, in any order.
pub type Cells = Vec<(&'static str, String)>;

/// The CSV text of a table; a cell whose column is not in the header is an error, never lost.
pub fn csv_text(header: &str, rows: impl IntoIterator<Item = Cells>) -> Result<String, Box<dyn Error>> {
    let columns: Vec<&str> = header.split(',').collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&columns)?;
    for cells in rows {
        if let Some((stranger, _)) = cells.iter().find(|(name, _)| !columns.contains(name)) {
            return Err(format!("no column called {stranger}").into());
        }
        let cell =
            |column: &&str| cells.iter().find(|(name, _)| name == column).map(|(_, text)| text.as_str());
        writer.write_record(columns.iter().map(|column| cell(column).unwrap_or_default()))?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8(bytes)?)
}

/// A cell of that column.
pub fn cell(column: &'static str, value: impl Into<String>) -> (&'static str, String) {
    (column, value.into())
}
