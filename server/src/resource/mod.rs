//! The fields of resources that people set: one table for each resource. Update masks, the audit, the text form, and the flags and
//! file keys of the command line derive from it.
//!
//! A new field needs a row here, besides the contract, the core's policy and the conversion between the two (`convert`).

mod fields;

mod field;

mod types;

mod domain;
mod team;
mod token;
mod workspace;

mod mask;

pub use field::{Field, FieldKind, FieldValue, Resource, fields_of};
pub use fields::{Fields, differences};
pub use token::token_fields;

pub(crate) use fields::under;
pub(crate) use mask::{update_domain, update_team, update_workspace};

#[cfg(test)]
mod tests;
