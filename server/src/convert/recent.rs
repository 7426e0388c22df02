//! The names in recent messages of one stream. A message that repeats them is neither checked nor allocated again.

use super::field::{Name, name};
use crate::error::FieldError;
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};

/// Names of each kind that are remembered. A stream mostly sends a few, in many messages.
const REMEMBERED: usize = 16;

/// The names of recent messages.
#[derive(Debug, Default)]
pub struct RecentNames {
    pub(super) workspaces: Recent<WorkspaceId>,
    pub(super) teams: Recent<TeamId>,
    pub(super) callers: Recent<CallerId>,
}

/// Recent names of one kind, each in the place that its text selects. A name replaces another one in the same place.
#[derive(Debug)]
pub(super) struct Recent<N>([Option<N>; REMEMBERED]);

impl<N> Default for Recent<N> {
    fn default() -> Self {
        Self([const { None }; REMEMBERED])
    }
}

impl<N: Name + Clone> Recent<N> {
    /// The name that a field holds, or `default` where the field is absent.
    pub(super) fn name_or(&mut self, path: &str, held: &str, default: &str) -> Result<N, FieldError> {
        let held = if held.is_empty() { default } else { held };
        // Names of one stream mostly differ in their last character.
        let last = held.bytes().next_back().map_or(0, usize::from);
        let place = &mut self.0[(held.len() + last) % REMEMBERED];
        if let Some(known) = place.as_ref().filter(|known| known.text() == held) {
            return Ok(known.clone());
        }
        let new: N = name(path, held)?;
        *place = Some(new.clone());
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_one_that_was_sent_whatever_came_before() {
        let mut recent = Recent::<TeamId>::default();
        for n in [1, 17, 1, 2, 33, 33, 1] {
            let sent = format!("team-{n}");
            assert_eq!(recent.name_or("team", &sent, "default").expect("a name").as_str(), sent);
        }
        assert_eq!(recent.name_or("team", "", "default").expect("a name").as_str(), "default");
    }

    #[test]
    fn a_malformed_name_is_refused_and_not_remembered() {
        let mut recent = Recent::<TeamId>::default();
        for _ in 0..2 {
            let error = recent.name_or("team", "a/b", "default").expect_err("it is refused");
            assert!(error.to_string().starts_with("team: the character '/' at byte 1"), "{error}");
        }
    }
}
