//! What happens to the workspace: windows roll, requests arrive, permits come back, settings change.

use apportion_core::ids::TeamId;
use apportion_core::permits::Permits;
use apportion_core::priority::Priority;
use apportion_core::scenario::{Arrivals, Change, Record, Verdict};

use super::request::Request;
use super::state::{BILLION, Oracle, permits};
use super::tree::{PRIORITIES, ROOT};

impl Oracle<'_> {
    /// A window starts.
    pub(super) fn roll(&mut self) {
        for leaf in self.tree.leaves[ROOT].clone() {
            for c in 0..PRIORITIES {
                let short = self.window >= 0 && self.has_arrived_in_time(leaf, c);
                self.tree.nodes[leaf].short[c] |= short;
            }
        }
        self.window += 1;
        self.budget = self.next_budget;
        self.left = self.budget - self.tree.nodes.iter().flat_map(|node| node.won_next).sum::<i128>();
        self.next_demand = None;
        self.carry_floors();
        self.tree.close_window();
        let heads = (0..PRIORITIES).filter_map(|c| self.largest_head(c)).max();
        self.largest = self.largest.max(heads.unwrap_or(1));
        self.expect();
        self.tree.forgive(self.budget, self.largest);
        self.largest = 1;
        self.refresh_all(); // heads that a cap stopped join again, without credit
    }

    /// Adds a floor to its unused part, of which no more is kept than one request needs.
    fn carry_floors(&mut self) {
        for c in 0..PRIORITIES {
            let unused = self.credit[c] - self.used[c] * BILLION;
            let most = self.largest_head(c).unwrap_or(0) * BILLION;
            self.credit[c] = self.floor[c] * self.budget + unused.min(most).max(0);
            self.used[c] = self.tree.nodes.iter().map(|node| node.won_next[c]).sum();
        }
    }

    fn largest_head(&self, c: usize) -> Option<i128> {
        self.tree.leaves[ROOT].iter().filter_map(|&leaf| self.head(leaf, c)).max()
    }

    /// Requests of a demand arrive.
    pub(super) fn arrive(&mut self, demand: usize) {
        let asked = &self.scenario.demand[demand];
        assert_eq!(asked.permits, asked.min_permits, "the oracle grants all or nothing");
        let leaf = self.place(&asked.team);
        let (count, is_backlog, think) = match asked.shape {
            Arrivals::Backlog { .. } => (self.scenario.backlog(), true, None),
            Arrivals::Once { count, .. } | Arrivals::PerWindow { count, .. } => (count, false, None),
            Arrivals::Workers { count, think, .. } => (count, false, Some(i128::from(think.as_ns()))),
        };
        let is_alone = asked.max_wait.is_some() || think.is_some(); // each is answered by itself
        let (batches, size) = if is_alone { (count, 1) } else { (1, count) };
        let request = Request {
            leaf,
            priority: self.served_at(demand),
            permits: i128::from(asked.permits.get()),
            count: size,
            arrived: self.now,
            deadline: self.deadline(demand),
            demand,
            is_backlog,
            think,
        };
        for _ in 0..batches {
            self.enqueue(request.clone());
        }
        self.refresh(leaf);
    }

    fn enqueue(&mut self, request: Request) {
        if request.permits > self.largest_request(request.leaf) {
            let place = self.requests.len();
            let answers = if request.is_backlog { 1 } else { request.count };
            self.requests.push(Request { count: 0, ..request });
            for _ in 0..answers {
                self.reject(place, Verdict::Invalid, None);
            }
        } else {
            let has_deadline = request.deadline.is_some();
            let place = self.push(request);
            self.fresh.extend(has_deadline.then_some(place));
        }
    }

    /// The priority of a demand: its team's if it names none, and none above the highest of its path.
    fn served_at(&self, demand: usize) -> usize {
        let asked = &self.scenario.demand[demand];
        let leaf = self.place(&asked.team);
        let wanted = asked.priority.map_or(self.tree.nodes[leaf].usual, Priority::index);
        self.tree.path[leaf].iter().fold(wanted, |c, &v| c.max(self.tree.nodes[v].highest))
    }

    /// Requests that wait at a leaf are queued again under the present settings, in the order of arrival.
    fn requeue(&mut self, leaf: usize) {
        let queues = self.tree.nodes[leaf].queue.iter_mut().map(std::mem::take);
        let mut waiting: Vec<usize> = queues.flatten().collect();
        waiting.sort_unstable();
        self.tree.nodes[leaf].queued = [0; PRIORITIES];
        for place in waiting {
            let c = self.served_at(self.requests[place].demand);
            let request = &mut self.requests[place];
            request.priority = c;
            self.tree.nodes[leaf].queued[c] += request.permits * i128::from(request.count);
            self.tree.nodes[leaf].queue[c].push_back(place);
        }
    }

    /// Workers whose pause is over ask again.
    pub(super) fn ask_again(&mut self) {
        while let Some(due) = self.thinking.first().copied().filter(|due| due.at == self.now) {
            self.thinking.remove(&due);
            let old = self.requests[due.request].clone();
            let deadline = self.deadline(old.demand);
            let (leaf, priority) = (old.leaf, self.served_at(old.demand));
            self.enqueue(Request { count: 1, priority, arrived: self.now, deadline, ..old });
            self.refresh(leaf);
        }
    }

    /// An event of the scenario.
    pub(super) fn change(&mut self, change: &Change) {
        match change {
            Change::SetBudget { permits, .. } => {
                self.next_budget = i128::from(permits.get());
                self.next_demand = None;
            }
            Change::SetTeam { id, weight, reservation, cap, priority, highest_priority } => {
                let v = self.place(id);
                let node = &mut self.tree.nodes[v];
                node.usual = priority.map_or(node.usual, Priority::index);
                node.highest = highest_priority.map_or(node.highest, Priority::index);
                self.set_team(v, *weight, *reservation, *cap);
                self.next_demand = None;
            }
            Change::Return { team, permits } => self.give_back(team, i128::from(permits.get())),
            Change::Upstream { remaining: Some(remaining), permits: None, throttled: false, .. } => {
                self.left = self.left.min(i128::from(remaining.get()));
            }
            Change::Cancel { tag } => self.cancel(tag),
            other => panic!("the oracle does not know {other:?}"),
        }
    }

    fn set_team(
        &mut self,
        v: usize,
        weight: Option<u32>,
        reservation: Option<Permits>,
        cap: Option<Option<Permits>>,
    ) {
        if let Some(weight) = weight {
            self.tree.set_weight(v, i128::from(weight));
        }
        let node = &mut self.tree.nodes[v];
        node.reservation = reservation.map_or(node.reservation, |n| i128::from(n.get()));
        node.cap = cap.map_or(node.cap, |cap| cap.map(|n| i128::from(n.get())));
        let leaves = self.tree.leaves[v].clone();
        leaves.iter().for_each(|&leaf| self.requeue(leaf));
        leaves.iter().for_each(|&leaf| self.refresh(leaf));
    }

    fn give_back(&mut self, team: &TeamId, back: i128) {
        let (leaf, by_clock) = (self.place(team), self.by_clock());
        // Leases end with their window by the clock.
        self.tree.nodes[leaf].leases.retain(|lease| lease.by_clock == by_clock);
        let mut accepted = 0;
        while accepted < back {
            let Some(lease) = self.tree.nodes[leaf].leases.front_mut() else { break };
            let n = lease.permits.min(back - accepted);
            lease.permits -= n;
            let (c, holder, is_empty, is_edge) =
                (lease.priority, lease.holder, lease.permits == 0, lease.is_edge);
            if is_empty {
                self.tree.nodes[leaf].leases.pop_front();
            }
            accepted += n;
            self.left += n;
            self.used[c] -= n;
            self.win(leaf, c, -n, is_edge);
            self.tree.charge(leaf, c, -n, holder);
            self.refresh_around(leaf);
        }
        self.log.push(Record::Return {
            at: self.instant(),
            team: team.clone(),
            permits: permits(back),
            accepted: permits(accepted),
            window: self.by_clock(),
        });
    }

    fn cancel(&mut self, tag: &str) {
        for place in 0..self.requests.len() {
            let demand = &self.scenario.demand[self.requests[place].demand];
            if demand.tag.as_deref() == Some(tag) {
                self.withdraw(place);
            }
        }
        self.refresh_all();
    }
}
