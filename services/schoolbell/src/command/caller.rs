//! Who asks, for the commands that ask the services of a running installation.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use proto::ids::SchoolId;
use tonic::Request;
use tonic::metadata::MetadataValue;

use super::token::sign;
use crate::settings::Settings;

/// For which school, and with whose token.
#[derive(Debug, Args)]
pub struct Caller {
    /// The school, as `schoolbell import` printed it.
    #[arg(long)]
    pub school: SchoolId,
    /// A file with a token; without one the command line signs its own with the key `people`, in production
    /// with the one that the settings name.
    #[arg(long)]
    token_file: Option<PathBuf>,
}

/// A token that goes with every request.
pub struct Bearer(MetadataValue<tonic::metadata::Ascii>);

impl Caller {
    /// The token of the file, or one with these roles.
    pub fn bearer(&self, settings: &Settings, roles: &[&str]) -> anyhow::Result<Bearer> {
        let token = if let Some(file) = &self.token_file {
            read(file)?
        } else {
            let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
            sign(settings, "command line", self.school, &roles, 10)?
        };
        Ok(Bearer(MetadataValue::try_from(format!("Bearer {token}"))?))
    }
}

/// The token of a file.
pub(super) fn read(file: &Path) -> anyhow::Result<String> {
    Ok(std::fs::read_to_string(file).context("the token's file cannot be read")?.trim().to_owned())
}

impl Bearer {
    /// A request with the token.
    pub fn with<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.0.clone());
        request
    }
}
