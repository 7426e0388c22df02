//! The granting side of a node, small: which permits of confirmed blocks go to whom. Behind a trait, so that the real
//! allocator can take its place. Knows no store.

use super::plan::{Plan, Rule};
use apportion_core::ids::WorkspaceId;
use apportion_core::ledger::{MarkKey, ShardRecord};
use apportion_core::mutant::{self, Mutant};
use apportion_core::permits::Permits;
use apportion_core::time::Timestamp;
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

/// The granting side of a node.
pub trait Grants {
    /// The shard is served from now on, over this record.
    fn owned(&mut self, record: &ShardRecord);
    /// The windows of a limit lie here from now on.
    fn lay(&mut self, rule: usize, grid: Grid);
    /// A block may be granted.
    fn confirmed(&mut self, key: MarkKey, permits: Permits);
    /// Every block is void.
    fn lost(&mut self);
    /// Grants all that is asked, from every limit of the workspace, or nothing.
    fn grant(&mut self, now: Timestamp, ask: &Ask) -> Option<Granted>;
    /// Takes permits back that were never used.
    fn give_back(&mut self, granted: &Granted, ask: &Ask, permits: Permits);
    /// What may still be granted of a window; none: there is no block.
    fn free(&self, key: &MarkKey) -> Option<Permits>;
    /// What was granted of each window since the shard is served here.
    fn granted(&self) -> Vec<(MarkKey, Permits)>;
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
    marks_at_take_over: BTreeMap<MarkKey, Permits>,
}

impl FirstCome {
    /// Nothing granted yet.
    pub fn new(plan: Rc<Plan>) -> Self {
        let grids = plan.rules.iter().map(|rule| rule.grid).collect();
        Self { plan, grids, blocks: BTreeMap::new(), marks_at_take_over: BTreeMap::new() }
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
        if rule.place > 0 {
            return Permits::MAX;
        }
        let before = match mutant::active(Mutant::TakeOverIgnoresCaps) {
            true => Permits::ZERO,
            false => self.marks_at_take_over.get(key).copied().unwrap_or_default(),
        };
        rule.cap.less(before).less(block.capped)
    }
}

impl Grants for FirstCome {
    fn owned(&mut self, record: &ShardRecord) {
        self.lost();
        self.marks_at_take_over = record.marks.iter().map(|(key, mark)| (key.clone(), mark.hi)).collect();
    }

    fn lay(&mut self, rule: usize, grid: Grid) {
        self.grids[rule] = grid;
    }

    fn confirmed(&mut self, key: MarkKey, permits: Permits) {
        self.blocks.entry(key).or_default().free += permits;
    }

    fn lost(&mut self) {
        self.blocks.clear();
        self.marks_at_take_over.clear();
    }

    fn grant(&mut self, now: Timestamp, ask: &Ask) -> Option<Granted> {
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

    fn give_back(&mut self, granted: &Granted, ask: &Ask, permits: Permits) {
        for key in &granted.keys {
            let block = self.blocks.get_mut(key).expect("the block it came from");
            block.free += permits;
            block.granted -= permits;
            block.capped -= if ask.capped { permits } else { Permits::ZERO };
        }
    }

    fn free(&self, key: &MarkKey) -> Option<Permits> {
        self.blocks.get(key).map(|block| block.free)
    }

    fn granted(&self) -> Vec<(MarkKey, Permits)> {
        self.blocks.iter().map(|(key, block)| (key.clone(), block.granted)).collect()
    }
}
