//! A file that appears complete or not at all: written under another name, synced, then renamed. Never replaces a store.

use apportion_server::store::{StoreError, backup};
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file that is being written. Dropped before it is placed, it is removed.
pub(super) struct Landing {
    to: PathBuf,
    part: PathBuf,
    file: File,
    size: u64,
    force: bool,
    is_placed: bool,
}

impl Landing {
    /// Creates a file that only its owner may read, named `to` with `.part` appended.
    pub(super) fn new(to: &Path, force: bool) -> Result<Self, String> {
        check_free(to, force)?;
        let mut part: OsString = to.into();
        part.push(".part");
        let part = PathBuf::from(part);
        let cannot = |error: &dyn std::fmt::Display| format!("{} cannot be written: {error}", part.display());
        clear(&part).map_err(|why| cannot(&why))?;
        // Never writes to a file or through a link that was there before.
        let opened = File::options().create_new(true).write(true).mode(0o600).open(&part);
        let file = opened.map_err(|error| cannot(&error))?;
        file.try_lock().map_err(|error| cannot(&error))?;
        Ok(Self { to: to.into(), part, file, size: 0, force, is_placed: false })
    }

    /// Adds bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.file
            .write_all(bytes)
            .map_err(|error| format!("{} cannot be written: {error}", self.part.display()))?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Gives it its name, durably. Returns its size in bytes.
    pub(super) fn place(mut self) -> Result<u64, String> {
        check_free(&self.to, self.force)?;
        let is_ours = match (self.file.metadata(), fs::symlink_metadata(&self.part)) {
            (Ok(ours), Ok(found)) => (ours.dev(), ours.ino()) == (found.dev(), found.ino()),
            _ => false,
        };
        if !is_ours {
            self.is_placed = true;
            return Err(format!(
                "{} was replaced by another process: no backup was written",
                self.part.display()
            ));
        }
        let placed = self.file.sync_all().and_then(|()| fs::rename(&self.part, &self.to)).and_then(|()| {
            let directory = self.to.parent().filter(|parent| !parent.as_os_str().is_empty());
            File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
        });
        placed.map_err(|error| format!("{} cannot be written: {error}", self.to.display()))?;
        self.is_placed = true;
        Ok(self.size)
    }
}

/// Removes what a killed process left behind, and nothing else.
fn clear(part: &Path) -> Result<(), String> {
    let found = match fs::symlink_metadata(part) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|error| error.to_string())?,
    };
    if !found.is_file() {
        return Err("it is not a regular file: remove it".into());
    }
    let left = File::options().read(true).open(part).map_err(|error| error.to_string())?;
    match left.try_lock() {
        Ok(()) => fs::remove_file(part).map_err(|error| error.to_string()),
        Err(TryLockError::WouldBlock) => Err("another backup is writing it".into()),
        Err(TryLockError::Error(error)) => Err(error.to_string()),
    }
}

/// Fails where the name is taken by something that may not be replaced.
fn check_free(to: &Path, force: bool) -> Result<(), String> {
    let shown = to.display();
    backup::check_target(to).map_err(|error| match error {
        StoreError::InUse(_) => format!("a server uses {shown}: choose another file"),
        error => error.to_string(),
    })?;
    match fs::symlink_metadata(to) {
        Ok(found) if found.is_dir() => Err(format!("{shown} is a directory: choose a file")),
        Ok(_) if !force => Err(format!("{shown} already exists: use --force to replace it")),
        Ok(found) if !found.is_file() && !found.is_symlink() => {
            Err(format!("{shown} is not a regular file: choose another"))
        }
        _ => Ok(()),
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.is_placed {
            // Why it was not placed is the error to report.
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
    fn nothing_is_written_through_a_link_and_a_mode_that_others_chose_is_not_kept() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().expect("a directory");
        let [to, part, victim] = ["file", "file.part", "victim"].map(|name| directory.path().join(name));
        fs::write(&victim, b"untouched").expect("written");
        symlink(&victim, &part).expect("linked");
        let refused = Landing::new(&to, false).err().expect("refused");
        assert!(refused.contains("file.part") && refused.contains("not a regular file"), "{refused}");
        assert_eq!(fs::read(&victim).expect("readable"), b"untouched");
        fs::remove_file(&part).expect("removed");
        for path in [&part, &to] {
            fs::write(path, b"left").expect("written");
            fs::set_permissions(path, fs::Permissions::from_mode(0o666)).expect("its own");
        }
        Landing::new(&to, true).expect("begun").place().expect("placed");
        assert_eq!(fs::metadata(&to).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_part_that_somebody_replaced_gets_no_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let [to, part] = ["file", "file.part"].map(|name| directory.path().join(name));
        let landing = Landing::new(&to, false).expect("begun");
        fs::remove_file(&part).expect("removed");
        fs::write(&part, b"forged").expect("written");
        assert!(landing.place().expect_err("refused").contains("was replaced"));
        assert_eq!(names(directory.path()), ["file.part"]);
    }

    #[test]
    fn no_file_takes_the_place_of_a_store_under_whatever_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let [data, link, hard] = ["data", "link", "hard"].map(|name| directory.path().join(name));
        let store = apportion_server::store::Embedded::open(&data).expect("opened");
        std::os::unix::fs::symlink(store.path(), &link).expect("linked");
        fs::hard_link(store.path(), &hard).expect("linked");
        let lock = data.join(apportion_server::store::embedded::LOCK_FILE);
        let refused =
            [store.path(), &link, &hard, &lock].map(|to| Landing::new(to, true).err().expect("refused"));
        assert!(refused[0].contains("is the file of a store"), "{refused:?}");
        assert!(refused[2].contains("a server uses"), "{refused:?}");
        drop(store);
        assert!(
            Landing::new(&data.join(apportion_server::store::embedded::FILE), true).is_err(),
            "that is for restore"
        );
        Landing::new(&hard, true).expect("nobody uses it");
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
