//! The engine: the workspaces that this process serves, each behind its own lock, and what their effects ask for.
//!
//! Owns who holds which lock and when, timers, and the way from an allocator's effects through the ledger to the store and
//! back. Knows no wire format and no rule of sharing. A grant from memory touches no disk, no channel and no other workspace.
//!
//! Locks: a workspace's state, never two at once, and never across an await. The ledger has a thread of its own that is told
//! through a channel and answers by locking workspaces, so the two cannot wait for each other.

mod answer;
mod lease_name;
mod ledger;
mod parts;
mod served;
mod shard_write;
mod supervise;
mod timer;
mod waiters;
mod waiting;
mod waits;
mod workspace;

#[cfg(test)]
mod tests;

use crate::clock::{Checked, Clock};
use crate::store::Store;
use apportion_core::bounds::Bounds;
use apportion_core::ids::{CallerId, NodeId, TeamId, WorkspaceId};
use apportion_core::ledger::Horizon;
use apportion_core::policy::{Policy, PolicyError};
use apportion_core::time::Span;
use ledger::{Command, Ledger};
use parts::Parts;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

pub use answer::{Event, Granted, Observe, Refused, Report, Request};
pub use lease_name::LeaseName;
pub use served::Snapshot;
pub use waiting::{Acquired, Waiting};
pub use waits::{TeamWaits, WaitSummary};

/// How often the clock is checked.
const CLOCK_CHECK: Duration = Duration::from_millis(200);

/// How long whoever makes a workspace waits for the ledger to open it: many times the write that may be under way.
const SERVED_WITHIN: Duration = Duration::from_secs(5);

/// What an engine is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which server this is.
    pub node: NodeId,
    /// How far ahead windows are booked, and how wrong the clock may be.
    pub horizon: Horizon,
    /// What one workspace may hold.
    pub bounds: Bounds,
    /// Into how many shards workspaces are hashed: as the store says.
    pub shards: u16,
}

/// A policy as it stands in the store.
#[derive(Clone, Debug)]
pub struct Versioned {
    /// The policy.
    pub policy: Policy,
    /// The version of the workspace's document, which a booking is compared with.
    pub version: u64,
}

/// The workspaces that this process serves.
#[derive(Debug)]
pub struct Engine {
    parts: Arc<Parts>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Starts to serve `workspaces` out of `store`: takes every shard over, and returns once each can be granted from.
    /// To be called inside a tokio runtime, which drives its timers.
    ///
    /// # Errors
    /// [`StartError`] where the store cannot be read or written, or a policy does not hold.
    pub fn start(
        settings: Settings,
        clock: Arc<Clock>,
        store: Arc<dyn Store>,
        workspaces: Vec<(WorkspaceId, Versioned)>,
    ) -> Result<Self, StartError> {
        let (commands, inbox) = mpsc::channel();
        let secret = lease_name::Secret::new().ok_or(StartError::NoRandom)?;
        let parts = Arc::new(Parts::new(settings, clock, commands, secret));
        for (id, versioned) in workspaces {
            parts.insert(id, versioned)?;
        }
        let (ready, is_ready) = mpsc::channel();
        let mut ledger = Ledger::new(Arc::clone(&parts), store, inbox);
        let of_thread = Arc::clone(&parts);
        let thread = std::thread::Builder::new()
            .name("apportion-ledger".into())
            .spawn(move || {
                let started = ledger.take_over();
                let go_on = started.is_ok();
                let _ = ready.send(started);
                if go_on {
                    supervise::thread(&of_thread, "the ledger", || ledger.run());
                }
            })
            .map_err(|error| StartError::Store(error.to_string()))?;
        is_ready
            .recv()
            .map_err(|_| StartError::Store("the ledger stopped".into()))?
            .map_err(StartError::Store)?;
        timer::start(&parts);
        start_clock_checks(&parts);
        Ok(Self { parts, thread: Mutex::new(Some(thread)) })
    }

    /// Asks for a lease: granted at once, or a place to wait at.
    ///
    /// # Errors
    /// [`Refused`], with the reason and when to ask again.
    pub fn acquire(&self, request: Request) -> Result<Acquired, Refused> {
        if self.parts.is_draining() {
            return Err(Refused::Draining);
        }
        self.parts.find(&request.workspace)?.acquire(&self.parts, request)
    }

    /// Notes what a lease was used for, and what responses said. Late is no error: then nothing comes back.
    ///
    /// # Errors
    /// [`Refused`] where the report is not about a lease of its sender, or says more than was granted.
    pub fn settle(&self, report: &Report<'_>) -> Result<apportion_core::allocator::Settled, Refused> {
        self.parts.find(report.workspace)?.settle(&self.parts, report)
    }

    /// Takes back a lease whose answer reached nobody: it was granted, and who asked had gone.
    pub fn unheard(&self, workspace: &WorkspaceId, by: (&TeamId, &CallerId), granted: &Granted) {
        if let Ok(workspace) = self.parts.find(workspace) {
            workspace.unheard(&self.parts, by, granted);
        }
    }

    /// Resolves when something has failed that every workspace depends on, with what that is. The process is to end then.
    pub async fn failed(&self) -> &'static str {
        self.parts.failure.wait().await
    }

    /// A team and what it is part of, itself first; the team alone where it is unknown.
    pub fn path_of(&self, workspace: &WorkspaceId, team: &TeamId) -> Vec<TeamId> {
        self.parts.find(workspace).map_or_else(|_| vec![team.clone()], |workspace| workspace.path_of(team))
    }

    /// What a workspace looks like now.
    ///
    /// # Errors
    /// [`Refused::UnknownWorkspace`].
    pub fn snapshot(&self, workspace: &WorkspaceId) -> Result<Snapshot, Refused> {
        Ok(self.parts.find(workspace)?.snapshot(&self.parts))
    }

    /// The same without what is configured.
    ///
    /// # Errors
    /// [`Refused::UnknownWorkspace`].
    pub fn figures(&self, workspace: &WorkspaceId) -> Result<Snapshot, Refused> {
        Ok(self.parts.find(workspace)?.figures(&self.parts))
    }

    /// What the server says by itself about a workspace from now on.
    ///
    /// # Errors
    /// [`Refused::UnknownWorkspace`].
    pub fn events(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<tokio::sync::broadcast::Receiver<Event>, Refused> {
        Ok(self.parts.find(workspace)?.events())
    }

    /// The workspaces that are served, in no order.
    pub fn workspaces(&self) -> Vec<WorkspaceId> {
        self.parts.workspaces.iter().map(|entry| entry.key().clone()).collect()
    }

    /// How many workspaces are served.
    pub fn serves(&self) -> usize {
        self.parts.workspaces.len()
    }

    /// Puts a policy in force that is durable already: for the next decision, for waiting requests too. Serves the
    /// workspace from now on if it is new: blocks until the ledger has opened it, so that whoever made it may ask for a lease.
    ///
    /// # Errors
    /// What [`Policy::check`] says; nothing is changed then.
    pub fn put(&self, id: &WorkspaceId, versioned: Versioned) -> Result<(), PolicyError> {
        if let Ok(workspace) = self.parts.find(id) {
            return workspace.set_policy(&self.parts, versioned);
        }
        versioned.policy.check()?;
        self.parts.insert(id.clone(), versioned)?;
        let (served, is_served) = mpsc::channel();
        self.parts.tell(Command::Serve(id.clone(), Some(served)));
        if is_served.recv_timeout(SERVED_WITHIN).is_err() {
            tracing::warn!(workspace = %id, "the ledger is slow: the workspace is served later");
        }
        Ok(())
    }

    /// Ends to serve a workspace. What waits is refused.
    pub fn remove(&self, id: &WorkspaceId) {
        if let Some((_, workspace)) = self.parts.workspaces.remove(id) {
            workspace.close(&Refused::UnknownWorkspace);
            self.parts.tell(Command::Forget(workspace.shard, id.clone()));
        }
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.parts.clock
    }

    /// Whether the server is about to stop.
    pub fn is_draining(&self) -> bool {
        self.parts.is_draining()
    }

    /// Whether the store failed and has not taken a write since.
    pub fn is_store_lost(&self) -> bool {
        self.parts.is_store_lost()
    }

    /// How far ahead windows are booked that a right clock would not have booked: a clock was wrong.
    pub fn booked_ahead(&self) -> Span {
        self.parts.booked_ahead()
    }

    /// Hears that the store failed somebody else: it is opened anew soon, even if nobody asks for a lease.
    pub fn store_failed(&self) {
        self.parts.set_store_lost(true);
        self.parts.tell(Command::StoreFailed);
    }

    /// Refuses newcomers from now on; what waits goes on waiting.
    pub fn drain(&self) {
        self.parts.set_draining();
    }

    /// How many requests wait, all told.
    pub fn waiting(&self) -> usize {
        self.parts.workspaces.iter().map(|entry| entry.value().waiting()).sum()
    }

    /// Refuses what still waits, hands back what was booked and not granted, and stops. Blocks for a write to the store.
    pub fn stop(&self) {
        self.drain();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            self.parts.tell(Command::Stop);
            let _ = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Why an engine did not start.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StartError {
    /// The store failed.
    #[error("the store cannot be used: {0}")]
    Store(String),
    /// Names of leases could be guessed.
    #[error("the system gives no random bits")]
    NoRandom,
    /// What stands in the store is no policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// Looks at the clock a few times a second. A step stops every grant; once the clock is steady, everything starts anew.
fn start_clock_checks(parts: &Arc<Parts>) {
    let weak = Arc::downgrade(parts);
    supervise::task(parts, "the check of the clock", async move {
        let mut ticks = tokio::time::interval(CLOCK_CHECK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let Some(parts) = weak.upgrade() else { return };
            match parts.clock.check() {
                Checked::Same => {}
                Checked::Stepped => {
                    tracing::error!("the wall clock stepped: nothing is granted until it is steady");
                    parts.each(|workspace| workspace.close(&Refused::ClockUnsteady));
                }
                Checked::Anchored => parts.tell(Command::StartAnew),
            }
        }
    });
}
