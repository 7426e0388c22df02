//! One life of the server: a host and the allocator of its one workspace, connected by the core's `host` as in the real one. Decides
//! nothing.

use super::fixed::{MARGINS, TEAMS};
use super::store::Store;
use crate::world::random::Random;
use apportion_core::allocator::{Allocator, Submitted};
use apportion_core::bounds::Bounds;
use apportion_core::host;
use apportion_core::ids::{CallerId, LimitId, NodeId, TeamId, WorkspaceId};
use apportion_core::ledger::{Horizon, Host, HostEffect, LearnedLimits, ShardInput, Version};
use apportion_core::observation::{Observation, Reset};
use apportion_core::permits::Permits;
use apportion_core::policy::Policy;
use apportion_core::request::{Ask, LeaseId, Outcome, Ticket, Usage};
use apportion_core::time::{Span, Timestamp};
use std::collections::BTreeMap;

/// The one shard.
const SHARD: u16 = 0;
/// In calm weather every lease is settled within so long, and then counted no more.
const SETTLED: Span = Span::from_ms(700);

/// A lease as its holder knows it. Its name is that of the life and its number there.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) name: (u64, u64),
    pub(super) team: TeamId,
    pub(super) permits: Permits,
    pub(super) granted_at: Timestamp,
    pub(super) ends_at: Timestamp,
}

/// What a holder reports.
pub(super) struct Report {
    pub(super) lease: Held,
    pub(super) used: Permits,
    pub(super) returned: Permits,
    pub(super) is_final: bool,
}

/// A window of now, and where the others lie.
pub(super) struct WindowNow {
    pub(super) id: LimitId,
    pub(super) length: Span,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// How much later it may start, and end.
    width: Span,
}

impl WindowNow {
    /// The windows that a lease touches which may be used from one instant on and before another.
    pub(super) fn touched(&self, from: Timestamp, until: Timestamp) -> Vec<(Timestamp, Timestamp)> {
        let shift = |n: u64| {
            let by = Span::from_ns(self.length.as_ns() * n);
            [(self.start + by, self.end + by + self.width), (self.start - by, self.end - by + self.width)]
        };
        let near = (0..3).flat_map(shift).filter(|(start, end)| *start < until && from < *end);
        near.collect()
    }
}

/// One life of the server.
pub(super) struct Server {
    host: Host,
    allocator: Option<Allocator>,
    life: u64,
    waiting: BTreeMap<Ticket, TeamId>,
    granted: Vec<Held>,
    granted_last: Option<LeaseId>,
    /// The version of the policy that the allocator has.
    version: Version,
    returned: Vec<((u64, u64), Permits)>,
}

impl Server {
    /// Takes the shard over and opens the workspace.
    pub(super) fn start(now: Timestamp, number: u64, nonce: u128, store: &mut Store) -> Self {
        let node = NodeId::new(&format!("life-{number}")).expect("a name");
        let mut server = Self {
            host: Host::new(node, 1, nonce, Horizon::DEFAULT),
            allocator: None,
            life: 0,
            waiting: BTreeMap::new(),
            granted: Vec::new(),
            granted_last: None,
            version: store.version,
            returned: Vec::new(),
        };
        server.host.take_over(SHARD);
        server.follow(now, store);
        server
    }

    fn workspace() -> WorkspaceId {
        WorkspaceId::new("workspace").expect("a name")
    }

    fn caller() -> CallerId {
        CallerId::new("caller").expect("a name")
    }

    /// Opens the workspace again.
    pub(super) fn reopen(&mut self, now: Timestamp) {
        self.host.open(now, SHARD, &Self::workspace());
    }

    /// The clock got a new anchor.
    pub(super) fn reanchor(&mut self) {
        self.host.reanchor();
    }

    /// Opens the workspace over what was learned of it; `reanchored`: under another anchor of the clock.
    fn open(&mut self, now: Timestamp, life: u64, learned: &LearnedLimits, reanchored: bool, store: &Store) {
        self.life = life;
        let allocator = Allocator::with_learned(store.policy.clone(), Bounds::DEFAULT, learned, life, now);
        let mut allocator = allocator.expect("a policy that holds");
        if reanchored {
            allocator.spend_open_windows(now);
        }
        self.waiting.clear();
        self.granted_last = None;
        self.version = store.version;
        self.allocator = Some(allocator);
    }

    /// The workspace is deleted.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.allocator = None;
        self.host.apply(now, SHARD, ShardInput::Forget { workspace: Self::workspace() });
    }

    pub(super) fn set_policy(&mut self, now: Timestamp, policy: Policy, store: &mut Store) {
        self.version = store.version;
        if let Some(allocator) = &mut self.allocator {
            allocator.set_policy(now, policy).expect("a policy that holds");
        }
    }

    pub(super) fn ask(&mut self, now: Timestamp, random: &mut Random) {
        let Some(allocator) = &mut self.allocator else { return };
        let team = TeamId::new(TEAMS[random.place(2)]).expect("a name");
        let permits = Permits::clamped(random.between(1, 4));
        let ask = Ask {
            team: team.clone(),
            caller: Self::caller(),
            priority: None,
            permits,
            min_permits: Permits::ONE,
            deadline: now + Span::from_ms(random.between(200, 6_000)),
            request_id: None,
        };
        if let Ok(Submitted::Waits(ticket)) = allocator.submit(now, &ask) {
            self.waiting.insert(ticket, team);
        }
    }

    pub(super) fn settle(&mut self, now: Timestamp, report: &Report) {
        let (life, lease) = report.lease.name;
        let Some(allocator) = self.allocator.as_mut().filter(|_| life == self.life) else { return };
        let by = (&report.lease.team, &Self::caller());
        let Report { used, returned, is_final, .. } = *report;
        if let Ok(settled) = allocator.settle(now, LeaseId(lease), by, Usage { used, returned, is_final }) {
            self.returned.push((report.lease.name, settled.accepted));
        }
    }

    /// What came back since the last look: nobody uses it any more.
    pub(super) fn taken_back(&mut self) -> Vec<((u64, u64), Permits)> {
        std::mem::take(&mut self.returned)
    }

    fn any_limit(&self, random: &mut Random) -> Option<LimitId> {
        let limits = &self.allocator.as_ref()?.policy().limits;
        Some(limits[random.place(limits.len())].id.clone())
    }

    /// The provider says that a window is exhausted.
    pub(super) fn throttled(&mut self, now: Timestamp, random: &mut Random) {
        let Some(limit) = self.any_limit(random) else { return };
        let observation = Observation { throttled: true, ..Observation::new(limit) };
        if let Some(allocator) = &mut self.allocator {
            allocator.observe(now, &observation);
        }
    }

    /// The provider shows that the windows of a limit lie elsewhere.
    pub(super) fn learn_a_phase(&mut self, now: Timestamp, random: &mut Random) {
        let (Some(limit), Some(allocator)) = (self.any_limit(random), &mut self.allocator) else { return };
        let length = allocator.limits_now(now).iter().find(|known| known.id == limit).map(|now| now.length);
        let within = Span::from_ms(if random.percent(50) { 0 } else { 400 });
        let at =
            now + Span::from_ms(random.between(1, length.map_or(1, |length| length.as_ns() / 1_000_000)));
        let last = self.granted_last;
        let reset = Some(Reset { at, within });
        allocator.observe(now, &Observation { lease: last, reset, ..Observation::new(limit) });
    }

    /// Decides, and carries out what is asked for until nothing is.
    pub(super) fn act(&mut self, now: Timestamp, store: &mut Store, random: &mut Random) {
        self.host.advance(now);
        for _ in 0..64 {
            let Some(allocator) = &mut self.allocator else { return self.follow(now, store) };
            allocator.decide(now);
            self.collect();
            if !self.pass_on(now, store, random) {
                return;
            }
        }
    }

    fn collect(&mut self) {
        let Some(allocator) = &mut self.allocator else { return };
        while let Some(answer) = allocator.next_answer() {
            let team = self.waiting.remove(&answer.ticket);
            if let (Some(team), Outcome::Granted(lease)) = (team, answer.outcome) {
                self.granted_last = Some(lease.id);
                self.granted.push(Held {
                    name: (self.life, lease.id.0),
                    team,
                    permits: lease.permits,
                    granted_at: lease.granted_at,
                    ends_at: lease.ends_at,
                });
            }
        }
    }

    /// Passes effects on. Now and then the ledger is slow, and carries them out later.
    fn pass_on(&mut self, now: Timestamp, store: &mut Store, random: &mut Random) -> bool {
        let Some(allocator) = &mut self.allocator else { return false };
        let mut passed = false;
        while let Some(effect) = allocator.next_effect() {
            passed = true;
            self.host.apply(now, SHARD, host::shard_input(Self::workspace(), self.version, effect));
        }
        if random.percent(80) {
            self.follow(now, store);
        }
        passed
    }

    /// Carries out what the host asks for.
    fn follow(&mut self, now: Timestamp, store: &mut Store) {
        while let Some(effect) = self.host.poll() {
            match effect {
                HostEffect::Swap { token, swap } => {
                    let outcome = store.swap(swap);
                    self.host.swap_done(now, &token, outcome);
                }
                HostEffect::Read { token } => self.host.read_done(now, &token, store.read()),
                HostEffect::Scan { token, .. } => self.host.scan_done(now, &token, store.scan()),
                HostEffect::Owned { .. } => {}
                HostEffect::OpenAll { life, learned, is_reanchored, .. } => {
                    let nothing = LearnedLimits::new();
                    let learned = learned.get(&Self::workspace()).unwrap_or(&nothing);
                    self.open(now, life, learned, is_reanchored, store);
                }
                HostEffect::Open { life, learned, .. } => self.open(now, life, &learned, false, store),
                HostEffect::Reply { reply, .. } => {
                    if let Some(allocator) = &mut self.allocator {
                        host::apply_reply(allocator, reply);
                    }
                }
                HostEffect::Lost { .. } => self.allocator = None,
            }
        }
    }

    /// What was granted since the last look.
    pub(super) fn grants(&mut self) -> Vec<Held> {
        std::mem::take(&mut self.granted)
    }

    /// The windows of now.
    pub(super) fn windows(&mut self, now: Timestamp) -> Vec<WindowNow> {
        let Some(allocator) = &mut self.allocator else { return Vec::new() };
        let windows = allocator.limits_now(now).into_iter().map(|limit| WindowNow {
            id: limit.id,
            length: limit.length,
            start: limit.window.start.earliest,
            end: limit.window.end.earliest,
            width: limit.window.start.latest.since(limit.window.start.earliest),
        });
        windows.collect()
    }

    /// When windows have opened, of all limits, in which nothing is counted that was used up to now, where somebody waits. What was
    /// granted in a guard is charged to the window after it too.
    pub(super) fn opens(&mut self, now: Timestamp) -> Option<Timestamp> {
        if self.waiting.is_empty() {
            return None;
        }
        let opens = self.windows(now).into_iter().map(|window| {
            let starts = if window.end < now + MARGINS.guard + SETTLED {
                window.end + window.length
            } else {
                window.end
            };
            starts + Span::from_ms(20)
        });
        opens.max()
    }
}
