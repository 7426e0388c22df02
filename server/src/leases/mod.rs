//! The one way from calls to leases: a call is decided by the engine of this node, or by the node that owns its shard.
//!
//! Checks what a caller may do where the decision is made. Follows the owner: a call whose stream was lost, or whose shard was handed
//! over, is made again at the new owner under the same request id. Knows no credentials and no rule of sharing. Modules stand in
//! reading order, bottom first.

mod caller;
mod forwarded;

mod journey;
mod messages;
mod refresh;
mod routes;

mod cluster;
mod here;
mod lease;

mod anywhere;
mod events;
mod owned;
mod settling;
mod single;
mod view;

mod explaining;

pub use caller::LeaseCaller;
pub use cluster::ClusterNode;
pub use events::{Events, SeenEvent};
pub use explaining::LeaseView;
pub use lease::{DecidedLease, PassedLease, Requested, Settling, WaitingRequest};
pub use refresh::PolicySource;
pub use view::WorkspaceView;

pub(crate) use cluster::Cluster;
pub(crate) use forwarded::ForwardResult;
pub(crate) use journey::Journey;
pub(crate) use messages::{is_not_owner, wire_refusal};
pub(crate) use single::{SingleCall, SingleRequest};

use crate::clock::Clock;
use crate::engine::{Acquire, Acquired, Engine, LeaseReport, Snapshot};
use crate::error::Error;
use crate::owners::Route;
use crate::peer::CallSubject;
use anywhere::AnywhereRequest;
use apportion_core::explanation::Explanation;
use apportion_core::ids::{CallerId, TeamId, WorkspaceId};
use apportion_core::policy::LimitPolicy;
use apportion_core::time::Span;
use apportion_proto::{peer_v1, v1};
use explaining::WhatIf;
use here::Here;
use refresh::may_be_unseen;
use settling::AnywhereReport;
use std::sync::Arc;
use std::time::Instant;

/// The leases of all workspaces.
#[derive(Clone, Debug)]
pub struct LeaseRouter {
    here: Here,
    cluster: Option<Arc<Cluster>>,
}

impl LeaseRouter {
    /// The leases of a node that decides on every workspace itself.
    pub fn alone(engine: Arc<Engine>) -> Self {
        Self { here: Here::new(engine), cluster: None }
    }

    /// The leases of a node of a cluster.
    pub(crate) fn shared(engine: Arc<Engine>, cluster: Arc<Cluster>) -> Self {
        Self { here: Here::new(engine), cluster: Some(cluster) }
    }

    /// The other nodes, where there are any.
    pub(crate) fn cluster(&self) -> Option<&Arc<Cluster>> {
        self.cluster.as_ref()
    }

    /// Requests a lease. `longest_wait` caps how long the request may wait.
    ///
    /// # Errors
    /// [`Error::PermissionDenied`], or as [`Engine::acquire`].
    pub fn acquire<C: LeaseCaller>(
        &self,
        by: &Arc<C>,
        request: Acquire,
        longest_wait: Option<Span>,
    ) -> Result<Requested, Error> {
        let Some(cluster) = &self.cluster else {
            return Ok(match self.here.acquire(&**by, request, longest_wait)? {
                Acquired::Granted(lease) => Requested::Granted(DecidedLease::kept(lease, Span::ZERO)),
                Acquired::Pending(pending) => Requested::Waits(WaitingRequest::Here(pending)),
            });
        };
        self.acquire_in(cluster, by, request, longest_wait, Journey::START)
    }

    /// Requests a lease in a cluster, for a call that has come this far.
    ///
    /// # Errors
    /// As [`LeaseRouter::acquire`], and [`Error::NotOwner`] where another node passed the call on and this one does not own the shard.
    pub(crate) fn acquire_in<C: LeaseCaller>(
        &self,
        cluster: &Arc<Cluster>,
        by: &Arc<C>,
        request: Acquire,
        longest_wait: Option<Span>,
        journey: Journey,
    ) -> Result<Requested, Error> {
        let received = Instant::now();
        let shard = self.here.0.shard_of(&request.workspace);
        let mut pending = None;
        if let Route::Local { epoch } = cluster.routes.route(shard)
            && journey.is_met_by(epoch)
        {
            match self.here.acquire(&**by, request.clone(), longest_wait) {
                Ok(Acquired::Granted(lease)) => {
                    return Ok(Requested::Granted(DecidedLease::kept(lease, Span::ZERO)));
                }
                Ok(Acquired::Pending(waits)) => pending = Some(waits),
                Err(error) if is_not_owner(&error) && !journey.was_passed() => {}
                Err(error) if may_be_unseen(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let (here, cluster, by) = (self.here.clone(), Arc::clone(cluster), Arc::clone(by));
        let waits = AnywhereRequest { here, cluster, by, shard, request, longest_wait, journey, received };
        Ok(Requested::Waits(WaitingRequest::Anywhere(Box::pin(waits.answer(pending)))))
    }

    /// Applies a report of a lease. `wire` is the report as it came.
    pub fn settle<C: LeaseCaller>(
        &self,
        by: &Arc<C>,
        report: &LeaseReport<'_>,
        wire: &v1::SettleLeaseRequest,
    ) -> Settling {
        match &self.cluster {
            None => Settling::Done(self.here.settle(&**by, report)),
            Some(cluster) => self.settle_in(cluster, by, report, wire, Journey::START),
        }
    }

    /// Applies a report of a lease in a cluster, for a call that has come this far.
    pub(crate) fn settle_in<C: LeaseCaller>(
        &self,
        cluster: &Arc<Cluster>,
        by: &Arc<C>,
        report: &LeaseReport<'_>,
        wire: &v1::SettleLeaseRequest,
        journey: Journey,
    ) -> Settling {
        let shard = self.here.0.shard_of(&report.workspace);
        if let Route::Local { epoch } = cluster.routes.route(shard)
            && journey.is_met_by(epoch)
        {
            match self.here.settle(&**by, report) {
                Err(error) if is_not_owner(&error) && !journey.was_passed() => {}
                Err(error) if may_be_unseen(&error) => {}
                result => return Settling::Done(result),
            }
        }
        let (workspace, team) = (report.workspace.clone(), report.team.clone());
        let settling = AnywhereReport {
            here: self.here.clone(),
            cluster: Arc::clone(cluster),
            by: Arc::clone(by) as Arc<dyn LeaseCaller>,
            subject: CallSubject { shard, workspace, team, caller: report.caller.clone() },
            wire: wire.clone(),
            journey,
            received: Instant::now(),
        };
        Settling::Anywhere(Box::pin(settling.result()))
    }

    /// Takes back a lease whose answer reached nobody.
    pub fn reclaim(&self, workspace: &WorkspaceId, by: (&TeamId, &CallerId), lease: &DecidedLease) {
        match lease {
            DecidedLease::Here { lease, .. } => self.here.0.reclaim(workspace, by, lease),
            DecidedLease::There(passed) => passed.give_back(),
        }
    }

    /// Takes back a lease of this node by its name: another node had passed on the call, and its caller had gone.
    pub(crate) fn reclaim_named(&self, workspace: &WorkspaceId, by: (&TeamId, &CallerId), lease_id: &str) {
        self.here.0.reclaim_named(workspace, by, lease_id);
    }

    /// The events of a workspace from now on; none where this node decides on every workspace and does not know it.
    pub fn events(&self, workspace: &WorkspaceId) -> Option<Events> {
        match &self.cluster {
            None => events::here(&self.here.0, workspace),
            Some(cluster) => {
                let engine = Arc::clone(&self.here.0);
                Some(events::anywhere(engine, Arc::clone(cluster), workspace.clone()))
            }
        }
    }

    /// The events of a workspace of this node.
    pub(crate) fn events_here(&self, workspace: &WorkspaceId) -> Option<Events> {
        events::here(&self.here.0, workspace)
    }

    /// What a workspace looks like now, as its owner sees it.
    ///
    /// # Errors
    /// [`Error::UnknownWorkspace`]; [`Error::NotOwner`] where no owner answers in time.
    pub async fn snapshot(&self, workspace: &WorkspaceId) -> Result<WorkspaceView, Error> {
        match &self.cluster {
            None => self.here.0.snapshot(workspace).map(|now| WorkspaceView::Here(Box::new(now))),
            Some(cluster) => view::show(&self.here.0, cluster, workspace).await,
        }
    }

    /// What would become of a request, and why, as the owner of its workspace sees it. `wire` is the request as it came.
    ///
    /// # Errors
    /// [`Error::UnknownWorkspace`], why the workspace is closed, [`Error::ServerFull`] where too many explanations are under way;
    /// [`Error::NotOwner`] where no owner answers in time.
    pub async fn explain(
        &self,
        acquire: &Acquire,
        wire: &v1::ExplainLeaseRequest,
    ) -> Result<LeaseView, Error> {
        match &self.cluster {
            None => self.explain_here(acquire.clone()).await.map(|it| LeaseView::Here(Box::new(it))),
            Some(cluster) => {
                let question = WhatIf { here: &self.here, cluster, acquire, wire };
                owned::ask(cluster, self.here.0.shard_of(&acquire.workspace), &question).await
            }
        }
    }

    /// The same at this node.
    ///
    /// # Errors
    /// As [`LeaseRouter::explain`].
    pub(crate) async fn explain_here(&self, acquire: Acquire) -> Result<Explanation, Error> {
        match &self.cluster {
            None => self.here.explain(acquire).await,
            Some(cluster) => explaining::explain_here(&self.here, cluster, &acquire).await,
        }
    }

    /// What a workspace of this node looks like now.
    ///
    /// # Errors
    /// [`Error::UnknownWorkspace`].
    pub(crate) async fn snapshot_here(
        &self,
        cluster: &Cluster,
        workspace: &WorkspaceId,
    ) -> Result<Snapshot, Error> {
        view::show_here(&self.here.0, cluster, workspace).await
    }

    /// The limit of a workspace with the shortest window, as this node knows its policy.
    pub(crate) fn primary_limit(&self, workspace: &WorkspaceId) -> Option<LimitPolicy> {
        self.here.0.primary_limit(workspace)
    }

    /// The shard of a workspace.
    pub(crate) fn shard_of(&self, workspace: &WorkspaceId) -> u16 {
        self.here.0.shard_of(workspace)
    }

    /// Who owns the shard of a workspace, as clients are told it: `node;epoch;address`. None on a node that decides alone.
    pub(crate) fn owner_hint(&self, workspace: &WorkspaceId) -> Option<String> {
        self.cluster.as_ref()?.hint(self.here.0.shard_of(workspace))
    }

    /// The shard of a workspace, and its owner as other nodes are told it.
    pub(crate) fn shard_owner(&self, workspace: &WorkspaceId) -> peer_v1::NotOwner {
        let shard = self.here.0.shard_of(workspace);
        let owner = self.cluster.as_ref().and_then(|cluster| cluster.owner_of(shard));
        peer_v1::NotOwner { shard: shard.into(), owner }
    }

    /// The clock of this node.
    pub fn clock(&self) -> &Clock {
        self.here.0.clock()
    }
}
