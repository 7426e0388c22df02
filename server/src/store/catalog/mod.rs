//! The catalog: workspaces, teams, domains, tokens, and the audit of what changed them, as documents in a store.
//!
//! Knows keys and messages; not what a valid workspace is, nor who may change it. Reading order: `error`, `keys`, `document`,
//! `stored`, `documents`, `audit`, `placement`, `change`.

mod audit;
mod change;
mod document;
mod documents;
mod error;
mod keys;
mod placement;
mod stored;
#[cfg(test)]
mod tests;

pub use audit::{AUDIT_KEPT, AUDIT_PAGE_MAX};
pub use change::CatalogChange;
pub use document::{Document, KeptPin, KeptToken};
pub use documents::{Catalog, KeptPolicy, PAGE_MAX};
pub use error::CatalogError;
pub(super) use keys::AUDIT_PREFIX;
pub(crate) use keys::PLACEMENT;
pub(crate) use keys::{TEAMS, WORKSPACES};
pub use keys::{domain_key, drain_key, pin_key, policy_key, policy_of, team_key, token_key, workspace_key};
pub use placement::PlacementKey;
pub use stored::Stored;
pub(super) use stored::readable;
