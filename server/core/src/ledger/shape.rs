//! Where the windows of a workspace's limits lie, and which limits continue when that changes.

use crate::ids::LimitId;
use crate::window::Grid;

/// The limits of a workspace in the order of policy, each with where its windows lie.
pub type Shape = Vec<(LimitId, Grid)>;

/// Which limit of the shape before each limit continues, by its place there: the one with the same windows under the same id, or
/// one whose id is gone.
pub(crate) fn continued(before: &Shape, now: &Shape) -> Vec<Option<usize>> {
    let same = |(id, grid): &(LimitId, Grid)| before.iter().position(|old| old.0 == *id && old.1 == *grid);
    let mut from: Vec<_> = now.iter().map(same).collect();
    for (place, (_, grid)) in now.iter().enumerate() {
        if from[place].is_none() {
            let free = |&old: &usize| before[old].1 == *grid && !from.contains(&Some(old));
            from[place] = (0..before.len()).find(free);
        }
    }
    from
}
