//! The engine: the workspaces that this process serves, each behind its own lock, and what their effects ask for.
//!
//! Owns who holds which lock and when, timers, and the way from an allocator's effects through the ledger to the store and
//! back. Knows no wire format and no rule of sharing. A grant from memory touches no disk, no channel and no other workspace.
//!
//! Locks: a workspace's state, never two at once, and never across an await. The ledger has a thread of its own that takes
//! commands from a channel and answers by locking workspaces, so the two cannot wait for each other.
//!
//! Modules stand in reading order, bottom first.

mod settings;

mod store_use;

mod health;
mod shard_state;
mod supervise;
mod timer;

mod lease_name;

mod grant;
mod report;
mod request;

mod command;
mod usage;
mod wait_stats;
mod waiters;

mod workspace;

mod pending;
mod registry;

mod ledger;

mod clock_check;

#[cfg(test)]
mod tests;

use crate::clock::Clock;
use crate::error::Error;
use crate::store::Store;
use apportion_core::allocator::Settled;
use apportion_core::explanation::Explanation;
use apportion_core::ids::{CallerId, NodeId, TeamId, WorkspaceId};
use apportion_core::ledger::ShardInput;
use apportion_core::policy::{LimitPolicy, PolicyError};
use apportion_core::time::Span;
use command::{Command, LedgerHandle};
use health::Health;
use ledger::{Ledger, LedgerStore, Opener};
use registry::WorkspaceRegistry;
use shard_state::ShardStates;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use supervise::Crash;
use timer::Timer;
use workspace::{AcquireOutcome, Environment};

pub use grant::{Granted, WorkspaceEvent};
pub use lease_name::LeaseName;
pub use pending::{Acquired, PendingAcquire};
pub use report::{LeaseReport, ReportedObservation, ReportedReset};
pub use request::Acquire;
pub use settings::{EngineSettings, Serving, StartError, Versioned};
pub use shard_state::{ShardChange, ShardState};
pub use store_use::{StoreTimes, WRITE_BOUNDS_MS};
pub use usage::{USAGE_CALLERS_MAX, UsageCounts, UsageKey};
pub use wait_stats::{Refusals, TeamWaits, WaitSummary};
pub use workspace::Snapshot;

/// How long a call that creates a workspace waits for the ledger to open it: many times the write that may be under way.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);

/// The workspaces that this process serves.
#[derive(Debug)]
pub struct Engine {
    clock: Arc<Clock>,
    health: Arc<Health>,
    failure: Arc<Crash>,
    registry: Arc<WorkspaceRegistry>,
    serving: Serving,
    shards: Arc<ShardStates>,
    ledger: LedgerHandle,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts to serve `workspaces` out of `store`: takes every shard over, and returns once each can be granted from. One that
    /// serves only what it claims begins with none.
    /// Must be called inside a tokio runtime, which drives its timers.
    ///
    /// # Errors
    /// [`StartError`] where the store cannot be read or written, or a policy breaks a rule.
    pub fn start(
        settings: EngineSettings,
        clock: Arc<Clock>,
        store: Arc<dyn Store>,
        workspaces: Vec<(WorkspaceId, Versioned)>,
    ) -> Result<Self, StartError> {
        let (ledger, inbox) = LedgerHandle::new();
        let secret = lease_name::ProcessSecret::new().ok_or(StartError::NoRandom)?;
        let (seed, timer) = (secret.nonce, Arc::new(Timer::new()));
        let environment = Environment {
            clock: Arc::clone(&clock),
            timer: Arc::clone(&timer),
            ledger: ledger.clone(),
            secret,
            bounds: settings.bounds,
            serving: settings.serving,
        };
        let registry = Arc::new(WorkspaceRegistry::new(Arc::new(environment), settings.shards));
        for (id, versioned) in workspaces {
            registry.insert(id, versioned)?;
        }
        let (health, failure) = (Arc::new(Health::default()), Arc::new(Crash::default()));
        let shards = Arc::new(ShardStates::new(settings.shards));
        let opener = Opener::new(
            settings.serving,
            Arc::clone(&registry),
            Arc::clone(&health),
            Arc::clone(&clock),
            Arc::clone(&shards),
        );
        let store = LedgerStore::new(store, Arc::clone(&health));
        let thread = Ledger::new(&settings, seed, Arc::clone(&clock), opener, store, inbox);
        let thread = start_ledger(thread, Arc::clone(&failure))?;
        let (weak, of_timer) = (Arc::downgrade(&timer), Arc::clone(&clock));
        let wake = |workspace: &Arc<_>| workspace::Workspace::contain_panic(workspace, |it| it.wake());
        supervise::spawn(&failure, "the timer", timer::run(weak, move || of_timer.now(), wake));
        let check = clock_check::run(Arc::clone(&clock), Arc::downgrade(&registry), ledger.clone());
        supervise::spawn(&failure, "the clock check", check);
        let (serving, thread) = (settings.serving, Mutex::new(Some(thread)));
        Ok(Self { clock, health, failure, registry, serving, shards, ledger, thread })
    }

    /// Requests a lease. `longest_wait` caps how long the request may wait: its caller does not wait longer.
    ///
    /// # Errors
    /// [`Error`], with the reason and when to retry.
    pub fn acquire(&self, request: Acquire, longest_wait: Option<Span>) -> Result<Acquired, Error> {
        if self.health.is_draining() {
            return Err(Error::Draining);
        }
        let workspace = self.registry.find(&request.workspace)?;
        match workspace.acquire(request, longest_wait)? {
            AcquireOutcome::Granted(granted) => Ok(Acquired::Granted(granted)),
            AcquireOutcome::Pending(reply) => Ok(Acquired::Pending(PendingAcquire::new(workspace, reply))),
        }
    }

    /// Applies a report of a lease. A late report is no error: then nothing comes back.
    ///
    /// # Errors
    /// [`Error`] where the report is not about a lease of its sender, says more than was granted, or names an unknown limit.
    pub fn settle(&self, report: &LeaseReport<'_>) -> Result<Settled, Error> {
        self.registry.find(&report.workspace)?.settle(report)
    }

    /// Takes back a lease that was granted and whose answer reached nobody.
    pub fn reclaim(&self, workspace: &WorkspaceId, by: (&TeamId, &CallerId), granted: &Granted) {
        if let Ok(workspace) = self.registry.find(workspace) {
            workspace.reclaim(by, granted);
        }
    }

    /// Takes back a lease by its name, for a node that passed the call on.
    pub fn reclaim_named(&self, workspace: &WorkspaceId, by: (&TeamId, &CallerId), name: &str) {
        if let Ok(workspace) = self.registry.find(workspace) {
            workspace.reclaim_named(by, name);
        }
    }

    /// The events of a workspace from now on.
    ///
    /// # Errors
    /// [`Error::UnknownWorkspace`].
    pub fn events(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<tokio::sync::broadcast::Receiver<WorkspaceEvent>, Error> {
        Ok(self.registry.find(workspace)?.events())
    }

    /// What a workspace looks like now.
    ///
    /// # Errors
    /// [`Error::UnknownWorkspace`].
    pub fn snapshot(&self, workspace: &WorkspaceId) -> Result<Snapshot, Error> {
        self.look(workspace, |workspace| workspace.snapshot(&self.health))
    }

    /// The same without the policy.
    ///
    /// # Errors
    /// [`Error::UnknownWorkspace`].
    pub fn figures(&self, workspace: &WorkspaceId) -> Result<Snapshot, Error> {
        self.look(workspace, |workspace| workspace.figures(&self.health))
    }

    /// Looks at a workspace, be it one that cannot be served.
    fn look(
        &self,
        id: &WorkspaceId,
        look: impl FnOnce(&Arc<workspace::Workspace>) -> Snapshot,
    ) -> Result<Snapshot, Error> {
        match self.registry.find(id) {
            Ok(workspace) => Ok(look(&workspace)),
            Err(why @ Error::WorkspaceClosed { .. }) => {
                let shard = self.shard_of(id);
                let is_here = matches!(self.shards.get(shard), ShardState::Owned { .. });
                let why = if is_here { why } else { self.serving.elsewhere(shard) };
                Ok(Snapshot::closed(self.clock.now(), &why))
            }
            Err(error) => Err(error),
        }
    }

    /// What would become of a request that came now, and why. Nothing changes. Takes time in proportion to what waits.
    ///
    /// # Errors
    /// [`Error::UnknownWorkspace`], or why the workspace is closed.
    pub fn explain(&self, request: Acquire) -> Result<Explanation, Error> {
        self.registry.find(&request.workspace)?.explain(request)
    }

    /// A team and the teams above it, itself first; the team alone where it is unknown.
    pub fn path_of(&self, workspace: &WorkspaceId, team: &TeamId) -> Vec<TeamId> {
        self.registry.find(workspace).map_or_else(|_| vec![team.clone()], |workspace| workspace.path_of(team))
    }

    /// The limit of a workspace with the shortest window, as its policy has it; none where there is no such workspace.
    pub fn primary_limit(&self, workspace: &WorkspaceId) -> Option<LimitPolicy> {
        Some(self.registry.find(workspace).ok()?.primary_limit())
    }

    /// The ids of the workspaces that are served, in no order.
    pub fn workspaces(&self) -> Vec<WorkspaceId> {
        self.registry.ids()
    }

    /// Takes what was used since it was last taken, by workspace, with those of other nodes: of what they were granted here before.
    pub fn take_usage(&self) -> Vec<(WorkspaceId, Vec<(UsageKey, UsageCounts)>)> {
        let mut taken = Vec::new();
        self.registry.for_each(|workspace| {
            let rows = workspace.take_usage();
            if !rows.is_empty() {
                taken.push((workspace.id.clone(), rows));
            }
        });
        taken
    }

    /// How many workspaces are served.
    pub fn workspace_count(&self) -> usize {
        self.registry.len()
    }

    /// Puts a policy in force that is durable already: for the next decision, for waiting requests too. A new workspace is served
    /// from now on: blocks until the ledger has opened it, so that its creator may request a lease at once.
    ///
    /// # Errors
    /// The rule that the policy breaks; nothing is changed then.
    pub fn put(&self, id: &WorkspaceId, versioned: Versioned) -> Result<(), PolicyError> {
        if let Ok(workspace) = self.registry.find(id) {
            return workspace.set_policy(versioned);
        }
        self.registry.insert(id.clone(), versioned)?;
        let (tried, is_tried) = mpsc::channel();
        self.ledger.send(Command::Open(id.clone(), Some(tried)));
        if is_tried.recv_timeout(OPEN_TIMEOUT).is_err() {
            tracing::warn!(workspace = %id, "the ledger is slow: the workspace opens later");
        }
        Ok(())
    }

    /// Closes a workspace, and no other one: what the store holds of it as of this version of its policy cannot be used. It opens with
    /// the next policy that is [put](Self::put).
    pub fn close_unusable(&self, id: &WorkspaceId, why: &str, version: u64) {
        tracing::error!(workspace = %id, why, "the workspace is closed: what the store holds of it cannot be used");
        if let Some(workspace) = self.registry.set_unusable(id, why.into(), version) {
            workspace.close(&Error::WorkspaceClosed { why: why.into() });
        }
    }

    /// The workspaces that cannot be served, with what is wrong in the store, in order.
    pub fn unusable(&self) -> Vec<(WorkspaceId, String)> {
        self.registry.all_unusable()
    }

    /// The version of the policy that is in force, or cannot be used; none where there is no such workspace.
    pub fn policy_version(&self, id: &WorkspaceId) -> Option<u64> {
        match self.registry.find(id) {
            Ok(workspace) => Some(workspace.policy_version()),
            Err(_) => self.registry.unusable_version(id),
        }
    }

    /// Names another version of the signals of a workspace with every lease from now on.
    pub fn set_signals_version(&self, id: &WorkspaceId, version: u32) {
        if let Ok(workspace) = self.registry.find(id) {
            workspace.set_signals_version(version);
        }
    }

    /// Stops serving a workspace. Its waiting requests are refused.
    pub fn remove(&self, id: &WorkspaceId) {
        if let Some(workspace) = self.registry.remove(id) {
            workspace.close(&Error::UnknownWorkspace);
            self.ledger.send(Command::Shard(workspace.shard, ShardInput::Forget { workspace: id.clone() }));
        }
    }

    /// The shard of a workspace, whether there is such a workspace or not.
    pub fn shard_of(&self, workspace: &WorkspaceId) -> u16 {
        self.registry.shard_of(workspace)
    }

    /// How many shards there are: their numbers are those below.
    pub fn shard_count(&self) -> u16 {
        self.registry.shard_count()
    }

    /// What a shard is to this node now.
    pub fn shard_state(&self, shard: u16) -> ShardState {
        self.shards.get(shard)
    }

    /// Every change of a shard from now on, in order. Subscribe before the states are read, and none is missed.
    pub fn shard_changes(&self) -> tokio::sync::broadcast::Receiver<ShardChange> {
        self.shards.changes()
    }

    /// How often this process has taken a shard over.
    pub fn takeovers(&self) -> u64 {
        self.shards.taken_over()
    }

    /// Asks for a shard, whoever owns it. Never blocks: what becomes of it is a [`ShardChange`]. Nothing happens where it is served
    /// here already, or there is no such shard.
    pub fn claim(&self, shard: u16) {
        self.ledger.send(Command::Claim(shard));
    }

    /// Gives a shard to another node: nothing of it is granted here from then on, what was booked and not granted goes back, and
    /// waiting requests end with [`Error::NotOwner`]. Never blocks: what becomes of it is a [`ShardChange`]. Nothing happens where
    /// it is not served here.
    pub fn hand_over(&self, shard: u16, to: NodeId) {
        self.ledger.send(Command::HandOver(shard, to));
    }

    /// The store says that another node claimed a shard, in this epoch: where it is served here under an older claim, it is so no more,
    /// also if nothing is written. Never blocks: what becomes of it is a [`ShardChange`].
    pub fn deposed(&self, shard: u16, by: NodeId, epoch: u64) {
        self.ledger.send(Command::Deposed(shard, by, epoch));
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The clock, for those that outlive a call.
    pub fn shared_clock(&self) -> Arc<Clock> {
        Arc::clone(&self.clock)
    }

    /// Whether the server is about to stop.
    pub fn is_draining(&self) -> bool {
        self.health.is_draining()
    }

    /// Whether the store failed and has not taken a write since.
    pub fn is_store_lost(&self) -> bool {
        self.health.is_store_lost()
    }

    /// How long the ledger's writes took since the start, and how often the store failed.
    pub fn store_times(&self) -> StoreTimes {
        self.health.store_use.times()
    }

    /// How far ahead windows are booked that a correct clock would not have booked.
    pub fn booked_ahead(&self) -> Span {
        self.health.booked_ahead(self.clock.now())
    }

    /// Resolves when something has failed that every workspace depends on, with what it is. The process must end then.
    pub async fn failed(&self) -> &'static str {
        self.failure.wait().await
    }

    /// Reports that the store failed outside the engine: it is reopened soon, even if nobody requests a lease.
    pub fn store_failed(&self) {
        self.health.set_store_lost(true);
        self.ledger.send(Command::StoreFailed);
    }

    /// Refuses new requests from now on. Waiting requests go on waiting.
    pub fn drain(&self) {
        self.health.set_draining();
    }

    /// How many requests wait, in all workspaces.
    pub fn waiting(&self) -> usize {
        let mut waiting = 0;
        self.registry.for_each(|workspace| waiting += workspace.waiting());
        waiting
    }

    /// Refuses what still waits, hands back what was booked and not granted, and stops. Blocks for a write to the store.
    pub fn stop(&self) {
        self.drain();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.ledger.send(Command::Stop);
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts the ledger's thread. Returns once every shard is taken over.
fn start_ledger(mut ledger: Ledger, failure: Arc<Crash>) -> Result<JoinHandle<()>, StartError> {
    let (ready, is_ready) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("apportion-ledger".into())
        .spawn(move || {
            let started = ledger.take_over();
            let is_started = started.is_ok();
            let _ = ready.send(started);
            if is_started {
                supervise::run(&failure, "the ledger", || ledger.run());
            }
        })
        .map_err(|error| StartError::Store(error.to_string()))?;
    let started = is_ready.recv().map_err(|_| StartError::Store("the ledger stopped".into()))?;
    started.map_err(StartError::Store)?;
    Ok(thread)
}
