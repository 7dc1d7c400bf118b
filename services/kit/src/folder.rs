//! The data folder, and who uses it: processes that run share it, a restore has it alone.
//!
//! A lock on a file in it says so; the system takes the lock back when a process ends, however it
//! ends. A restore that did not finish leaves a folder behind that nothing starts over.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where a restore prepares the databases before it puts them in their place.
const UNFINISHED: &str = "restoring";
const LOCK: &str = "in-use.lock";

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be made, or the lock in it.
    #[error("the data folder {} cannot be used", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A restore has it, or a process runs on it.
    #[error("the data folder {} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A restore ended in the middle.
    #[error("a restore of the data folder {} did not finish: run it again", path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
}

/// A data folder for as long as it is used.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// To run on it, beside others who do.
    pub fn shared(path: &Path) -> Result<Self, Error> {
        let folder = Self::locked(path, File::try_lock_shared)?;
        if folder.unfinished().exists() {
            return Err(Error::Unfinished { path: folder.path });
        }
        Ok(folder)
    }

    /// To change it while nobody runs on it.
    pub fn alone(path: &Path) -> Result<Self, Error> {
        Self::locked(path, File::try_lock)
    }

    /// The folder for what is not in its place yet. While it is there, nothing starts.
    #[must_use]
    pub fn unfinished(&self) -> PathBuf {
        self.path.join(UNFINISHED)
    }

    fn locked(path: &Path, lock: fn(&File) -> Result<(), TryLockError>) -> Result<Self, Error> {
        let failed = |source| Error::Folder { path: path.to_owned(), source };
        std::fs::create_dir_all(path).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path.join(LOCK)).map_err(failed)?;
        match lock(&file) {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: file }),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_run_on_a_folder_and_a_restore_has_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let runs = [DataFolder::shared(folder.path()).unwrap(), DataFolder::shared(folder.path()).unwrap()];
        assert!(matches!(DataFolder::alone(folder.path()), Err(Error::InUse { .. })));
        drop(runs);
        let alone = DataFolder::alone(folder.path()).unwrap();
        assert!(matches!(DataFolder::shared(folder.path()), Err(Error::InUse { .. })));
        std::fs::create_dir(alone.unfinished()).unwrap();
        drop(alone);
        assert!(matches!(DataFolder::shared(folder.path()), Err(Error::Unfinished { .. })));
        assert!(DataFolder::alone(folder.path()).is_ok());
    }
}
