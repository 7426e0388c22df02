//! A file that appears whole or not at all: written under another name, synced, then renamed.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file on its way; dropped before it is placed, nothing is left of it.
pub(super) struct Landing {
    to: PathBuf,
    part: PathBuf,
    file: File,
    size: u64,
    force: bool,
    is_placed: bool,
}

impl Landing {
    /// Begins a file that only its owner may read, under the name `to` with `.part` behind.
    pub(super) fn new(to: &Path, force: bool) -> Result<Self, String> {
        check_free(to, force)?;
        let mut part: OsString = to.into();
        part.push(".part");
        let part = PathBuf::from(part);
        let cannot = |error: &dyn std::fmt::Display| format!("{} cannot be written: {error}", part.display());
        let mut options = File::options();
        let opened = options.create(true).truncate(false).write(true).mode(0o600).open(&part);
        let file = opened.map_err(|error| cannot(&error))?;
        // What a process left that was killed is overwritten; that of one which still writes is not.
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => cannot(&"another backup is writing it"),
            TryLockError::Error(error) => cannot(&error),
        })?;
        file.set_len(0).map_err(|error| cannot(&error))?;
        Ok(Self { to: to.into(), part, file, size: 0, force, is_placed: false })
    }

    /// How many bytes it has so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file
            .write_all(bytes)
            .map_err(|error| format!("{} cannot be written: {error}", self.part.display()))?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Gives it its name, durably. Returns how many bytes it has.
    pub(super) fn place(mut self) -> Result<u64, String> {
        check_free(&self.to, self.force)?;
        let placed = self.file.sync_all().and_then(|()| fs::rename(&self.part, &self.to)).and_then(|()| {
            let directory = self.to.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        });
        placed.map_err(|error| format!("{} cannot be written: {error}", self.to.display()))?;
        self.is_placed = true;
        Ok(self.size)
    }
}

/// Fails where something stands under the name that may not be replaced.
fn check_free(to: &Path, force: bool) -> Result<(), String> {
    let shown = to.display();
    match fs::symlink_metadata(to) {
        Ok(found) if found.is_dir() => Err(format!("{shown} is a directory: name a file")),
        Ok(_) if !force => Err(format!("{shown} exists already: --force replaces it")),
        _ => Ok(()),
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.is_placed {
            // The error that matters is why it was not placed.
            let _ = fs::remove_file(&self.part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("readable");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn nothing_stands_under_the_name_before_the_file_is_whole_and_nothing_is_left_of_half_a_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let to = directory.path().join("file");
        let mut half = Landing::new(&to, false).expect("begun");
        half.write(b"half").expect("written");
        assert_eq!(names(directory.path()), ["file.part"]);
        drop(half);
        assert_eq!(names(directory.path()), [""; 0]);
        fs::write(directory.path().join("file.part"), b"what a killed process left").expect("written");
        let mut whole = Landing::new(&to, false).expect("begun");
        whole.write(b"whole").expect("written");
        assert_eq!(whole.place(), Ok(5));
        assert_eq!(names(directory.path()), ["file"]);
        assert_eq!(fs::read(&to).expect("readable"), b"whole");
    }

    #[test]
    fn what_is_there_is_replaced_only_where_that_is_said_and_two_do_not_write_one_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let to = directory.path().join("file");
        fs::write(&to, b"before").expect("written");
        let refused = Landing::new(&to, false).err().expect("refused");
        assert!(refused.contains("--force"), "{refused}");
        let replacing = Landing::new(&to, true).expect("begun");
        let second = Landing::new(&to, true).err().expect("refused");
        assert!(second.contains("another backup"), "{second}");
        assert_eq!(fs::read(&to).expect("readable"), b"before");
        assert_eq!(replacing.place(), Ok(0));
        assert!(Landing::new(directory.path(), true).err().expect("refused").contains("directory"));
    }
}
