//! `schoolbell import`: hands a roster to the directory and says what came of it.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::directory::v1::{ImportFault, ImportRosterRequest, ImportRosterResponse};
use proto::ids::SchoolId;
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use zip::write::SimpleFileOptions;

use super::token::sign;
use crate::app;
use crate::settings::Settings;

/// What is imported, and how.
#[derive(Debug, Args)]
pub struct Import {
    /// The folder or zip.
    roster: PathBuf,
    /// The school; the first import of a school makes one and prints it.
    #[arg(long)]
    school: Option<SchoolId>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// A file with the token of a system administrator; without one the command line signs its
    /// own, which production refuses.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// Agree to so many removals.
    #[arg(long, default_value_t = 0)]
    agree_to_removals: i32,
}

impl Import {
    /// Imports and reports; fails when nothing was loaded that should have been.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let school = self.school.unwrap_or_else(SchoolId::generate);
        let token = match &self.token_file {
            Some(file) => {
                std::fs::read_to_string(file).context("the token's file cannot be read")?.trim().to_owned()
            }
            None => sign(settings, "import", school, &["system_administrator".to_owned()], 10)?,
        };
        let archive = archive(&self.roster)?;
        let request = ImportRosterRequest {
            request_id: SchoolId::generate().to_string(),
            archive: archive.into(),
            dry_run: self.dry_run,
            agreed_removals: self.agree_to_removals,
        };
        let answer = import(app::way_to(settings, "directory")?, &token, request).await?;
        let mut out = std::io::stdout().lock();
        report(&mut out, school, &answer, self.dry_run)?;
        if answer.loaded || (self.dry_run && answer.faults.is_empty()) {
            return Ok(());
        }
        bail!("nothing was loaded")
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
    school: SchoolId,
    answer: &ImportRosterResponse,
    dry_run: bool,
) -> std::io::Result<()> {
    for fault in &answer.faults {
        writeln!(out, "{}:{}: {}: {}", fault.file, fault.line, fault.column, fault.expected)?;
    }
    for warning in &answer.warnings {
        let ImportFault { file, line, column, expected } = warning;
        writeln!(out, "{file}:{line}: {column}: warning: {expected}")?;
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
        "{done} {} pupils, {} contacts and {} links into {school}; {} tasks for the safeguarding lead",
        answer.pupils, answer.contacts, answer.links, answer.tasks
    )
}
