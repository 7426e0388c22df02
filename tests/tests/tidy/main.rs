//! Rules of this repository that no tool checks. CONTRIBUTING.md says why each stands.
//!
//! Each rule reads the sources as text and lists every place that breaks it, with what to do there.

mod lexer;
mod licences;
mod source;

mod item;
mod module;

mod tree;

mod graph;

mod circles;

mod core_rules;
mod dependencies;
mod naming;
mod security_claims;
mod size;
mod test_rules;
mod type_names;
mod versions;
