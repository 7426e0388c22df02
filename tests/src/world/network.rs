//! What is between the nodes, the store and the clients: delays, lost answers, late commits, repeats.
//!
//! Decides what becomes of a message; knows none of the rules it carries.

use super::grants::Ask;
use super::message::{Act, Attempt, Lease};
use super::plan::MS;
use super::{Event, World, client};
use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{ReadOutcome, ScanOutcome, Swap, SwapOutcome, Token};
use apportion_core::permits::Permits;
use std::rc::Rc;

impl World {
    /// Carries out what a node does.
    pub(super) fn act(&mut self, place: usize) {
        let now = self.nodes[place].clock(self.now);
        for act in self.nodes[place].act(now) {
            if !matches!(act, Act::Swap(..) | Act::Read(_) | Act::Scan(..)) {
                self.say(|_| format!("node {place} at {now:?}: {act:?}"));
            }
            let life = self.nodes[place].life;
            match act {
                Act::Swap(token, swap) => self.send_swap(place, life, token, swap),
                Act::Read(token) => self.send_read(place, life, token),
                Act::Scan(token, after) => self.send_scan(place, life, token, after.as_ref()),
                Act::Answer(lease) => {
                    let travel = self.travel();
                    if !self.random.percent(if self.healed { 1 } else { 10 }) {
                        self.after(travel, Event::Answer { node: place, lease });
                    }
                }
                Act::Granted(keys, permits, capped) => {
                    keys.iter().for_each(|key| self.judge.grant(self.now, key, permits, capped));
                }
                Act::Returned(keys, permits, capped) => {
                    keys.iter().for_each(|key| self.judge.give_back(key, permits, capped));
                }
                Act::Said(_) => {}
            }
        }
    }

    fn send_swap(&mut self, node: usize, life: u64, token: Token, swap: Swap) {
        let kind = if self.healed { 99 } else { self.random.between(0, 99) };
        let lost = kind < 15;
        let timeout = self.random.between(50, 400) * MS;
        if lost {
            let (token, outcome) = (token.clone(), SwapOutcome::Unknown);
            self.after(timeout, Event::SwapDone { node, life, token, outcome });
        }
        // Of the lost ones a third never arrives, a third arrives long after the time-out.
        let down = self.now < self.store_down_until;
        if kind < 5 || (down && lost) {
            return;
        }
        if down {
            let outcome = SwapOutcome::Unknown;
            return self.after(timeout, Event::SwapDone { node, life, token, outcome });
        }
        let late = if (5..10).contains(&kind) { self.random.between(100, 2_500) * MS } else { 0 };
        let travel = self.travel() + late;
        self.after(travel, Event::SwapArrives { node, life, token, swap, answered: !lost });
    }

    fn send_read(&mut self, node: usize, life: u64, token: Token) {
        let travel = self.travel();
        let failed = self.read_fails(node);
        let [of_claim, of_marks] = [(); 2].map(|()| {
            let stale = !self.healed && self.random.percent(8);
            if stale { 1 + self.random.place(4) } else { 0 }
        });
        let outcome = if failed { ReadOutcome::Failed } else { self.store.read(&token, of_claim, of_marks) };
        self.after(travel, Event::ReadDone { node, life, token, outcome });
    }

    fn read_fails(&mut self, node: usize) -> bool {
        let fails_until = self.store_down_until.max(self.store_fails_until[node]);
        self.now < fails_until || (!self.healed && self.random.percent(10))
    }

    fn send_scan(&mut self, node: usize, life: u64, token: Token, after: Option<&WorkspaceId>) {
        let travel = self.travel();
        let outcome =
            if self.read_fails(node) { ScanOutcome::Failed } else { self.store.scan(&token, after) };
        self.after(travel, Event::ScanDone { node, life, token, outcome });
    }

    /// A client asks a node, mostly the one that serves; sometimes it repeats itself.
    pub(super) fn ask(&mut self, client: usize) {
        let pause = self.random.between(20, 260) * MS;
        self.after(pause, Event::Ask { client });
        let workspace = self.plan.workspaces[client % self.plan.workspaces.len()].clone();
        let serving: Vec<_> = (0..self.nodes.len()).filter(|&n| self.nodes[n].serves(&workspace)).collect();
        let node = match serving.is_empty() || self.random.percent(20) {
            true => self.random.place(self.nodes.len()),
            false => serving[self.random.place(serving.len())],
        };
        let ask =
            Ask { workspace, permits: Permits::clamped(self.random.between(1, 3)), capped: client % 3 == 1 };
        self.requests += 1;
        let mut attempt = Attempt { request: self.requests, ask, sent: self.now, forwarded: false };
        let travel = self.travel();
        self.after(travel, Event::Request { node, attempt: attempt.clone() });
        if self.random.percent(20) {
            let later = self.random.between(5, 1_500) * MS;
            attempt.sent += later;
            let travel = self.travel();
            self.after(later + travel, Event::Request { node, attempt });
        }
    }

    /// A node takes a request, or passes it on to the one that it takes for the owner: the last one that it heard of. At most one hop.
    pub(super) fn request(&mut self, node: usize, attempt: Attempt) {
        let now = self.nodes[node].clock(self.now);
        if self.nodes[node].request(now, attempt.clone()) {
            return;
        }
        let shard = self.plan.shard_of(&attempt.ask.workspace);
        let owner = self.heard[node][usize::from(shard)];
        if !attempt.forwarded && owner != node {
            let travel = self.travel();
            self.after(
                travel,
                Event::Request { node: owner, attempt: Attempt { forwarded: true, ..attempt } },
            );
        }
    }

    /// A client has an answer; a second one for the same lease changes nothing.
    pub(super) fn answered(&mut self, node: usize, lease: Lease) {
        if !self.seen.insert(lease.id) {
            return;
        }
        let used = client::use_lease(&mut self.random, self.now, &lease, self.plan.check_to_count);
        self.say(|_| format!("a client uses {lease:?}: {used:?}"));
        for at in used.arrivals {
            let workspace = lease.attempt.ask.workspace.clone();
            self.after(at - self.now, Event::Arrive { workspace });
        }
        if used.unused > 0 {
            let delay = self.random.between(0, 300) * MS;
            let travel = self.travel() + delay;
            let (_, life, request) = lease.id;
            self.after(travel, Event::Settle { node, life, request, unused: Permits::clamped(used.unused) });
        }
    }

    /// The provider counts a request, and may say what its budget is.
    pub(super) fn arrive(&mut self, workspace: &WorkspaceId) {
        self.say(|_| format!("the provider counts one for {workspace}"));
        self.judge.arrive(self.now, workspace);
        let plan = Rc::clone(&self.plan);
        for (rule, limit) in plan.rules_of(workspace) {
            let (budget, phase) = self.provider[rule];
            let differs = budget < limit.budget || phase != limit.grid.phase();
            if differs && self.random.percent(if self.healed { 100 } else { 6 }) {
                let serving = (0..self.nodes.len()).find(|&n| self.nodes[n].serves(workspace));
                if let Some(node) = serving {
                    self.after(MS, Event::Learn { node, rule, budget, phase });
                }
            }
        }
    }
}
