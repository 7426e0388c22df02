//! A service of the same messages on the same stack that decides nothing: the cost of the round trip.

use apportion_proto::v1::quota_service_server::{QuotaService, QuotaServiceServer};
use apportion_proto::v1::{self, exchange_request, exchange_response, settle_outcome};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use std::time::Duration;
use tonic::{Request, Response, Status, Streaming};

#[derive(Debug)]
struct Noop;

fn lease() -> v1::Lease {
    let span = |ms: i32| Some(prost_types::Duration { seconds: 0, nanos: ms * 1_000_000 });
    v1::Lease {
        lease_id: String::from("1-1a2b3c-0123456789abcdef"),
        permits: 1,
        priority: v1::Priority::Default.into(),
        held: None,
        valid_for: span(250),
        until_window_end: span(999),
        left_permits: 123_456,
        contended: false,
        signals_version: 0x1a2b_3c4d,
    }
}

fn settled(request: &v1::SettleLeaseRequest) -> v1::Settled {
    v1::Settled { returned_permits: 0, accepted_permits: request.returned_permits, open: true }
}

fn answer(request: v1::ExchangeRequest) -> Result<v1::ExchangeResponse, Status> {
    let response = match request.request {
        Some(exchange_request::Request::Settle(settle)) => {
            exchange_response::Response::Settled(settled(&settle))
        }
        _ => exchange_response::Response::Granted(lease().into()),
    };
    Ok(v1::ExchangeResponse { id: request.id, response: Some(response) })
}

#[tonic::async_trait]
impl QuotaService for Noop {
    async fn acquire_lease(
        &self,
        _: Request<v1::AcquireLeaseRequest>,
    ) -> Result<Response<v1::AcquireLeaseResponse>, Status> {
        Ok(Response::new(v1::AcquireLeaseResponse { lease: Some(lease()) }))
    }

    async fn settle_lease(
        &self,
        request: Request<v1::SettleLeaseRequest>,
    ) -> Result<Response<v1::SettleLeaseResponse>, Status> {
        Ok(Response::new(v1::SettleLeaseResponse { settled: Some(settled(request.get_ref())) }))
    }

    async fn batch_settle_leases(
        &self,
        request: Request<v1::BatchSettleLeasesRequest>,
    ) -> Result<Response<v1::BatchSettleLeasesResponse>, Status> {
        let outcome = |request: &v1::SettleLeaseRequest| v1::SettleOutcome {
            outcome: Some(settle_outcome::Outcome::Settled(settled(request))),
        };
        let outcomes = request.get_ref().requests.iter().map(outcome).collect();
        Ok(Response::new(v1::BatchSettleLeasesResponse { outcomes }))
    }

    type ExchangeStream = BoxStream<'static, Result<v1::ExchangeResponse, Status>>;

    async fn exchange(
        &self,
        request: Request<Streaming<v1::ExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        Ok(Response::new(request.into_inner().map(|request| answer(request?)).boxed()))
    }

    type WatchWorkspaceStream = BoxStream<'static, Result<v1::WatchWorkspaceResponse, Status>>;

    async fn watch_workspace(
        &self,
        _: Request<v1::WatchWorkspaceRequest>,
    ) -> Result<Response<Self::WatchWorkspaceStream>, Status> {
        Ok(Response::new(stream::pending().boxed()))
    }

    async fn explain_lease(
        &self,
        _: Request<v1::ExplainLeaseRequest>,
    ) -> Result<Response<v1::ExplainLeaseResponse>, Status> {
        Ok(Response::new(v1::ExplainLeaseResponse::default()))
    }

    async fn query_usage(
        &self,
        _: Request<v1::QueryUsageRequest>,
    ) -> Result<Response<v1::QueryUsageResponse>, Status> {
        Ok(Response::new(v1::QueryUsageResponse::default()))
    }

    async fn get_signals(
        &self,
        _: Request<v1::GetSignalsRequest>,
    ) -> Result<Response<v1::GetSignalsResponse>, Status> {
        Ok(Response::new(v1::GetSignalsResponse::default()))
    }
}

/// Serves on a free port and prints it. Ends with its parent process.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("an address"));
        let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
        let keep_alive = Some(Duration::from_secs(30));
        tonic::transport::Server::builder()
            .max_concurrent_streams(1_000)
            .http2_keepalive_interval(keep_alive)
            .http2_keepalive_timeout(keep_alive)
            .add_service(QuotaServiceServer::new(Noop))
            .serve_with_incoming(incoming)
            .await
            .expect("it serves");
    });
}
