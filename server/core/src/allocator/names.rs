//! Which node of the tree bears which team's name: a sorted list, as small as its teams are few.

use crate::ids::TeamId;
use crate::share::tree::NodeIx;

/// The nodes of all teams, in order of their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Vec<(TeamId, NodeIx)>);

impl Names {
    fn place(&self, id: &TeamId) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(id))
    }

    /// The node of a team.
    pub(super) fn get(&self, id: &TeamId) -> Option<NodeIx> {
        self.place(id).ok().map(|at| self.0[at].1)
    }

    /// Makes room for so many teams and no more.
    pub(super) fn reserve(&mut self, teams: usize) {
        self.0.reserve_exact(teams.saturating_sub(self.0.len()));
    }

    /// A team got a node.
    pub(super) fn insert(&mut self, id: TeamId, v: NodeIx) {
        match self.place(&id) {
            Ok(at) => self.0[at].1 = v,
            Err(at) => self.0.insert(at, (id, v)),
        }
    }

    /// A node was removed.
    pub(super) fn remove(&mut self, v: NodeIx) {
        self.0.retain(|(_, known)| *known != v);
    }

    /// All teams and their nodes.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&TeamId, NodeIx)> {
        self.0.iter().map(|(id, v)| (id, *v))
    }

    /// All nodes but the root.
    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeIx> {
        self.0.iter().map(|(_, v)| *v)
    }
}
