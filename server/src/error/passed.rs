//! The error of another node that decided on a call.

use apportion_core::ids::LimitId;
use apportion_core::time::Span;

/// An error as the node that decided worded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedError {
    /// The number of the reason in the contract.
    pub reason: i32,
    /// The text.
    pub message: String,
    /// When to retry.
    pub retry_after: Option<Span>,
    /// The limit that it is about.
    pub limit: Option<LimitId>,
    /// The path of the field at fault.
    pub field: Option<String>,
}
