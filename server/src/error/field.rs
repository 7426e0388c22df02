//! A field that is wrong: its path, what it held, and what it may hold.

use thiserror::Error;

/// A field that is out of its bounds, malformed or missing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {problem}")]
pub struct FieldError {
    path: String,
    problem: String,
}

impl FieldError {
    /// The field at `path`, such as `observations[2].limit`, with what is wrong with it and what is allowed.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into() }
    }

    /// A required field that is absent.
    pub fn missing(path: impl Into<String>) -> Self {
        Self::new(path, "must not be absent")
    }

    /// The path of the field in the request.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong with it, and what is allowed.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// The same fault in a message that stands at `path` of a larger one.
    #[must_use]
    pub fn under(mut self, path: &str) -> Self {
        self.path = format!("{path}.{}", self.path);
        self
    }
}
