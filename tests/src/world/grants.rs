//! The granting side of a node, small: which permits of confirmed blocks go to whom. Behind a trait, so that the real
//! allocator can take its place. Knows no store.

use super::plan::{Plan, Rule};
use apportion_core::facts::Learned;
use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{LearnedLimits, MarkKey, Series, ShardReply, Statement, Version};
use apportion_core::mutant::{self, Mutant};
use apportion_core::permits::Permits;
use apportion_core::time::{Span, Timestamp};
use apportion_core::window::{Grid, Window};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Who asks for how much.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// How many permits.
    pub permits: Permits,
    /// Whether the team has a cap.
    pub capped: bool,
}

/// What was granted: the windows it is charged to, and when it ends by the node's clock.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The windows it is charged to.
    pub keys: Vec<MarkKey>,
    /// The last instant at which a permit may be handed on.
    pub ends: Timestamp,
    /// The last instant at which permits may come back.
    pub returns_until: Timestamp,
}

/// Each workspace's policy as a node knows it: the version, the budgets by the limit's place.
pub type Policies = BTreeMap<WorkspaceId, (Version, Vec<Permits>, Timestamp)>;

/// What a granting side asks of the node.
#[derive(Clone, Debug)]
pub enum Wish {
    /// Book so many more permits of a window.
    Block {
        /// The limit.
        rule: usize,
        /// In which series of windows.
        series: Series,
        /// The window.
        window: Window,
        /// How many more.
        permits: Permits,
        /// The budget of that window.
        budget: Permits,
    },
    /// Write down what an allocator states about its workspace.
    State {
        /// The workspace.
        workspace: WorkspaceId,
        /// What it says.
        statement: Statement,
    },
    /// Write down what was learned.
    Learn {
        /// The limit.
        rule: usize,
        /// What is known now.
        learned: Learned,
    },
}

/// The granting side of a node. What a side has no use for does nothing.
pub trait Grants {
    /// The policies are these from now on.
    fn policies(&mut self, _now: Timestamp, _policies: &Policies) {}
    /// A workspace is served from now on, in this life, over what was learned of it.
    fn opened(&mut self, now: Timestamp, workspace: &WorkspaceId, life: u64, learned: &LearnedLimits);
    /// The windows of a limit lie here from now on.
    fn lay(&mut self, rule: usize, grid: Grid);
    /// The shard replied about a workspace.
    fn replied(&mut self, workspace: &WorkspaceId, reply: ShardReply);
    /// Every block of a workspace is void.
    fn lost(&mut self, workspace: &WorkspaceId);
    /// Before anything is decided: the clock may have been set back. Returns the workspaces that have to be opened again for it.
    fn wind_back(&mut self, _now: Timestamp) -> Vec<WorkspaceId> {
        Vec::new()
    }
    /// A request waits; it may have been said before.
    fn submit(&mut self, _now: Timestamp, _request: u64, _ask: &Ask, _deadline: Timestamp) {}
    /// Everything that waits has been submitted: decides.
    fn decide(&mut self, _now: Timestamp) {}
    /// A request no longer waits.
    fn withdraw(&mut self, _now: Timestamp, _request: u64, _ask: &Ask) {}
    /// Grants all that is asked, from every limit of the workspace, or nothing.
    fn grant(&mut self, now: Timestamp, request: u64, ask: &Ask) -> Option<Granted>;
    /// Takes permits back that were never used, and says how many.
    fn give_back(
        &mut self,
        now: Timestamp,
        request: u64,
        granted: &Granted,
        ask: &Ask,
        permits: Permits,
    ) -> Permits;
    /// A response named a smaller budget, and where the windows lie. Whether that was all there is to do.
    fn observe(&mut self, _now: Timestamp, _rule: usize, _budget: Option<Permits>, _phase: Span) -> bool {
        false
    }
    /// A response said that the window of now is exhausted.
    fn throttled(&mut self, _now: Timestamp, _rule: usize) {}
    /// What may still be granted of a window; none: there is no block.
    fn free(&self, key: &MarkKey) -> Option<Permits>;
    /// What was granted of each window of these workspaces since they are served here, of which so much was `booked`.
    fn granted(
        &self,
        of: &dyn Fn(&WorkspaceId) -> bool,
        booked: &dyn Fn(&MarkKey) -> Permits,
    ) -> Vec<(MarkKey, Permits)>;
    /// What it asks for; none: the node asks for blocks itself.
    fn wishes(&mut self) -> Option<Vec<Wish>> {
        None
    }
}

#[derive(Clone, Debug, Default)]
struct Block {
    free: Permits,
    granted: Permits,
    capped: Permits,
}

/// The small model: first come, first served.
#[derive(Clone, Debug)]
pub struct FirstCome {
    plan: Rc<Plan>,
    grids: Vec<Grid>,
    blocks: BTreeMap<MarkKey, Block>,
    marks_before: BTreeMap<MarkKey, Permits>,
}

impl FirstCome {
    /// Nothing granted yet.
    pub fn new(plan: Rc<Plan>) -> Self {
        let grids = plan.rules.iter().map(|rule| rule.grid).collect();
        Self { plan, grids, blocks: BTreeMap::new(), marks_before: BTreeMap::new() }
    }

    /// The first and last instant at which a window is granted from, and its leases' end.
    fn times(&self, window: &Window) -> (Timestamp, Timestamp, Timestamp) {
        let margins = &self.plan.margins;
        let opens = match mutant::active(Mutant::NoStartGuard) {
            true => window.start.earliest,
            false => window.opens(margins),
        };
        match mutant::active(Mutant::NoEndGuard) {
            true => (opens, window.end.earliest, window.end.earliest),
            false => (opens, window.closes(margins), window.leases_end(margins)),
        }
    }

    /// What the capped team may still have of a window.
    fn cap_room(&self, rule: &Rule, key: &MarkKey, block: &Block) -> Permits {
        if !rule.caps {
            return Permits::MAX;
        }
        let before = match mutant::active(Mutant::TakeOverIgnoresCaps) {
            true => Permits::ZERO,
            false => self.marks_before.get(key).copied().unwrap_or_default(),
        };
        rule.cap.less(before).less(block.capped)
    }
}

impl Grants for FirstCome {
    fn opened(&mut self, _now: Timestamp, workspace: &WorkspaceId, _life: u64, _learned: &LearnedLimits) {
        self.lost(workspace);
    }

    /// What was booked where windows lay before is given up.
    fn lay(&mut self, rule: usize, grid: Grid) {
        if self.grids[rule] != grid {
            let workspace = &self.plan.rules[rule].workspace;
            let of_it = self.blocks.iter_mut().filter(|(key, _)| key.workspace == *workspace);
            of_it.for_each(|(_, block)| block.free = Permits::ZERO);
        }
        self.grids[rule] = grid;
    }

    fn replied(&mut self, _workspace: &WorkspaceId, reply: ShardReply) {
        let ShardReply::Booked { series, window_start, from, to } = reply else { return };
        let key = self.plan.key_of(series, window_start);
        // What was booked of the window before the first block was granted by another node, to any team.
        self.marks_before.entry(key.clone()).or_insert(from);
        self.blocks.entry(key).or_default().free += to - from;
    }

    fn lost(&mut self, workspace: &WorkspaceId) {
        self.blocks.retain(|key, _| key.workspace != *workspace);
        self.marks_before.retain(|key, _| key.workspace != *workspace);
    }

    fn grant(&mut self, now: Timestamp, _request: u64, ask: &Ask) -> Option<Granted> {
        let mut granted = Granted { keys: Vec::new(), ends: Timestamp::MAX, returns_until: Timestamp::MAX };
        for (place, rule) in self.plan.rules_of(&ask.workspace) {
            let window = self.grids[place].at(now);
            let (opens, closes, ends) = self.times(&window);
            if now < opens || now > closes {
                return None;
            }
            let key = rule.key(&window);
            let block = self.blocks.get(&key).filter(|block| ask.permits <= block.free)?;
            if ask.capped && ask.permits > self.cap_room(rule, &key, block) {
                return None;
            }
            granted.keys.push(key);
            granted.ends = granted.ends.min(ends);
            granted.returns_until = granted.returns_until.min(closes);
        }
        for key in &granted.keys {
            let block = self.blocks.entry(key.clone()).or_default();
            block.free -= ask.permits;
            block.granted += ask.permits;
            block.capped += if ask.capped { ask.permits } else { Permits::ZERO };
        }
        Some(granted)
    }

    fn give_back(
        &mut self,
        _now: Timestamp,
        _request: u64,
        granted: &Granted,
        ask: &Ask,
        permits: Permits,
    ) -> Permits {
        for key in &granted.keys {
            let block = self.blocks.get_mut(key).expect("the block it came from");
            block.free += permits;
            block.granted -= permits;
            block.capped -= if ask.capped { permits } else { Permits::ZERO };
        }
        permits
    }

    fn free(&self, key: &MarkKey) -> Option<Permits> {
        self.blocks.get(key).map(|block| block.free)
    }

    fn granted(
        &self,
        of: &dyn Fn(&WorkspaceId) -> bool,
        _booked: &dyn Fn(&MarkKey) -> Permits,
    ) -> Vec<(MarkKey, Permits)> {
        let of_them = self.blocks.iter().filter(|(key, _)| of(&key.workspace));
        of_them.map(|(key, block)| (key.clone(), block.granted)).collect()
    }
}
