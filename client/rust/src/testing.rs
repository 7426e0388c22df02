//! A fake server in memory, for the tests of services that use this client. Needs no network and no process.
//!
//! It grants what is asked for until its budget is spent, and knows what became of every permit. It has no windows, priorities or
//! fairness: to test with those, run `apportion serve`.
//!
//! ```
//! use apportion_client::testing::FakeServer;
//! use apportion_client::{Config, Request};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = FakeServer::with_budget(3);
//! let quota = server.connect(Config::new("http://fake"));
//! let lease = quota.acquire(&Request::new().permits(2)).await?;
//! assert!(lease.take());
//! drop(lease); // Returns the other permit.
//! quota.close().await;
//! assert_eq!((server.used(), server.returned(), server.left()), (1, 1, 2));
//! # Ok(())
//! # }
//! ```

use crate::config::Config;
use crate::quota::Quota;
use crate::service::{CallError, LeaseService, PendingAnswer};
use apportion_proto::v1::{
    self, AcquireLeaseRequest, BatchSettleLeasesRequest, BatchSettleLeasesResponse, GetSignalsRequest,
    GetSignalsResponse, Observation, Priority, Reason, SettleLeaseRequest, SettleOutcome, Settled,
    settle_outcome::Outcome,
};
use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// How long the leases of a fake server are valid.
const VALID_FOR: prost_types::Duration = prost_types::Duration { seconds: 10, nanos: 0 };

/// A fake server. Clones share it. See the [module documentation](self).
#[derive(Clone)]
pub struct FakeServer(Arc<Mutex<FakeState>>);

#[derive(Default)]
struct FakeState {
    left: u32,
    leases: HashMap<String, FakeLease>,
    observations: Vec<Observation>,
    refusal: Option<(Reason, Option<Duration>)>,
    is_away: bool,
}

#[derive(Default)]
struct FakeLease {
    permits: u32,
    used: u32,
    returned: u32,
}

impl Default for FakeServer {
    fn default() -> Self {
        Self::with_budget(u32::MAX)
    }
}

impl FakeServer {
    /// Creates a server that grants everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a server that grants so many permits. Returned permits are granted again.
    pub fn with_budget(permits: u32) -> Self {
        Self(Arc::new(Mutex::new(FakeState { left: permits, ..FakeState::default() })))
    }

    /// Creates a client of this server. The addresses of the configuration are not used.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub fn connect(&self, config: Config) -> Quota {
        Quota::of_service(Arc::new(self.clone()), config)
    }

    /// Adds permits to the budget.
    pub fn add_permits(&self, permits: u32) {
        let mut state = self.state();
        state.left = state.left.saturating_add(permits);
    }

    /// Refuses every request from now on, for this reason and with this time to retry after. See [`accept`](Self::accept).
    pub fn refuse(&self, reason: Reason, retry_after: Option<Duration>) {
        self.state().refusal = Some((reason, retry_after));
    }

    /// Is unreachable from now on. See [`accept`](Self::accept).
    pub fn go_away(&self) {
        self.state().is_away = true;
    }

    /// Neither refuses every request nor is unreachable from now on.
    pub fn accept(&self) {
        let mut state = self.state();
        (state.refusal, state.is_away) = (None, false);
    }

    /// Returns the permits that can be granted.
    pub fn left(&self) -> u32 {
        self.state().left
    }

    /// Returns the permits that were granted.
    pub fn granted(&self) -> u32 {
        self.state().leases.values().map(|lease| lease.permits).sum()
    }

    /// Returns the permits that were reported as used.
    pub fn used(&self) -> u32 {
        self.state().leases.values().map(|lease| lease.used).sum()
    }

    /// Returns the permits that were returned.
    pub fn returned(&self) -> u32 {
        self.state().leases.values().map(|lease| lease.returned).sum()
    }

    /// Returns all observations that were reported.
    pub fn observations(&self) -> Vec<Observation> {
        self.state().observations.clone()
    }

    fn state(&self) -> MutexGuard<'_, FakeState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FakeState {
    fn acquire(&mut self, request: &AcquireLeaseRequest) -> Result<v1::Lease, Status> {
        if self.is_away {
            return Err(Status::unavailable("the fake server is away"));
        }
        if let Some((reason, retry_after)) = self.refusal {
            return Err(refused(reason, retry_after));
        }
        let asked = request.permits.unwrap_or(1);
        let permits = asked.min(self.left);
        if permits < request.min_permits.unwrap_or(asked) {
            return Err(refused(Reason::WindowExhausted, Some(Duration::from_secs(1))));
        }
        self.left -= permits;
        let lease_id = format!("fake-{}", self.leases.len());
        self.leases.insert(lease_id.clone(), FakeLease { permits, ..FakeLease::default() });
        let priority = match request.priority() {
            Priority::Unspecified => Priority::Default,
            asked => asked,
        };
        let (priority, valid_for) = (priority.into(), Some(VALID_FOR));
        Ok(v1::Lease { lease_id, permits, priority, valid_for, ..v1::Lease::default() })
    }

    fn settle(&mut self, request: SettleLeaseRequest) -> SettleOutcome {
        self.observations.extend(request.observations);
        let mut accepted_permits = 0;
        if let Some(lease) = self.leases.get_mut(&request.lease_id) {
            lease.used = request.used_permits;
            accepted_permits = request.returned_permits.saturating_sub(lease.returned);
            lease.returned = request.returned_permits;
            self.left = self.left.saturating_add(accepted_permits);
        }
        let returned_permits = request.returned_permits;
        let settled = Settled { returned_permits, accepted_permits, open: !request.is_final };
        SettleOutcome { outcome: Some(Outcome::Settled(settled)) }
    }
}

fn refused(reason: Reason, retry_after: Option<Duration>) -> Status {
    let name = reason.as_str_name().trim_start_matches("REASON_");
    let mut details = ErrorDetails::with_error_info(name, "apportion", []);
    details.set_retry_info(retry_after);
    Status::with_error_details(Code::ResourceExhausted, "the fake server refuses", details)
}

impl LeaseService for FakeServer {
    fn acquire(
        self: Arc<Self>,
        message: AcquireLeaseRequest,
        _timeout: Duration,
    ) -> PendingAnswer<Option<v1::Lease>> {
        Box::pin(ready(self.state().acquire(&message).map(Some).map_err(CallError::from)))
    }

    fn settle(
        self: Arc<Self>,
        message: BatchSettleLeasesRequest,
        _timeout: Duration,
    ) -> PendingAnswer<BatchSettleLeasesResponse> {
        let mut state = self.state();
        let answer = match state.is_away {
            true => Err(Status::unavailable("the fake server is away").into()),
            false => Ok(BatchSettleLeasesResponse {
                outcomes: message.requests.into_iter().map(|request| state.settle(request)).collect(),
            }),
        };
        Box::pin(ready(answer))
    }

    fn signals(
        self: Arc<Self>,
        _message: GetSignalsRequest,
        _timeout: Duration,
    ) -> PendingAnswer<GetSignalsResponse> {
        Box::pin(ready(Err(Status::unimplemented("the fake server has no signals").into())))
    }
}

impl Debug for FakeServer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeServer").field("left", &self.left()).finish_non_exhaustive()
    }
}
