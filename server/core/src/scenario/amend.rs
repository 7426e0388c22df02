//! What an event of a scenario changes of its policy.

use super::event::Change;
use crate::policy::Policy;

/// Applies a change to a policy; one that does not concern policy changes nothing.
pub fn amend(policy: &mut Policy, change: &Change) {
    match change {
        Change::SetTeam { id, weight, reservation, cap, priority, highest_priority } => {
            if let Some(team) = policy.teams.iter_mut().find(|team| team.id == *id) {
                team.weight = weight.unwrap_or(team.weight);
                team.reservation = reservation.unwrap_or(team.reservation);
                team.cap = cap.unwrap_or(team.cap);
                team.priority = priority.unwrap_or(team.priority);
                team.highest_priority = highest_priority.unwrap_or(team.highest_priority);
            }
        }
        Change::AddTeam(team) => policy.teams.push(team.clone()),
        Change::RemoveTeam { id } => policy.teams.retain(|team| team.id != *id),
        Change::SetBudget { limit, permits } => {
            if let Some(limit) = policy.limits.iter_mut().find(|known| known.id == *limit) {
                limit.permits = *permits;
            }
        }
        Change::Return { .. } | Change::Upstream { .. } | Change::Cancel { .. } => {}
    }
}
