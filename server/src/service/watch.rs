//! Snapshots of a workspace for a watcher: one at the start, then one after a change, at most one per requested interval.

use super::authorize::{Action, Identity};
use super::gate;
use super::snapshot::wire_snapshot;
use super::watchers::{Seat, Watchers};
use crate::convert::names::workspace_id;
use crate::convert::time::optional_span;
use crate::engine::{Engine, Snapshot};
use crate::error::Error;
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
    engine: Arc<Engine>,
    who: Arc<Identity>,
    workspace: WorkspaceId,
    ticks: Interval,
    version: u64,
    last: Option<Snapshot>,
    _seat: Seat,
}

/// Starts to watch.
pub(super) fn start(
    engine: &Arc<Engine>,
    watchers: &Arc<Watchers>,
    who: Arc<Identity>,
    request: &v1::WatchWorkspaceRequest,
) -> Result<Snapshots, Error> {
    let id = if request.workspace.is_empty() { "default" } else { &request.workspace };
    let workspace = workspace_id("workspace", id)?;
    let (least, most) = INTERVAL;
    let interval =
        optional_span("min_interval", request.min_interval.as_ref(), least, most)?.unwrap_or(least);
    gate::check(&who, Action::Read, Some(&workspace), &[])?;
    engine.snapshot(&workspace)?;
    let seat = watchers.seat(&workspace)?;
    let mut ticks = tokio::time::interval(Duration::from_nanos(interval.as_ns()));
    // A slow reader skips snapshots and gets a fresh one.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let engine = Arc::clone(engine);
    let watch = Watch { engine, who, workspace, ticks, version: 0, last: None, _seat: seat };
    Ok(Box::pin(stream::unfold(watch, |mut watch| async move {
        let next = watch.next().await?;
        Some((next, watch))
    })))
}

impl Watch {
    /// The next snapshot that differs from the last one; none once the workspace is removed, an error once the credential expires.
    async fn next(&mut self) -> Option<Result<v1::WatchWorkspaceResponse, Status>> {
        loop {
            tokio::select! {
                biased;
                () = self.who.ended(|| self.engine.clock().now()) => {
                    return Some(Err(gate::ENDED.status(&ErrorScope::default())));
                }
                _ = self.ticks.tick() => {}
            }
            let now = self.engine.snapshot(&self.workspace).ok()?;
            let still = |snapshot: &Snapshot| Snapshot { now: Timestamp::ZERO, ..snapshot.clone() };
            let has_changed = self.last.as_ref().is_none_or(|last| still(last) != still(&now));
            if has_changed {
                self.version += 1;
                let snapshot = wire_snapshot(&self.workspace, &now, self.version);
                self.last = Some(now);
                return Some(Ok(v1::WatchWorkspaceResponse { snapshot: Some(snapshot) }));
            }
        }
    }
}
