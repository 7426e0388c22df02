//! Why the catalog cannot answer.

use super::super::error::StoreError;
use thiserror::Error;

/// Why the catalog cannot answer.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CatalogError {
    /// A document has another version than the change expects; nothing was changed.
    #[error("the document has been changed meanwhile")]
    Conflict,
    /// It cannot be known whether the change was made.
    #[error("it is not known whether the change was made: {0}")]
    Unknown(String),
    /// A document cannot be read.
    #[error("{key} cannot be read: {why}")]
    Damaged {
        /// Its key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// The store cannot be used; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
