//! Which node of the tree has which team: a sorted list, as small as its teams are few.

use crate::ids::TeamId;
use crate::share::tree::NodeIx;

/// So few are looked through: names of other lengths differ without a look at their text.
const FEW: usize = 16;

/// The nodes of all teams, in order of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Vec<(TeamId, NodeIx)>);

impl Names {
    fn place(&self, id: &TeamId) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(id))
    }

    /// The node of a team.
    pub(crate) fn get(&self, id: &TeamId) -> Option<NodeIx> {
        if self.0.len() <= FEW {
            return self.0.iter().find(|(known, _)| known == id).map(|(_, v)| *v);
        }
        self.place(id).ok().map(|at| self.0[at].1)
    }

    /// Reserves memory for so many teams and no more.
    pub(crate) fn reserve(&mut self, teams: usize) {
        self.0.reserve_exact(teams.saturating_sub(self.0.len()));
    }

    /// Names the node of a team.
    pub(crate) fn insert(&mut self, id: TeamId, v: NodeIx) {
        match self.place(&id) {
            Ok(at) => self.0[at].1 = v,
            Err(at) => self.0.insert(at, (id, v)),
        }
    }

    /// Forgets a node that was removed.
    pub(crate) fn remove(&mut self, v: NodeIx) {
        self.0.retain(|(_, known)| *known != v);
    }

    /// The team of a node.
    pub(crate) fn of(&self, v: NodeIx) -> Option<&TeamId> {
        self.0.iter().find(|(_, known)| *known == v).map(|(id, _)| id)
    }

    /// All teams and their nodes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&TeamId, NodeIx)> {
        self.0.iter().map(|(id, v)| (id, *v))
    }

    /// All nodes but the root.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeIx> {
        self.0.iter().map(|(_, v)| *v)
    }
}
