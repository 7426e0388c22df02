//! The flags that every change of a workspace, team or domain has.

/// The conditions of a change.
#[derive(clap::Args)]
pub(crate) struct Conditions {
    /// Fail unless this is the current etag
    #[arg(long, default_value = "")]
    pub(super) etag: String,
    /// Validate the request without making the change
    #[arg(long)]
    pub(super) validate_only: bool,
}
