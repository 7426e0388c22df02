//! The calls: to the node that is to be called next, with a deadline that covers connecting and waiting for a stream.

use super::address::Address;
use super::credentials::Credentials;
use super::endpoint::{Endpoints, addresses, hint_trust};
use super::node::{NodeClient, Nodes};
use super::owner::{HintTrust, OWNER_KEY, followed};
use super::routes::Routes;
use crate::clock;
use crate::config::{Config, ConfigError};
use crate::service::{CallError, LeaseService, PendingAnswer, is_transport_failure, reason};
use apportion_proto::v1::{
    self, AcquireLeaseRequest, BatchSettleLeasesRequest, BatchSettleLeasesResponse, GetSignalsRequest,
    GetSignalsResponse, Reason,
};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tonic::metadata::MetadataMap;
use tonic::{Code, Response, Status};

/// A connection that gave no answer for so long is replaced.
const SILENCE: Duration = Duration::from_millis(900);
/// How much later the deadline is that the call itself carries, so that it is not taken for an answer.
const HEADER_MARGIN: Duration = Duration::from_millis(100);

/// The quota service behind one or more addresses.
#[derive(Debug)]
pub(crate) struct RemoteService {
    state: Mutex<RemoteState>,
    trust: HintTrust,
}

#[derive(Debug)]
struct RemoteState {
    routes: Routes,
    nodes: Nodes,
    credentials: Credentials,
}

impl RemoteService {
    /// Creates a service that connects at the first call.
    ///
    /// # Errors
    /// [`ConfigError`] if an address, the token or what is configured of TLS is invalid.
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let addresses = addresses(config)?;
        let is_https = addresses[0].is_https();
        let endpoints = Endpoints::new(config, is_https)?;
        addresses.iter().try_for_each(|address| endpoints.endpoint(address).map(drop))?;
        let credentials = Credentials::new(&config.token, clock::now())?;
        let trust = hint_trust(config, is_https);
        let state = RemoteState { routes: Routes::new(addresses), nodes: Nodes::new(endpoints), credentials };
        Ok(Self { state: Mutex::new(state), trust })
    }

    fn state(&self) -> MutexGuard<'_, RemoteState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one call, and learns from its outcome where the next one goes.
    async fn call<M, R, F>(
        &self,
        message: M,
        timeout: Duration,
        call: impl FnOnce(NodeClient, tonic::Request<M>) -> F,
    ) -> Result<R, CallError>
    where
        F: Future<Output = Result<Response<R>, Status>>,
    {
        let mut request = tonic::Request::new(message);
        request.set_timeout(timeout + HEADER_MARGIN);
        let (address, client) = {
            let mut state = self.state();
            let address = state.routes.next().clone();
            if let Some(token) = state.credentials.header(clock::now()) {
                request.metadata_mut().insert("authorization", token);
            }
            (address.clone(), state.nodes.client(&address))
        };
        let client = client.map_err(|status| self.failed(&address, status, Duration::ZERO))?;
        // It also covers what happens before the request is sent.
        match tokio::time::timeout(timeout, call(client, request)).await {
            Ok(Ok(response)) => {
                self.hinted(response.metadata());
                Ok(response.into_inner())
            }
            Ok(Err(status)) => Err(self.failed(&address, status, Duration::ZERO)),
            Err(_) => {
                let status =
                    Status::deadline_exceeded(format!("{address} did not answer within {timeout:?}"));
                Err(self.failed(&address, status, timeout))
            }
        }
    }

    /// Notes a failed call, which ended after `silence` if there was no answer.
    fn failed(&self, address: &Address, status: Status, silence: Duration) -> CallError {
        let is_hinted = self.hinted(status.metadata());
        let is_silent = silence > Duration::ZERO;
        let is_transport_failure = is_transport_failure(&status);
        let mut state = self.state();
        let now = clock::now();
        let is_rerouted = if is_transport_failure && (!is_silent || silence >= SILENCE) {
            // The calls that wait on this connection keep it; the next ones get a new one.
            if is_silent {
                state.nodes.disconnect(address);
            }
            state.routes.failed(address, now)
        } else if status.code() == Code::Unauthenticated {
            state.credentials.read_again(now)
        } else {
            is_hinted && reason(&status) == Some(Reason::NotOwner)
        };
        CallError { status, is_rerouted }
    }

    /// Follows the hint of a response, if there is one that may be followed. Returns whether calls go elsewhere now.
    fn hinted(&self, metadata: &MetadataMap) -> bool {
        let Some(hint) = metadata.get(OWNER_KEY).and_then(|value| value.to_str().ok()) else { return false };
        let mut state = self.state();
        match followed(hint, state.routes.configured(), self.trust) {
            Some(owner) => state.routes.hinted(owner, clock::now()),
            None => {
                tracing::debug!(hint, "the address of the owner is not followed: it is not trusted");
                false
            }
        }
    }
}

impl LeaseService for RemoteService {
    fn acquire(
        self: Arc<Self>,
        message: AcquireLeaseRequest,
        timeout: Duration,
    ) -> PendingAnswer<Option<v1::Lease>> {
        Box::pin(async move {
            let call = async |mut node: NodeClient, request| node.acquires.acquire_lease(request).await;
            Ok(self.call(message, timeout, call).await?.lease)
        })
    }

    fn settle(
        self: Arc<Self>,
        message: BatchSettleLeasesRequest,
        timeout: Duration,
    ) -> PendingAnswer<BatchSettleLeasesResponse> {
        Box::pin(async move {
            let call = async |mut node: NodeClient, request| node.reports.batch_settle_leases(request).await;
            self.call(message, timeout, call).await
        })
    }

    fn signals(
        self: Arc<Self>,
        message: GetSignalsRequest,
        timeout: Duration,
    ) -> PendingAnswer<GetSignalsResponse> {
        Box::pin(async move {
            let call = async |mut node: NodeClient, request| node.reports.get_signals(request).await;
            self.call(message, timeout, call).await
        })
    }

    fn disconnect(&self) {
        self.state().nodes.disconnect_all();
    }
}
