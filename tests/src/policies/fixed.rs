//! What no change of policy touches: the margins of every limit, and the names of the teams.

use apportion_core::policy::Margins;
use apportion_core::time::Span;

/// The margins of every limit.
pub(super) const MARGINS: Margins =
    Margins { start: Span::from_ms(20), guard: Span::from_ms(500), life: Span::from_ms(200) };

/// The team with a cap, and the one without.
pub(super) const TEAMS: [&str; 2] = ["capped", "free"];
