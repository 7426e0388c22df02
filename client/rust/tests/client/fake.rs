//! A server with scripted answers that records the requests it receives.

use apportion_client::Reason;
use apportion_proto::v1;
use apportion_proto::v1::quota_service_server::{QuotaService, QuotaServiceServer};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

/// The answer to an acquire.
#[derive(Clone)]
pub(crate) struct Answer {
    result: Result<v1::Lease, Status>,
    after: Duration,
    /// The address that the answer names as the owner's.
    owner: Option<String>,
}

impl Answer {
    pub(crate) fn lease(permits: u32, valid_for: Duration) -> Self {
        let valid_for = prost_types::Duration::try_from(valid_for).ok();
        let lease =
            v1::Lease { permits, valid_for, priority: v1::Priority::Default.into(), ..v1::Lease::default() };
        Self { result: Ok(lease), after: Duration::ZERO, owner: None }
    }

    /// A lease of as many permits as are requested.
    pub(crate) fn as_requested(valid_for: Duration) -> Self {
        Self::lease(0, valid_for)
    }

    /// Marks the lease as contended.
    pub(crate) fn contended(mut self) -> Self {
        if let Ok(lease) = &mut self.result {
            lease.contended = true;
        }
        self
    }

    pub(crate) fn unavailable() -> Self {
        Self { result: Err(Status::unavailable("away")), after: Duration::ZERO, owner: None }
    }

    pub(crate) fn refusal(reason: Reason, retry_after: Option<Duration>) -> Self {
        let name = reason.as_str_name().trim_start_matches("REASON_");
        let mut details = ErrorDetails::with_error_info(name, "apportion", []);
        details.set_retry_info(retry_after);
        let status = Status::with_error_details(Code::ResourceExhausted, "no", details);
        Self { result: Err(status), after: Duration::ZERO, owner: None }
    }

    /// Another node serves the workspace.
    pub(crate) fn not_owner() -> Self {
        let details = ErrorDetails::with_error_info("NOT_OWNER", "apportion", []);
        let status = Status::with_error_details(Code::Unavailable, "ask another node", details);
        Self { result: Err(status), after: Duration::ZERO, owner: None }
    }

    pub(crate) fn unauthenticated() -> Self {
        let details = ErrorDetails::with_error_info("UNAUTHENTICATED", "apportion", []);
        let status = Status::with_error_details(Code::Unauthenticated, "no such token", details);
        Self { result: Err(status), after: Duration::ZERO, owner: None }
    }

    /// Names the owner of the workspace.
    pub(crate) fn naming(self, owner: impl Into<String>) -> Self {
        Self { owner: Some(owner.into()), ..self }
    }

    /// Delays the answer.
    pub(crate) fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }
}

#[derive(Default)]
struct Record {
    answers: VecDeque<Answer>,
    acquires: Vec<v1::AcquireLeaseRequest>,
    settles: Vec<v1::SettleLeaseRequest>,
    batches: usize,
    granted: u32,
    withdrawn: u32,
    /// The answer when no scripted one is left.
    otherwise: Option<Answer>,
    /// The refusals of the next settles, one each.
    refusals: VecDeque<v1::Refusal>,
    tokens: Vec<String>,
}

/// The server and its record. Clones share it.
#[derive(Clone)]
pub(crate) struct Fake {
    record: Arc<Mutex<Record>>,
    port: u16,
}

impl Fake {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let record = Record { answers: answers.into_iter().collect(), ..Record::default() };
        let fake = Self { record: Arc::new(Mutex::new(record)), port };
        let service = QuotaServiceServer::new(fake.clone());
        let connections = TcpListenerStream::new(listener);
        tokio::spawn(
            tonic::transport::Server::builder().add_service(service).serve_with_incoming(connections),
        );
        fake
    }

    /// Sets the answer when no scripted one is left.
    pub(crate) fn otherwise(self, answer: Answer) -> Self {
        self.record().otherwise = Some(answer);
        self
    }

    /// Refuses the next settle that is not refused yet.
    pub(crate) fn refuse_settle(&self, reason: Reason, retry_after: Option<Duration>) {
        let retry_after = retry_after.and_then(|span| prost_types::Duration::try_from(span).ok());
        let refusal = v1::Refusal {
            reason: reason.into(),
            message: "no".into(),
            retry_after,
            ..v1::Refusal::default()
        };
        self.record().refusals.push_back(refusal);
    }

    /// The permits of all leases so far.
    pub(crate) fn granted(&self) -> u32 {
        self.record().granted
    }

    /// The number of calls that ended before they were answered.
    pub(crate) fn withdrawn(&self) -> u32 {
        self.record().withdrawn
    }

    /// A URL that nobody listens on.
    pub(crate) async fn nobody() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        format!("http://{}", listener.local_addr().expect("an address"))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.host())
    }

    /// The host and port, as a node names another one.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn acquires(&self) -> Vec<v1::AcquireLeaseRequest> {
        self.record().acquires.clone()
    }

    pub(crate) fn settles(&self) -> Vec<v1::SettleLeaseRequest> {
        self.record().settles.clone()
    }

    pub(crate) fn batches(&self) -> usize {
        self.record().batches
    }

    pub(crate) fn tokens(&self) -> Vec<String> {
        self.record().tokens.clone()
    }

    fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().expect("no test panics with it")
    }

    fn note_token<T>(&self, request: &Request<T>) {
        let token = request.metadata().get("authorization").and_then(|token| token.to_str().ok());
        self.record().tokens.extend(token.map(str::to_owned));
    }
}

/// Counts a call that ends before it is answered as withdrawn.
struct PendingCall<'a> {
    fake: &'a Fake,
    is_answered: bool,
}

impl PendingCall<'_> {
    fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for PendingCall<'_> {
    fn drop(&mut self) {
        self.fake.record().withdrawn += u32::from(!self.is_answered);
    }
}

#[tonic::async_trait]
impl QuotaService for Fake {
    async fn acquire_lease(
        &self,
        request: Request<v1::AcquireLeaseRequest>,
    ) -> Result<Response<v1::AcquireLeaseResponse>, Status> {
        self.note_token(&request);
        let asked = request.get_ref().permits.unwrap_or(1);
        let (answer, number) = {
            let mut record = self.record();
            record.acquires.push(request.into_inner());
            let number = record.acquires.len() - 1;
            let answer = record.answers.pop_front().or_else(|| record.otherwise.clone());
            (answer.unwrap_or_else(Answer::unavailable), number)
        };
        let pending = PendingCall { fake: self, is_answered: false };
        tokio::time::sleep(answer.after).await;
        pending.answered();
        let owner: Option<MetadataValue<Ascii>> = answer.owner.and_then(|owner| owner.parse().ok());
        let lease = answer.result.map_err(|mut status| {
            owner
                .iter()
                .for_each(|owner| drop(status.metadata_mut().insert("apportion-owner", owner.clone())));
            status
        })?;
        let permits = if lease.permits == 0 { asked } else { lease.permits };
        self.record().granted += permits;
        let lease = v1::Lease { lease_id: format!("lease-{number}"), permits, ..lease };
        let mut response = Response::new(v1::AcquireLeaseResponse { lease: Some(lease) });
        owner.iter().for_each(|owner| drop(response.metadata_mut().insert("apportion-owner", owner.clone())));
        Ok(response)
    }

    async fn batch_settle_leases(
        &self,
        request: Request<v1::BatchSettleLeasesRequest>,
    ) -> Result<Response<v1::BatchSettleLeasesResponse>, Status> {
        self.note_token(&request);
        let mut record = self.record();
        record.batches += 1;
        let requests = request.into_inner().requests;
        let mut outcome = |_: &v1::SettleLeaseRequest| {
            let refusal = record.refusals.pop_front().map(v1::settle_outcome::Outcome::Refusal);
            let settled = || v1::settle_outcome::Outcome::Settled(v1::Settled::default());
            v1::SettleOutcome { outcome: Some(refusal.unwrap_or_else(settled)) }
        };
        let outcomes = requests.iter().map(&mut outcome).collect();
        record.settles.extend(requests);
        Ok(Response::new(v1::BatchSettleLeasesResponse { outcomes }))
    }

    async fn settle_lease(
        &self,
        _: Request<v1::SettleLeaseRequest>,
    ) -> Result<Response<v1::SettleLeaseResponse>, Status> {
        Err(Status::unimplemented("the client settles in batches"))
    }

    type ExchangeStream = tokio_stream::Empty<Result<v1::ExchangeResponse, Status>>;

    async fn exchange(
        &self,
        _: Request<Streaming<v1::ExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        Err(Status::unimplemented("the client makes calls"))
    }

    type WatchWorkspaceStream = tokio_stream::Empty<Result<v1::WatchWorkspaceResponse, Status>>;

    async fn watch_workspace(
        &self,
        _: Request<v1::WatchWorkspaceRequest>,
    ) -> Result<Response<Self::WatchWorkspaceStream>, Status> {
        Err(Status::unimplemented("the client does not watch"))
    }

    async fn explain_lease(
        &self,
        _: Request<v1::ExplainLeaseRequest>,
    ) -> Result<Response<v1::ExplainLeaseResponse>, Status> {
        Err(Status::unimplemented("the client asks for no explanation"))
    }

    async fn query_usage(
        &self,
        _: Request<v1::QueryUsageRequest>,
    ) -> Result<Response<v1::QueryUsageResponse>, Status> {
        Err(Status::unimplemented("the client asks for no usage"))
    }

    async fn get_signals(
        &self,
        _: Request<v1::GetSignalsRequest>,
    ) -> Result<Response<v1::GetSignalsResponse>, Status> {
        Err(Status::unimplemented("the fake has no signals"))
    }
}
