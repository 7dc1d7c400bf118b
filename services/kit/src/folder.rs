//! The data folder, and who uses it: processes that run share it, a restore has it alone.
//!
//! A lock on a file in it says so; the system takes the lock back when a process ends, however it
//! ends. A restore that did not finish leaves a folder behind that nothing starts over.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::geteuid;

/// Where a restore prepares the databases before it puts them in their place.
const UNFINISHED: &str = "restoring";
const LOCK: &str = "in-use.lock";
/// The bit of a folder in which everybody may make files and nobody may remove another's, as in `/tmp`.
const EVERYBODYS: u32 = 0o1000;
/// What others than the owner may do.
const OTHERS: u32 = 0o077;

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

    /// To change it while nobody runs on it, or to be the only one who writes there.
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
        make_private(path).map_err(failed)?;
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

/// Makes a folder that nobody but its owner can open, and closes one of our own that others could: what
/// lies in it is about people. A folder of everybody's stays as it is.
pub fn make_private(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let found = std::fs::metadata(path)?;
    let is_ours = found.uid() == geteuid().as_raw() && found.mode() & EVERYBODYS == 0;
    if is_ours && found.mode() & OTHERS != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(found.mode() & !OTHERS))?;
    }
    Ok(())
}

/// Whether somebody who runs could make this folder and write into it; makes nothing.
pub fn is_usable(path: &Path) -> std::io::Result<()> {
    let is_there = |folder: &&Path| folder.as_os_str().is_empty() || folder.exists();
    let nearest = path.ancestors().find(is_there).unwrap_or(path);
    let nearest = if nearest.as_os_str().is_empty() { Path::new(".") } else { nearest };
    if !nearest.is_dir() {
        return Err(std::io::ErrorKind::NotADirectory.into());
    }
    Ok(access(nearest, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn nobody_else_can_open_a_data_folder_that_is_new_or_that_stood_open() {
        let parent = tempfile::tempdir().unwrap();
        let (fresh, open) = (parent.path().join("a/b"), parent.path().join("open"));
        drop(DataFolder::shared(&fresh).unwrap());
        assert_eq!((mode(&fresh), mode(&parent.path().join("a"))), (0o700, 0o700));
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, Permissions::from_mode(0o755)).unwrap();
        drop(DataFolder::shared(&open).unwrap());
        assert_eq!(mode(&open), 0o700);
        std::fs::set_permissions(&open, Permissions::from_mode(0o1777)).unwrap();
        make_private(&open).unwrap();
        assert_eq!(mode(&open), 0o1777, "a folder of everybody's stays as it is");
    }

    #[test]
    fn a_folder_below_a_file_cannot_be_used_and_one_that_is_not_there_yet_can() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("file"), "").unwrap();
        assert!(is_usable(&parent.path().join("a/b")).is_ok());
        assert!(is_usable(Path::new("not-there-yet")).is_ok());
        assert!(is_usable(&parent.path().join("file/b")).is_err());
        assert!(is_usable(&parent.path().join("file")).is_err());
    }

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
