//! Why a change of policy failed, and whether it may be tried again.

use crate::error::{Error, FieldError};
use crate::store::catalog::CatalogError;

/// Why an attempt at a change failed.
#[derive(Debug)]
pub(super) enum ChangeError {
    /// The call fails.
    Error(Error),
    /// Another change came first: it may be tried again.
    Conflict,
}

impl From<Error> for ChangeError {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<FieldError> for ChangeError {
    fn from(error: FieldError) -> Self {
        Self::Error(error.into())
    }
}

impl From<CatalogError> for ChangeError {
    fn from(error: CatalogError) -> Self {
        if error == CatalogError::Conflict { Self::Conflict } else { Self::Error(catalog_error(&error)) }
    }
}

/// The error of a call whose catalog cannot answer.
pub(super) fn catalog_error(error: &CatalogError) -> Error {
    tracing::error!(%error, "the catalog cannot answer");
    match error {
        CatalogError::Damaged { .. } => Error::Internal("a document in the store cannot be read"),
        _ => Error::StoreLost,
    }
}
