//! Tags and virtual times: how much each node has had, and which is next. ARCHITECTURE.md, *Who is next*.

use super::tree::{PRIORITIES, ROOT, Tree};

/// One permit of a node of weight 1 on the scale of tags.
pub(super) const SCALE: i128 = 1 << 32;

/// How far `n` permits (negative: returned) advance a tag; truncated.
pub(super) fn step(n: i128, weight: i128) -> i128 {
    n * SCALE / weight
}

impl Tree {
    /// The weighted mean of the tags of some nodes, rounded down; none without members.
    fn mean(&self, members: impl Iterator<Item = usize>, c: usize) -> Option<i128> {
        let (mut total, mut weights) = (0, 0);
        for v in members {
            total += self.nodes[v].weight * self.nodes[v].tag[c];
            weights += self.nodes[v].weight;
        }
        (weights > 0).then(|| total.div_euclid(weights))
    }

    /// Recomputes the virtual time of a group after a grant, a return or a leave.
    pub(super) fn update_time(&mut self, group: usize, c: usize) {
        let least = self.waiting(group, c).map(|ch| self.nodes[ch].tag[c]).min();
        let Some(least) = least else {
            self.nodes[group].group_period[c] += 1; // no child waits: all debts of the group are void
            return;
        };
        let now = self.mean(self.regular(group, c), c).unwrap_or(least);
        self.nodes[group].time[c] = now;
        for ch in self.children[group].clone() {
            let node = &mut self.nodes[ch];
            if node.waits[c] && node.tag[c] <= now {
                node.debt[c] = 0; // paid
            }
        }
    }

    /// The tag of a node that did not wait: no credit, but debt stays while its group is busy.
    pub(super) fn catch_up(&mut self, v: usize, c: usize) {
        let group = &self.nodes[self.parent[v]];
        let (period, time) = (group.group_period[c], group.time[c]);
        let node = &mut self.nodes[v];
        if node.period[c] != period || node.tag[c] <= time {
            node.period[c] = period;
            node.tag[c] = time;
            node.debt[c] = 0;
        }
    }

    /// Charges `n` permits (negative: returned) to every node of the path, in every priority where it counts. Below `holder`, whose
    /// reservation was used (the root: none), the leaf was chosen by tags.
    pub(super) fn charge(&mut self, leaf: usize, priority: usize, n: i128, holder: usize) {
        let mut by_tag = true;
        for v in self.path[leaf].clone() {
            self.nodes[v].granted += n;
            by_tag &= v != holder;
            for c in 0..PRIORITIES {
                self.charge_node(v, c, n, by_tag && c == priority);
            }
        }
        for v in self.path[leaf].clone() {
            for c in 0..PRIORITIES {
                if self.waiting(self.parent[v], c).next().is_some() {
                    self.update_time(self.parent[v], c);
                }
            }
        }
    }

    fn charge_node(&mut self, v: usize, c: usize, n: i128, is_chosen: bool) {
        let group = self.parent[v];
        if self.waiting(group, c).next().is_none() {
            return; // no sibling waits: using idle capacity is no debt
        }
        if !self.nodes[v].waits[c] {
            self.catch_up(v, c);
        }
        let mean = self.mean(self.regular(group, c), c);
        let node = &mut self.nodes[v];
        let is_in_turn = is_chosen && node.debt[c] == 0 && mean.is_some_and(|mean| node.tag[c] <= mean);
        let step = step(n, node.weight);
        node.tag[c] += step;
        if !is_in_turn {
            node.debt[c] = (node.debt[c] + step).max(0);
        }
    }

    /// A new weight: the lag in permits stays what it is.
    pub(super) fn set_weight(&mut self, v: usize, weight: i128) {
        let time = self.nodes[self.parent[v]].time;
        let node = &mut self.nodes[v];
        let old = std::mem::replace(&mut node.weight, weight);
        for (c, time) in time.into_iter().enumerate() {
            node.tag[c] = time + ((node.tag[c] - time) * old).div_euclid(weight);
            node.debt[c] = (node.debt[c] * old).div_euclid(weight);
        }
    }

    /// At the start of a window: no debt exceeds one window's fair share, or one request.
    pub(super) fn forgive(&mut self, budget: i128, largest: i128) {
        self.forgive_group(ROOT, budget * SCALE, largest);
    }

    fn forgive_group(&mut self, group: usize, share: i128, largest: i128) {
        let children = self.children[group].clone();
        let active: Vec<usize> =
            children.iter().copied().filter(|&ch| self.nodes[ch].waits_anywhere()).collect();
        let total: i128 = active.iter().map(|&ch| self.nodes[ch].weight).sum();
        for c in 0..PRIORITIES {
            for &ch in &children {
                let weight = self.nodes[ch].weight;
                let rivals = if active.contains(&ch) { total } else { total + weight };
                self.forgive_node(ch, c, share / rivals, step(largest, weight));
            }
            if self.waiting(group, c).next().is_some() {
                self.update_time(group, c);
            }
        }
        for ch in active {
            self.forgive_group(ch, share / total * self.nodes[ch].weight, largest);
        }
    }

    fn forgive_node(&mut self, v: usize, c: usize, fair: i128, request: i128) {
        let group = &self.nodes[self.parent[v]];
        let (time, period) = (group.time[c], group.group_period[c]);
        let node = &mut self.nodes[v];
        if node.period[c] != period {
            return;
        }
        let (most, least) = (time + fair.max(request), time - fair - request);
        if node.debt[c] > 0 && node.tag[c] > most {
            let cut = node.debt[c].min(node.tag[c] - most);
            node.tag[c] -= cut;
            node.debt[c] -= cut;
        } else if node.waits[c] && node.tag[c] < least {
            node.tag[c] = least; // a head that has fitted into no window
        }
    }
}
