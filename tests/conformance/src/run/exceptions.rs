//! What may fail, and why: `exceptions.toml`.

use std::path::Path;

use serde::Deserialize;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exceptions {
    #[serde(default)]
    exceptions: Vec<ExceptionEntry>,
}

/// A case that a driver cannot meet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionEntry {
    /// The name of the driver.
    driver: String,
    /// The name of the case, with the hook in brackets if it has one.
    case: String,
    /// Why.
    reason: String,
}

impl Exceptions {
    /// Reads the file.
    ///
    /// # Errors
    /// If it is malformed, or names a case that does not exist.
    pub(super) fn read(path: &Path, is_case: impl Fn(&str) -> bool) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))?;
        let read: Self = toml::from_str(&text).map_err(|why| format!("{}: {why}", path.display()))?;
        for entry in &read.exceptions {
            let name = entry.case.split('[').next().unwrap_or_default();
            if !is_case(name) {
                return Err(format!("{}: there is no case {name}", path.display()));
            }
            if entry.reason.trim().is_empty() {
                return Err(format!("{}: {} of {} has no reason", path.display(), entry.case, entry.driver));
            }
        }
        Ok(read)
    }

    /// Why a case may fail; none if it must pass.
    pub(super) fn reason(&self, driver: &str, case: &str) -> Option<&str> {
        let entry = self.exceptions.iter().find(|entry| entry.driver == driver && entry.case == case);
        entry.map(|entry| entry.reason.as_str())
    }
}
