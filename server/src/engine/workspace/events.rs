//! Events of a workspace for streams that listen.

use super::state::Workspace;
use crate::engine::grant::WorkspaceEvent;
use apportion_core::allocator::Allocator;
use apportion_core::facts::Finding;
use apportion_core::ids::LimitId;
use apportion_core::time::Timestamp;
use tokio::sync::broadcast;

/// How many events a slow reader may be behind before it misses some.
const BACKLOG_EVENTS: usize = 64;

impl Workspace {
    /// The events from now on.
    pub(in crate::engine) fn events(&self) -> broadcast::Receiver<WorkspaceEvent> {
        self.events.get_or_init(|| broadcast::channel(BACKLOG_EVENTS).0).subscribe()
    }

    pub(super) fn publish(&self, event: WorkspaceEvent) {
        if let Some(events) = self.events.get() {
            let _ = events.send(event);
        }
    }

    /// Publishes what an observation changed. Windows are those in force, also where the provider's responses moved them.
    pub(super) fn publish_finding(
        &self,
        allocator: &mut Allocator,
        limit: &LimitId,
        finding: &Finding,
        now: Timestamp,
    ) {
        if !finding.exhausted && finding.budget.is_none() {
            return;
        }
        let Some(of) = allocator.limits_now(now).into_iter().find(|known| known.id == *limit) else { return };
        if finding.exhausted {
            let end = of.window.end.latest;
            // An earlier response may have asked for longer.
            let earlier = of.cooldown_until.filter(|&until| until > end);
            let until = finding.stop_until.or(earlier).unwrap_or(end);
            self.publish(WorkspaceEvent::Revoked { limit: limit.clone(), window: of.window, until });
        }
        if let Some(permits) = finding.budget {
            self.publish(WorkspaceEvent::LimitChanged { limit: limit.clone(), permits, window: of.length });
        }
    }
}
