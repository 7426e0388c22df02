//! The order in which teams are shown.

use super::model::{TeamRow, View};

/// The order of the teams.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Sort {
    /// Subteams follow their parent.
    #[default]
    Tree,
    /// By granted permits, most first.
    Granted,
    /// By waiting permits, most first.
    Waiting,
    /// By 99th percentile, slowest first.
    Slowest,
}

impl Sort {
    /// The next order, cyclic.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Tree => Self::Granted,
            Self::Granted => Self::Waiting,
            Self::Waiting => Self::Slowest,
            Self::Slowest => Self::Tree,
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Granted => "granted",
            Self::Waiting => "waiting",
            Self::Slowest => "p99",
        }
    }
}

impl View {
    /// The teams in this order. Only the tree is nested.
    pub(super) fn sorted(&self, sort: Sort) -> Vec<TeamRow> {
        let mut teams = self.teams.clone();
        if sort != Sort::Tree {
            teams.iter_mut().for_each(|team| team.depth = 0);
        }
        teams.sort_by(|a, b| {
            let order = match sort {
                Sort::Tree => return std::cmp::Ordering::Equal,
                Sort::Granted => b.granted.cmp(&a.granted),
                Sort::Waiting => b.waiting.cmp(&a.waiting),
                Sort::Slowest => b.p99.cmp(&a.p99),
            };
            order.then_with(|| a.id.cmp(&b.id))
        });
        teams
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orders_are_cyclic() {
        let mut sort = Sort::default();
        let names = [(); 4].map(|()| {
            let name = sort.name();
            sort = sort.next();
            name
        });
        assert_eq!((names, sort), (["tree", "granted", "waiting", "p99"], Sort::Tree));
    }
}
