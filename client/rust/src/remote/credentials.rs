//! The token that every call carries.

use crate::clock::BootInstant;
use crate::config::{ConfigError, TokenSource};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};

/// How often the file of a token is read again while calls are made.
const READ_AGAIN: Duration = Duration::from_secs(10);
/// The largest file of a token, in bytes.
const FILE_MAX: u64 = 64 << 10;

/// The token of each call, if there is one.
#[derive(Debug)]
pub(super) struct Credentials {
    header: Option<MetadataValue<Ascii>>,
    file: Option<PathBuf>,
    read_at: BootInstant,
}

impl Credentials {
    /// # Errors
    /// [`ConfigError`] if the token or its file cannot be used.
    pub(super) fn new(source: &TokenSource, now: BootInstant) -> Result<Self, ConfigError> {
        let (header, file) = match source {
            TokenSource::None => (None, None),
            TokenSource::Fixed(secret) => (Some(bearer(secret)?), None),
            TokenSource::File(path) => (Some(read(path)?), Some(path.clone())),
        };
        Ok(Self { header, file, read_at: now })
    }

    /// The value of the `authorization` metadata.
    pub(super) fn header(&mut self, now: BootInstant) -> Option<MetadataValue<Ascii>> {
        if now >= self.read_at.after(READ_AGAIN) {
            self.read_again(now);
        }
        self.header.clone()
    }

    /// Reads the file of the token again. Returns whether the token is another one now. An unreadable file leaves the token.
    pub(super) fn read_again(&mut self, now: BootInstant) -> bool {
        self.read_at = now;
        let Some(path) = &self.file else { return false };
        match read(path) {
            Ok(header) => self.header.replace(header) != self.header,
            Err(error) => {
                tracing::warn!(%error, "the former token stays in use");
                false
            }
        }
    }
}

fn read(path: &Path) -> Result<MetadataValue<Ascii>, ConfigError> {
    let unusable = |why: String| ConfigError::TokenFile(path.into(), why);
    let length = std::fs::metadata(path).map_err(|error| unusable(error.to_string()))?.len();
    if length > FILE_MAX {
        return Err(unusable(format!("it has {length} bytes, and may have {FILE_MAX}")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    bearer(text.trim()).map_err(|error| unusable(error.to_string()))
}

fn bearer(secret: &str) -> Result<MetadataValue<Ascii>, ConfigError> {
    if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConfigError::Token);
    }
    let mut value: MetadataValue<Ascii> =
        format!("Bearer {secret}").parse().map_err(|_| ConfigError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: BootInstant = BootInstant::from_nanos(1);

    fn text(header: Option<MetadataValue<Ascii>>) -> String {
        header.and_then(|value| value.to_str().map(str::to_owned).ok()).unwrap_or_default()
    }

    #[test]
    fn a_file_is_read_again_after_a_while_and_when_its_token_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        std::fs::write(&path, "one\n").expect("written");
        let mut credentials =
            Credentials::new(&TokenSource::File(path.clone()), START).expect("a readable file");
        std::fs::write(&path, "two").expect("written");
        let late = START.after(READ_AGAIN);
        assert_eq!(text(credentials.header(START)), "Bearer one");
        assert_eq!(text(credentials.header(late)), "Bearer two");
        std::fs::write(&path, "three").expect("written");
        assert!(credentials.read_again(late) && !credentials.read_again(late));
        assert_eq!(text(credentials.header(late)), "Bearer three");
        std::fs::remove_file(&path).expect("removed");
        assert!(!credentials.read_again(late));
        assert_eq!(text(credentials.header(late)), "Bearer three", "an unreadable file leaves the token");
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_refused_with_its_place() {
        let refused = |source| Credentials::new(&source, START).expect_err("it is refused").to_string();
        for bad in ["", "a b", "\n", "\u{e4}"] {
            assert!(refused(TokenSource::Fixed(bad.into())).starts_with("token:"));
        }
        assert!(refused(TokenSource::File("/nowhere/token".into())).contains("/nowhere/token"));
    }
}
