//! What a workspace consists of, and what its lock guards.

use crate::clock::Clock;
use crate::engine::command::LedgerHandle;
use crate::engine::grant::WorkspaceEvent;
use crate::engine::lease_name::{Life, ProcessSecret};
use crate::engine::settings::{Serving, Versioned};
use crate::engine::timer::Timer;
use crate::engine::usage::{UsageCounts, UsageKey};
use crate::engine::wait_stats::WaitStats;
use crate::engine::waiters::Waiters;
use crate::error::Error;
use apportion_core::allocator::Allocator;
use apportion_core::bounds::Bounds;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::policy::{DEPTH_MAX, LimitPolicy};
use apportion_core::time::Timestamp;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use tokio::sync::broadcast;

/// What every workspace of an engine uses, and nothing else.
#[derive(Debug)]
pub(in crate::engine) struct Environment {
    pub(in crate::engine) clock: Arc<Clock>,
    pub(in crate::engine) timer: Arc<Timer<Workspace>>,
    pub(in crate::engine) ledger: LedgerHandle,
    pub(in crate::engine) secret: ProcessSecret,
    pub(in crate::engine) bounds: Bounds,
    pub(in crate::engine) serving: Serving,
}

/// A workspace that this process serves.
#[derive(Debug)]
pub(in crate::engine) struct Workspace {
    pub(in crate::engine) id: WorkspaceId,
    pub(in crate::engine) shard: u16,
    pub(super) environment: Arc<Environment>,
    pub(super) events: OnceLock<broadcast::Sender<WorkspaceEvent>>,
    signals_version: AtomicU32,
    state: Mutex<WorkspaceState>,
}

/// Whether requests are decided on.
#[derive(Debug)]
pub(super) enum Service {
    /// Yes, by this allocator.
    Open(Box<Allocator>),
    /// No, for this reason.
    Closed(Error),
}

impl Service {
    pub(super) fn allocator(&mut self) -> Result<&mut Allocator, Error> {
        match self {
            Self::Open(allocator) => Ok(allocator),
            Self::Closed(why) => Err(why.clone()),
        }
    }
}

/// What the lock of a workspace guards.
#[derive(Debug)]
pub(super) struct WorkspaceState {
    pub(super) versioned: Versioned,
    pub(super) service: Service,
    /// The life of the allocator.
    pub(super) life: Life,
    pub(super) waiters: Waiters,
    /// The instant of the alarm that the timer has.
    pub(super) alarm_at: Timestamp,
    pub(super) stats: WaitStats,
}

impl WorkspaceState {
    /// Refuses all waiters with `why`, and every request until the workspace is opened.
    pub(super) fn close(&mut self, why: &Error) {
        for waiter in self.waiters.take_all() {
            waiter.send(Err(why.clone()));
        }
        self.service = Service::Closed(why.clone());
        self.alarm_at = Timestamp::MAX;
    }
}

impl Workspace {
    /// A workspace that is not open yet.
    pub(in crate::engine) fn new(
        id: WorkspaceId,
        shard: u16,
        versioned: Versioned,
        environment: Arc<Environment>,
    ) -> Self {
        let state = WorkspaceState {
            versioned,
            service: Service::Closed(environment.serving.elsewhere(shard)),
            life: Life::default(),
            waiters: Waiters::default(),
            alarm_at: Timestamp::MAX,
            stats: WaitStats::default(),
        };
        Self {
            id,
            shard,
            environment,
            events: OnceLock::new(),
            signals_version: AtomicU32::new(0),
            state: Mutex::new(state),
        }
    }

    /// Locks the state. Where a decision panicked half-way, nothing that it left behind may be granted from: the workspace is
    /// closed, and the next request reopens it with a block that the ledger knows to be free.
    pub(super) fn lock(&self) -> MutexGuard<'_, WorkspaceState> {
        self.state.lock().unwrap_or_else(|poisoned| {
            let mut state = poisoned.into_inner();
            self.state.clear_poison();
            state.close(&Error::Internal("a decision panicked"));
            state
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.environment.clock.now()
    }

    /// The version of the signals, which every lease names; 0 until it is set.
    pub(super) fn signals_version(&self) -> u32 {
        self.signals_version.load(Ordering::Relaxed)
    }

    pub(in crate::engine) fn set_signals_version(&self, version: u32) {
        self.signals_version.store(version, Ordering::Relaxed);
    }

    pub(in crate::engine) fn is_open(&self) -> bool {
        matches!(self.lock().service, Service::Open(_))
    }

    /// How many requests wait.
    pub(in crate::engine) fn waiting(&self) -> usize {
        self.lock().waiters.requests()
    }

    /// The limit with the shortest window, as the policy has it.
    pub(in crate::engine) fn primary_limit(&self) -> LimitPolicy {
        let guard = self.lock();
        let policy = &guard.versioned.policy;
        policy.limits[policy.primary_limit()].clone()
    }

    /// Takes what was used since it was last taken.
    pub(in crate::engine) fn take_usage(&self) -> Vec<(UsageKey, UsageCounts)> {
        self.lock().stats.take_usage()
    }

    /// A team and the teams above it, itself first.
    pub(in crate::engine) fn path_of(&self, team: &TeamId) -> Vec<TeamId> {
        let guard = self.lock();
        let teams = &guard.versioned.policy.teams;
        let parent = |id: &TeamId| teams.iter().find(|team| team.id == *id)?.parent.clone();
        std::iter::successors(Some(team.clone()), parent).take(DEPTH_MAX).collect()
    }
}
