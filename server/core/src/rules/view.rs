//! What the rules read.

use crate::contest::Contest;
use crate::policy::Policy;
use crate::windows::Windows;

/// A view of a workspace to which the rules are applied.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) contest: &'a Contest,
    pub(crate) windows: &'a Windows,
}
