//! What every part of the engine may use: the clock, the map of workspaces, the way to the ledger, the timer.

use super::answer::Refused;
use super::lease_name::Secret;
use super::ledger::Command;
use super::supervise::Failure;
use super::timer::Timer;
use super::workspace::Workspace;
use super::{Settings, Versioned};
use crate::clock::Clock;
use apportion_core::ids::WorkspaceId;
use apportion_core::policy::PolicyError;
use apportion_core::time::{Span, Timestamp};
use dashmap::DashMap;
use foldhash::fast::RandomState;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

/// What is shared by all of the engine.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) settings: Settings,
    pub(super) clock: Arc<Clock>,
    pub(super) workspaces: DashMap<WorkspaceId, Arc<Workspace>, RandomState>,
    pub(super) timer: Timer,
    pub(super) failure: Failure,
    /// Unlike in every other process: what keeps names of leases from being guessed.
    pub(super) secret: Secret,
    commands: mpsc::Sender<Command>,
    draining: AtomicBool,
    /// Whether the last use of the store by anybody failed, and none was taken since.
    store_lost: AtomicBool,
    /// When the last window starts that a clock which was far ahead has booked, as nanoseconds since the epoch; 0: none.
    booked_ahead_until_ns: AtomicU64,
}

impl Parts {
    pub(super) fn new(
        settings: Settings,
        clock: Arc<Clock>,
        commands: mpsc::Sender<Command>,
        secret: Secret,
    ) -> Self {
        Self {
            settings,
            clock,
            workspaces: DashMap::default(),
            timer: Timer::default(),
            failure: Failure::default(),
            secret,
            commands,
            draining: AtomicBool::new(false),
            store_lost: AtomicBool::new(false),
            booked_ahead_until_ns: AtomicU64::new(0),
        }
    }

    /// A workspace, out of the map: no guard of the map is held by the caller.
    pub(super) fn find(&self, id: &WorkspaceId) -> Result<Arc<Workspace>, Refused> {
        self.workspaces.get(id).map(|entry| Arc::clone(entry.value())).ok_or(Refused::UnknownWorkspace)
    }

    /// Adds a workspace that is not served yet.
    pub(super) fn insert(&self, id: WorkspaceId, versioned: Versioned) -> Result<(), PolicyError> {
        versioned.policy.check()?;
        let shard = shard_of(&id, self.settings.shards);
        self.workspaces.insert(id.clone(), Arc::new(Workspace::new(id, shard, versioned)));
        Ok(())
    }

    /// Calls `act` with every workspace.
    pub(super) fn each(&self, act: impl Fn(&Arc<Workspace>)) {
        self.workspaces.iter().for_each(|entry| act(entry.value()));
    }

    /// Tells the ledger. It takes everything in until it stops, and after that nothing is granted.
    pub(super) fn tell(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Whether the store failed and has not taken a write since.
    pub(super) fn is_store_lost(&self) -> bool {
        self.store_lost.load(Ordering::Acquire)
    }

    pub(super) fn set_store_lost(&self, lost: bool) {
        self.store_lost.store(lost, Ordering::Release);
    }

    /// How far ahead windows are booked that a right clock would not have booked.
    pub(super) fn booked_ahead(&self) -> Span {
        let until = Timestamp::from_ns(self.booked_ahead_until_ns.load(Ordering::Acquire));
        until.since(self.clock.now())
    }

    pub(super) fn set_booked_ahead_until(&self, start: Option<Timestamp>) {
        let until = start.unwrap_or(Timestamp::ZERO);
        self.booked_ahead_until_ns.store(until.as_ns(), Ordering::Release);
    }

    pub(super) fn set_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }
}

/// The shard of a workspace: FNV-1a of its id, which must never change, since the marks lie there.
fn shard_of(id: &WorkspaceId, shards: u16) -> u16 {
    let hash = id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    u16::try_from(hash % u64::from(shards.max(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::shard_of;
    use apportion_core::ids::WorkspaceId;

    /// The numbers were computed apart from this code; another one loses the marks of every store.
    #[test]
    fn a_workspace_stays_in_its_shard() {
        let shard = |name: &str| shard_of(&WorkspaceId::new(name).expect("a name"), 64);
        assert_eq!([shard("default"), shard("a"), shard("eu-support")], [62, 12, 53]);
    }
}
