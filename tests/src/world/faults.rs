//! What goes wrong, how often, and how it stops: crashes, pauses, take-overs, hand-overs, clocks, backups, policies.

use super::node::Node;
use super::plan::{MS, Regime, timestamp};
use super::{Event, World};
use apportion_core::ledger::Version;
use apportion_core::permits::Permits;
use apportion_core::time::Span;
use std::rc::Rc;

impl World {
    /// One fault, and the next one later.
    pub(super) fn fault(&mut self) {
        if self.healed {
            return;
        }
        let pause = self.random.between(100, 900) * MS;
        self.after(pause, Event::Fault);
        let node = self.random.place(self.nodes.len());
        match self.random.between(0, 99) {
            0..14 => self.crash(node),
            14..28 => {
                let pause = self.random.between(50, 4_000) * MS;
                self.say(|_| format!("node {node} pauses for {} ms", pause / MS));
                self.paused_until[node] = self.now + pause;
            }
            28..46 => {
                let shard = self.any_shard();
                self.after(0, Event::TakeOver { node, shard });
            }
            46..62 => self.hand_over(),
            62..72 => self.set_clock(node),
            72..76 => self.store_down_until = self.now + self.random.between(100, 2_000) * MS,
            76..80 => self.io_error(node),
            80..85 => self.store.back_up(),
            85..89 => self.restore(),
            89..95 => self.change_policy(),
            95..97 => self.shrink(),
            97..98 => self.shift(),
            _ => self.throttle(node),
        }
    }

    fn any_shard(&mut self) -> u16 {
        let last = u64::from(self.plan.shards) - 1;
        u16::try_from(self.random.between(0, last)).expect("a shard")
    }

    /// Now and then somebody takes a shard over; where nobody serves, soon. Some hear who serves it now, and some do not.
    pub(super) fn elect(&mut self) {
        let pause = self.random.between(200, 600) * MS;
        self.after(pause, Event::Elect);
        for shard in 0..self.plan.shards {
            let serves = |n: &usize| !self.down[*n] && self.nodes[*n].host.is_serving(shard);
            let owner = (0..self.nodes.len()).find(serves);
            if owner.is_none() || (!self.healed && self.random.percent(5)) {
                let node = self.random.place(self.nodes.len());
                self.after(0, Event::TakeOver { node, shard });
            }
            for heard in owner.iter().flat_map(|_| 0..self.nodes.len()).collect::<Vec<_>>() {
                if self.random.percent(70) {
                    self.heard[heard][usize::from(shard)] = owner.unwrap_or(heard);
                }
            }
        }
    }

    /// Faults stop: everybody runs, clocks are within ε, and the world goes on for a while. Time first passes the
    /// windows that wrong clocks have used up.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        self.store_down_until = 0;
        self.store_fails_until.fill(0);
        if self.plan.regime == Regime::Wrong {
            let ends = self.store.marks().flat_map(|marks| {
                let entries = marks.account.former.iter().chain(&marks.account.past);
                let entries = entries.map(|entry| entry.spent.until);
                marks.marks.values().map(|mark| mark.window_end).chain(entries)
            });
            let used_up = ends.max().unwrap_or_default();
            self.now = self.now.max(used_up.as_ns() + 1);
        }
        for node in 0..self.nodes.len() {
            self.down[node] = false;
            self.paused_until[node] = 0;
            self.set_clock(node);
            self.after(MS, Event::Policy { node });
            self.after(MS, Event::Incarnation { node });
        }
        // A phase that is learned only now costs the windows that overlap the old ones.
        let shifted =
            (self.plan.rules.iter().zip(&self.provider)).any(|(rule, at)| rule.grid.phase() != at.1);
        let relearn = if shifted { self.plan.served_within } else { 0 };
        self.end = self.now + self.plan.healthy_for + relearn;
        self.say(|_| "faults stop".into());
    }

    /// Sets a node's clock as wrong as the regime allows.
    pub(super) fn set_clock(&mut self, node: usize) {
        let within = self.plan.horizon.clock_error.as_ns();
        let most = match self.plan.regime {
            Regime::Wrong if !self.healed && self.random.percent(60) => match self.random.percent(70) {
                true => 12_000 * MS,
                false => 180_000 * MS,
            },
            _ => within,
        };
        let ahead = match self.random.between(0, 3) {
            0 => 2 * most,
            1 => 0,
            _ => self.random.between(0, 2 * most),
        };
        let offset = i64::try_from(ahead).expect("minutes") - i64::try_from(most).expect("minutes");
        self.say(|_| format!("node {node}: clock off by {offset} ns"));
        self.nodes[node].clock_offset = offset;
    }

    fn crash(&mut self, place: usize) {
        self.say(|_| format!("node {place} crashes"));
        self.replace(place);
        self.down[place] = true;
        let pause = self.random.between(10, 2_000) * MS;
        self.after(pause, Event::Restart { node: place });
        if self.random.percent(50) {
            let shard = self.any_shard();
            self.after(pause + MS, Event::TakeOver { node: place, shard });
        }
    }

    /// Puts a new life of a node in its place.
    fn replace(&mut self, place: usize) {
        let (life, offset) = (self.nodes[place].life + 1, self.nodes[place].clock_offset);
        self.nodes[place] = Node::new(place, Rc::clone(&self.plan), life, self.random.wide());
        self.nodes[place].clock_offset = offset;
        self.read_policies(place);
    }

    fn hand_over(&mut self) {
        let shard = self.any_shard();
        let may = |n: &usize| {
            self.nodes[*n].host.is_serving(shard) && !self.down[*n] && self.paused_until[*n] <= self.now
        };
        let Some(from) = (0..self.nodes.len()).find(may) else { return };
        let to = (from + 1 + self.random.place(self.nodes.len() - 1)) % self.nodes.len();
        self.say(|_| format!("node {from} hands shard {shard} over to node {to}"));
        let (now, id) = (self.nodes[from].clock(self.now), self.nodes[to].id.clone());
        self.nodes[from].hand_over(now, shard, id);
        self.act(from);
        let delay = self.random.between(5, 400) * MS;
        self.after(delay, Event::TakeOver { node: to, shard });
    }

    /// For a while the store fails at every write of the node, though others see it, and answers no read.
    fn io_error(&mut self, node: usize) {
        if !self.down[node] && self.paused_until[node] <= self.now {
            self.say(|_| format!("node {node}: the store fails"));
            self.store_fails_until[node] = self.now + self.random.between(5, 500) * MS;
        }
    }

    /// A node that serves over another history than the store's is stopped, and starts again at once: a backup is restored only where
    /// no server runs.
    pub(super) fn restart_over_a_restored_store(&mut self, place: usize) {
        let host = &self.nodes[place].host;
        let mut claims = host.shards().filter_map(|shard| host.claim(shard));
        if claims.any(|claim| claim.incarnation != self.store.incarnation) {
            self.replace(place);
        }
    }

    /// A backup comes back. What it forgot is known only with clocks within ε.
    fn restore(&mut self) {
        if self.plan.regime == Regime::Wrong {
            return;
        }
        let (which, incarnation) = (self.random.any(), self.random.wide());
        if self.store.restore(which, incarnation) {
            self.say(|_| "a backup is restored".into());
            self.note_budgets(true);
            for node in 0..self.nodes.len() {
                let delay = self.random.between(0, 1_500) * MS;
                self.after(delay, Event::Incarnation { node });
            }
        }
    }

    fn change_policy(&mut self) {
        let workspace = self.plan.workspaces[self.random.place(self.plan.workspaces.len())].clone();
        let plan = Rc::clone(&self.plan);
        let policy = self.store.policies.get_mut(&workspace).expect("a policy");
        let Version(version) = policy.version;
        policy.version = Version(version + 1);
        policy.changes.push((policy.version, timestamp(self.now)));
        for (_, rule) in plan.rules_of(&workspace) {
            let budget = u64::from(rule.budget);
            policy.budgets[rule.place] = Permits::clamped(self.random.between(budget / 2, budget * 3 / 2));
        }
        self.note_budgets(false);
        for node in 0..self.nodes.len() {
            let delay = self.random.between(0, 800) * MS;
            self.after(delay, Event::Policy { node });
        }
    }

    /// The provider's budget turns out to be smaller than configured.
    fn shrink(&mut self) {
        let rule = self.random.place(self.provider.len());
        let budget = u64::from(self.plan.rules[rule].budget);
        self.provider[rule].0 = Permits::clamped(budget / 3).max(Permits::ONE);
    }

    /// The provider's windows turn out to lie elsewhere than configured.
    fn shift(&mut self) {
        let rule = self.random.place(self.provider.len());
        let length = self.plan.rules[rule].grid.length().as_ns();
        let phase = Span::from_ns(self.random.between(0, length - 1));
        self.provider[rule].1 = phase;
        self.judge.shifted(rule, phase);
        self.say(|_| format!("the windows of limit {rule} start at {phase:?}"));
    }

    fn throttle(&mut self, node: usize) {
        if !self.down[node] && self.paused_until[node] <= self.now {
            let rule = self.random.place(self.plan.rules.len());
            let now = self.nodes[node].clock(self.now);
            self.nodes[node].throttled(now, rule);
            self.act(node);
        }
    }
}
