//! The catalog: workspaces, teams, tokens, and the audit of what changed them, as documents in a store.
//!
//! Knows keys and messages; not what a valid workspace is, nor who may change it. Reading order: `error`, `keys`, `document`,
//! `stored`, `documents`, `audit`, `change`.

mod audit;
mod change;
mod document;
mod documents;
mod error;
mod keys;
mod stored;
#[cfg(test)]
mod tests;

pub use audit::{AUDIT_KEPT, AUDIT_PAGE_MAX};
pub use change::CatalogChange;
pub use document::{Document, KeptToken};
pub use documents::{Catalog, PAGE_MAX};
pub use error::CatalogError;
pub(super) use keys::{AUDIT_PREFIX, WORKSPACES};
pub use keys::{policy_key, team_key, token_key, workspace_key};
pub use stored::Stored;
pub(super) use stored::readable;
