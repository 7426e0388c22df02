//! Why bytes are no record.

use apportion_core::ids::NameError;
use thiserror::Error;

/// Why bytes are no record.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum RecordError {
    /// There is not a single byte.
    #[error("the record is empty")]
    Empty,
    /// A newer program wrote it.
    #[error("the record has version {found}, this program knows version {known}")]
    Version {
        /// The version found.
        found: u8,
        /// The version that this program knows.
        known: u8,
    },
    /// It is not protobuf.
    #[error("the record cannot be read: {0}")]
    Malformed(String),
    /// A name that nothing may have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A number of permits that is too large.
    #[error("{0} permits are too many")]
    Permits(u32),
    /// A number of another length than 16 bytes.
    #[error("a number has {0} bytes instead of 16")]
    Number(usize),
    /// The same mark or limit is there twice.
    #[error("the record has {0} twice")]
    Twice(String),
    /// More than a record holds.
    #[error("the record has more than {0} entries of a kind")]
    TooMany(usize),
}

impl From<prost::DecodeError> for RecordError {
    fn from(error: prost::DecodeError) -> Self {
        Self::Malformed(error.to_string())
    }
}
