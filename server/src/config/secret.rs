//! Secrets of the environment.

use super::error::ConfigError;
use std::fmt;

/// The variable with the secret of a token with the role admin. Not a flag: other users can read the flags of a process.
pub const ADMIN_TOKEN: &str = "APPORTION_ADMIN_TOKEN";
/// The shortest secret of [`ADMIN_TOKEN`], in bytes.
const ADMIN_TOKEN_LEAST: usize = 16;
/// The longest secret of [`ADMIN_TOKEN`], in bytes: it must fit into a header.
const ADMIN_TOKEN_MOST: usize = 1_024;

/// Text that is never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself. Do not log it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<secret>")
    }
}

/// The secret of [`ADMIN_TOKEN`]: long enough not to be guessed, and valid in a header. Surrounding whitespace, which comes from files,
/// is dropped; an empty variable is none.
pub(super) fn admin_token(text: &str) -> Result<Option<Secret>, ConfigError> {
    if text.is_empty() {
        return Ok(None);
    }
    let secret = text.trim();
    let is_long = (ADMIN_TOKEN_LEAST..=ADMIN_TOKEN_MOST).contains(&secret.len());
    if is_long && secret.chars().all(|c| c.is_ascii_graphic()) {
        Ok(Some(Secret::new(secret.into())))
    } else {
        Err(ConfigError::AdminToken)
    }
}
