//! Snapshots of a workspace for a watcher: one at the start, then one after a change, at most one per requested interval.

use super::authorize::{Action, Identity};
use super::gate;
use super::snapshot::wire_snapshot;
use super::watchers::{Seat, Watchers};
use crate::convert::names::workspace_id;
use crate::convert::time::optional_span;
use crate::engine::Snapshot;
use crate::error::Error;
use crate::leases::{LeaseRouter, WorkspaceView};
use crate::status::ErrorScope;
use apportion_core::ids::WorkspaceId;
use apportion_core::time::{Span, Timestamp};
use apportion_proto::v1;
use futures_util::{Stream, stream};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};
use tonic::Status;

/// The shortest interval that a watcher may request, and the longest.
const INTERVAL: (Span, Span) = (Span::from_ms(250), Span::from_secs(60));

/// The snapshots of one watcher.
pub(super) type Snapshots = Pin<Box<dyn Stream<Item = Result<v1::WatchWorkspaceResponse, Status>> + Send>>;

struct Watch {
    leases: LeaseRouter,
    who: Arc<Identity>,
    workspace: WorkspaceId,
    ticks: Interval,
    version: u64,
    last: Option<WorkspaceView>,
    _seat: Seat,
}

/// Starts to watch.
pub(super) async fn start(
    leases: &LeaseRouter,
    watchers: &Arc<Watchers>,
    who: Arc<Identity>,
    request: &v1::WatchWorkspaceRequest,
) -> Result<(WorkspaceId, Snapshots), Error> {
    let id = if request.workspace.is_empty() { "default" } else { &request.workspace };
    let workspace = workspace_id("workspace", id)?;
    let (least, most) = INTERVAL;
    let interval =
        optional_span("min_interval", request.min_interval.as_ref(), least, most)?.unwrap_or(least);
    gate::check(&who, Action::Read, Some(&workspace), &[])?;
    leases.snapshot(&workspace).await?;
    let seat = watchers.seat(&workspace)?;
    let mut ticks = tokio::time::interval(Duration::from_nanos(interval.as_ns()));
    // A slow reader skips snapshots and gets a fresh one.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let leases = leases.clone();
    let watch =
        Watch { leases, who, workspace: workspace.clone(), ticks, version: 0, last: None, _seat: seat };
    let snapshots = stream::unfold(watch, |mut watch| async move {
        let next = watch.next().await?;
        Some((next, watch))
    });
    Ok((workspace, Box::pin(snapshots)))
}

impl Watch {
    /// The next snapshot that differs from the last one; none once the workspace is removed, an error once the credential expires.
    async fn next(&mut self) -> Option<Result<v1::WatchWorkspaceResponse, Status>> {
        loop {
            tokio::select! {
                biased;
                () = self.who.ended(|| self.leases.clock().now()) => {
                    return Some(Err(gate::ENDED.status(&ErrorScope::default())));
                }
                _ = self.ticks.tick() => {}
            }
            let now = match self.leases.snapshot(&self.workspace).await {
                Ok(now) => now,
                Err(error) if error.reason() == v1::Reason::UnknownWorkspace => return None,
                Err(_) => continue, // nobody owns it just now
            };
            if self.last.as_ref().is_none_or(|last| has_changed(last, &now)) {
                self.version += 1;
                let snapshot = match &now {
                    WorkspaceView::Here(now) => wire_snapshot(&self.workspace, now, self.version),
                    WorkspaceView::There(now) => {
                        v1::WorkspaceSnapshot { version: self.version, ..(**now).clone() }
                    }
                };
                self.last = Some(now);
                return Some(Ok(v1::WatchWorkspaceResponse { snapshot: Some(snapshot) }));
            }
        }
    }
}

/// Whether more than the time differs.
fn has_changed(last: &WorkspaceView, now: &WorkspaceView) -> bool {
    match (last, now) {
        (WorkspaceView::Here(last), WorkspaceView::Here(now)) => {
            let still = |snapshot: &Snapshot| Snapshot { now: Timestamp::ZERO, ..snapshot.clone() };
            still(last) != still(now)
        }
        (WorkspaceView::There(last), WorkspaceView::There(now)) => still_wire(last) != still_wire(now),
        _ => true,
    }
}

/// A snapshot of another node without what changes with the time alone.
fn still_wire(snapshot: &v1::WorkspaceSnapshot) -> v1::WorkspaceSnapshot {
    let mut still = v1::WorkspaceSnapshot { time: None, ..snapshot.clone() };
    for limit in &mut still.limits {
        (limit.elapsed, limit.cooldown) = (None, None);
    }
    still
}
