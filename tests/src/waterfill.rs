//! The exact target of a window: water-filling down the tree of teams, a = min(demand, clamp(weight · x,
//! reservation, cap)) with x such that the parts of a group add up to what the group has.

use crate::ratio::Ratio;
use apportion_core::policy::Policy;

/// A part of a group, as water-filling sees it.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its share of what is contended.
    pub weight: i128,
    /// Never below this, as far as it asks for it.
    pub least: Ratio,
    /// Never above this: what it asks for, or its cap.
    pub most: Option<Ratio>,
}

impl Part {
    fn at(self, level: Ratio) -> Ratio {
        let wanted = (level * Ratio::whole(self.weight)).max(self.least);
        self.most.map_or(wanted, |most| wanted.min(most))
    }

    /// The levels at which it starts to grow and stops growing.
    fn bends(self) -> impl Iterator<Item = Ratio> {
        let weight = Ratio::whole(self.weight);
        std::iter::once(self.least / weight).chain(self.most.map(|most| most / weight))
    }
}

/// Divides `amount` among parts, exactly. Where their guarantees add up to more than that, they shrink in proportion.
pub fn divide(amount: Ratio, parts: &[Part]) -> Vec<Ratio> {
    let sum = |level: Ratio| parts.iter().fold(Ratio::ZERO, |sum, part| sum + part.at(level));
    let sure = sum(Ratio::ZERO);
    if sure >= amount && sure > Ratio::ZERO {
        return parts.iter().map(|part| part.at(Ratio::ZERO) * (amount / sure)).collect();
    }
    let mut bends: Vec<Ratio> = parts.iter().flat_map(|part| part.bends()).collect();
    bends.sort();
    let below = bends.iter().copied().filter(|&level| sum(level) <= amount).max().unwrap_or(Ratio::ZERO);
    let above = bends.iter().copied().find(|&level| level > below);
    let beyond = above.unwrap_or(below + Ratio::whole(1));
    let (low, high) = (sum(below), sum(beyond));
    let level = if high > low {
        below + (beyond - below) * ((amount - low) / (high - low))
    } else {
        below // no part wants more
    };
    parts.iter().map(|part| part.at(level)).collect()
}

/// What each team (inner ones too) gets of `budget` permits where the leaves ask for `demand`; none: without bound.
/// Both are in order of definition, the demand of inner teams is not read. Where all teams together reserve more than
/// the budget, asked for or not, every reservation shrinks in proportion.
pub fn target(policy: &Policy, budget: u32, demand: &[Option<u32>]) -> Vec<Ratio> {
    let mut shares = vec![Ratio::ZERO; policy.teams.len()];
    let mut fill = Fill { policy, demand, scale: Ratio::whole(1) };
    let budget = Ratio::whole(i128::from(budget));
    let reserved = fill.children(None).into_iter().fold(Ratio::ZERO, |sum, team| sum + fill.reserved(team));
    if reserved > budget {
        fill.scale = budget / reserved;
    }
    fill.group(None, budget, &mut shares);
    shares
}

struct Fill<'a> {
    policy: &'a Policy,
    demand: &'a [Option<u32>],
    /// The part of every reservation that is in force.
    scale: Ratio,
}

impl Fill<'_> {
    fn children(&self, parent: Option<usize>) -> Vec<usize> {
        let teams = &self.policy.teams;
        let parent = parent.map(|k| &teams[k].id);
        (0..teams.len()).filter(|&k| teams[k].parent.as_ref() == parent).collect()
    }

    fn group(&self, parent: Option<usize>, amount: Ratio, shares: &mut [Ratio]) {
        let children = self.children(parent);
        let parts: Vec<Part> = children.iter().map(|&k| self.part(k)).collect();
        for (&child, share) in children.iter().zip(divide(amount, &parts)) {
            shares[child] = share;
            self.group(Some(child), share, shares);
        }
    }

    fn part(&self, team: usize) -> Part {
        Part {
            weight: i128::from(self.policy.teams[team].weight),
            least: self.sure(team),
            most: self.asks(team),
        }
    }

    /// What a subtree would take within every cap in it. (The core's forecast of demand, `share::waterfill`, applies only the cap at
    /// its top here, and those below on the way down.)
    fn asks(&self, team: usize) -> Option<Ratio> {
        let children = self.children(Some(team));
        let whole = |n: u32| Ratio::whole(i128::from(n));
        let wish = if children.is_empty() {
            self.demand[team].map(whole)
        } else {
            children.iter().try_fold(Ratio::ZERO, |sum, &child| Some(sum + self.asks(child)?))
        };
        let cap = self.policy.teams[team].cap.map(|cap| whole(cap.get()));
        match (wish, cap) {
            (Some(wish), Some(cap)) => Some(wish.min(cap)),
            (wish, cap) => wish.or(cap),
        }
    }

    fn reservation(&self, team: usize) -> Ratio {
        Ratio::whole(i128::from(self.policy.teams[team].reservation.get()))
    }

    /// What a subtree reserves: nested reservations do not add up.
    fn reserved(&self, team: usize) -> Ratio {
        let below = self.children(Some(team)).into_iter();
        self.reservation(team).max(below.fold(Ratio::ZERO, |sum, child| sum + self.reserved(child)))
    }

    /// What a subtree is guaranteed: no more than it asks for.
    fn sure(&self, team: usize) -> Ratio {
        let below = self.children(Some(team)).into_iter();
        let below = below.fold(Ratio::ZERO, |sum, child| sum + self.sure(child));
        let sure = (self.reservation(team) * self.scale).max(below);
        self.asks(team).map_or(sure, |most| sure.min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(weight: i128, least: i128, most: Option<i128>) -> Part {
        Part { weight, least: Ratio::whole(least), most: most.map(Ratio::whole) }
    }

    fn check(amount: i128, parts: &[Part], expected: &[(i128, i128)]) {
        let expected: Vec<Ratio> = expected.iter().map(|&(over, under)| Ratio::new(over, under)).collect();
        assert_eq!(divide(Ratio::whole(amount), parts), expected);
    }

    #[test]
    fn weights_divide_what_is_contended() {
        check(10, &[part(1, 0, None), part(2, 0, None)], &[(10, 3), (20, 3)]);
    }

    #[test]
    fn a_reservation_is_a_lower_bound_and_not_an_addition() {
        check(166, &[part(1, 50, None), part(9, 0, None)], &[(50, 1), (116, 1)]);
        check(166, &[part(1, 50, None), part(1, 0, None)], &[(83, 1), (83, 1)]);
    }

    #[test]
    fn what_one_does_not_ask_for_goes_to_the_others() {
        check(100, &[part(1, 0, Some(10)), part(1, 0, None), part(2, 0, None)], &[(10, 1), (30, 1), (60, 1)]);
        check(100, &[part(1, 0, Some(10)), part(1, 0, Some(20))], &[(10, 1), (20, 1)]);
    }

    #[test]
    fn reservations_above_the_budget_shrink_in_proportion() {
        check(30, &[part(1, 40, None), part(1, 20, None), part(1, 0, None)], &[(20, 1), (10, 1), (0, 1)]);
    }
}
