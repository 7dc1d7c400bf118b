//! `schoolbell import`: hands a roster to the directory and says what came of it.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use kit::identity::tenant_said_by;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::directory::v1::{ImportFault, ImportRosterRequest, ImportRosterResponse};
use proto::ids::SchoolId;
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use zip::write::SimpleFileOptions;

use super::caller::read;
use super::token::sign;
use crate::app;
use crate::settings::Settings;

/// What is imported, and how.
#[derive(Debug, Args)]
pub struct Import {
    /// The folder or zip.
    roster: PathBuf,
    /// The school; the first import of a school makes one and prints it, and every later one is given it.
    #[arg(long)]
    school: Option<SchoolId>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// A file with the token of a system administrator, which says for which school it is; without one the
    /// command line signs its own with the key `people`, in production with the one that the settings name.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// Agree to so many removals.
    #[arg(long, default_value_t = 0)]
    agree_to_removals: i32,
}

impl Import {
    /// Imports and reports; fails when nothing was loaded that should have been.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let (school, token) = self.caller(settings)?;
        let archive = archive(&self.roster)?;
        let request = ImportRosterRequest {
            request_id: SchoolId::generate().to_string(),
            archive: archive.into(),
            dry_run: self.dry_run,
            agreed_removals: self.agree_to_removals,
        };
        let answer = import(app::way_to(settings, "directory")?, &token, request).await?;
        let mut out = std::io::stdout().lock();
        // What a trial of a new school was asked for is nobody's id.
        let is_kept = answer.loaded || self.school.is_some() || self.token_file.is_some();
        report(&mut out, is_kept.then_some(school), &answer, self.dry_run)?;
        if answer.loaded || (self.dry_run && answer.faults.is_empty()) {
            return Ok(());
        }
        bail!("nothing was loaded")
    }

    /// For which school, and with what token.
    fn caller(&self, settings: &Settings) -> anyhow::Result<(SchoolId, String)> {
        let Some(file) = &self.token_file else {
            let school = self.school.unwrap_or_else(SchoolId::generate);
            let roles = ["system_administrator".to_owned()];
            return Ok((school, sign(settings, "import", school, &roles, 10)?));
        };
        let token = read(file)?;
        let school = tenant_said_by(&token).context("the token's file holds no token")?;
        if self.school.is_some_and(|asked| asked != school) {
            bail!("the token is for {school}, another school");
        }
        Ok((school, token))
    }
}

/// Calls the directory.
pub async fn import(
    directory: impl TryInto<Endpoint, Error: Into<tonic::codegen::StdError>>,
    token: &str,
    request: ImportRosterRequest,
) -> anyhow::Result<ImportRosterResponse> {
    let mut client = DirectoryServiceClient::connect(directory)
        .await
        .context("the directory cannot be reached; is Schoolbell running?")?
        .max_decoding_message_size(kit::asked::LARGEST_ANSWER)
        .max_encoding_message_size(kit::asked::LARGEST_ANSWER);
    let mut request = Request::new(request);
    request.metadata_mut().insert("authorization", MetadataValue::try_from(format!("Bearer {token}"))?);
    let answer = client.import_roster(request).await;
    Ok(answer.map_err(|status| anyhow::anyhow!("the directory refused: {}", status.message()))?.into_inner())
}

/// The bytes of a zip, or of the CSV files of a folder, zipped.
pub fn archive(roster: &Path) -> anyhow::Result<Vec<u8>> {
    if !roster.is_dir() {
        return std::fs::read(roster).context("the roster cannot be read");
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(roster)
        .context("the roster's folder cannot be read")?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "csv"));
    files.sort();
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let name = file.file_name().context("a file without a name")?.to_string_lossy().into_owned();
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(&std::fs::read(&file)?)?;
    }
    Ok(zip.finish()?.into_inner())
}

fn report(
    out: &mut impl Write,
    school: Option<SchoolId>,
    answer: &ImportRosterResponse,
    dry_run: bool,
) -> std::io::Result<()> {
    for fault in &answer.faults {
        writeln!(out, "{}expected: {}", place(fault), fault.expected)?;
    }
    for warning in &answer.warnings {
        writeln!(out, "{}warning: expected: {}", place(warning), warning.expected)?;
    }
    for change in &answer.changes {
        let columns = change.columns.join(", ");
        writeln!(out, "{} {} {} {columns}", change.action, change.what, change.source_id)?;
    }
    if answer.removals_to_agree > 0 {
        writeln!(
            out,
            "this would remove {0}, more than a tenth: if that is right, add --agree-to-removals {0}",
            answer.removals_to_agree
        )?;
    }
    let done = match (answer.loaded, dry_run) {
        (true, _) => "loaded",
        (false, true) => "would load",
        (false, false) => "read, and did not load",
    };
    writeln!(
        out,
        "{done} {} pupils, {} contacts and {} links into {}; {} tasks for the safeguarding lead",
        answer.pupils,
        answer.contacts,
        answer.links,
        school.map_or_else(|| "a new school".to_owned(), |school| school.to_string()),
        answer.tasks
    )
}

/// Where it is, as far as that is known: a file that is missing has no line, and a line that is too much no column.
fn place(ImportFault { file, line, column, .. }: &ImportFault) -> String {
    let line = if *line > 0 { format!(":{line}") } else { String::new() };
    let column = if column.is_empty() { String::new() } else { format!("{column}: ") };
    if file.is_empty() { column } else { format!("{file}{line}: {column}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_where_it_is_as_far_as_that_is_known() {
        for (file, line, column, said) in [
            ("school.csv", 2, "name", "school.csv:2: name: "),
            ("school.csv", 0, "name", "school.csv: name: "),
            ("school.csv", 0, "", "school.csv: "),
            ("school.csv", 3, "", "school.csv:3: "),
            ("", 0, "", ""),
        ] {
            let expected = String::new();
            let fault = ImportFault { file: file.to_owned(), line, column: column.to_owned(), expected };
            assert_eq!(place(&fault), said);
        }
    }

    #[test]
    fn a_trial_of_a_new_school_names_no_school() {
        let mut out = Vec::new();
        report(&mut out, None, &ImportRosterResponse::default(), true).unwrap();
        let said = String::from_utf8(out).unwrap();
        assert!(said.ends_with(" into a new school; 0 tasks for the safeguarding lead\n"), "{said}");
    }
}
