//! What all parts of the laboratory agree on.

use std::time::Duration;

/// The workspace whose budget the clients share.
pub(super) const WORKSPACE: &str = "shared";
/// The secret of the administrator, and of every client.
pub(super) const SECRET: &str = "secret-of-the-laboratory";
/// The nodes that always take part.
pub(super) const NODES: usize = 3;
/// Longest time until something that is waited for has happened.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

/// An error that a client saw: when, in nanoseconds since the Unix epoch, and its name.
pub type SeenError = (u64, String);
