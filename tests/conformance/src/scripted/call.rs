//! One call: from the head of its stream to its trailers, with the faults of the script.

use std::future::poll_fn;
use std::sync::Arc;

use apportion_proto::v1::{self, settle_outcome};
use h2::RecvStream;
use h2::server::SendResponse;
use http::Request;
use hyper::body::Bytes;
use prost::Message;
use tonic::Status;

use super::decide::Shared;
use super::exchange;
use super::grpc::{self, Incoming};
use super::leases::Outcome;
use super::script::Fault;

/// The prefix of the paths of the quota service.
const SERVICE: &str = "/apportion.v1.QuotaService/";

/// What a call is answered with.
type Answered = (Result<Bytes, Status>, Option<Fault>);

/// Serves one call. The result is what goes wrong with its connection: `Close` or `Goaway`.
pub(super) async fn serve(
    shared: Arc<Shared>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Option<Fault> {
    let (head, body) = request.into_parts();
    let method = head.uri.path().strip_prefix(SERVICE).unwrap_or_default().to_owned();
    let authorization = head.headers.get("authorization").and_then(|value| value.to_str().ok());
    let mut incoming = Incoming::new(body);
    if let Err(status) = shared.authenticate(authorization) {
        let _ = grpc::fail(&mut respond, &status);
        return None;
    }
    if method == "Exchange" {
        let out = respond.send_response(grpc::head(), false).ok()?;
        return exchange::serve(&shared, incoming, out).await;
    }
    let message = incoming.next().await?;
    let size = u64::try_from(message.len()).unwrap_or(u64::MAX);
    {
        let mut record = shared.record();
        record.most_bytes = record.most_bytes.max(size);
    }
    let (result, fault) = tokio::select! {
        answered = unary(&shared, &method, &message) => answered,
        // The caller went away.
        _ = poll_fn(|context| respond.poll_reset(context)) => return None,
    };
    finish(&mut respond, result, fault).await
}

async fn finish(
    respond: &mut SendResponse<Bytes>,
    result: Result<Bytes, Status>,
    fault: Option<Fault>,
) -> Option<Fault> {
    match fault {
        None | Some(Fault::Goaway) => {
            let _ = match result {
                Ok(bytes) => grpc::answer(respond, bytes),
                Err(status) => grpc::fail(respond, &status),
            };
            return fault;
        }
        Some(Fault::Close) => return fault,
        Some(Fault::Reset) => respond.send_reset(h2::Reason::INTERNAL_ERROR),
        Some(Fault::Refused) => respond.send_reset(h2::Reason::REFUSED_STREAM),
        Some(Fault::Garbage) => {
            let _ = grpc::answer(respond, Bytes::from_static(&[0, 0, 0, 0, 3, 0xff, 0xff, 0xff]));
        }
        Some(Fault::Empty) => {
            let _ = grpc::answer(respond, grpc::framed(&v1::AcquireLeaseResponse { lease: None }));
        }
        Some(Fault::Silence) => {
            let _ = poll_fn(|context| respond.poll_reset(context)).await;
        }
    }
    None
}

async fn unary(shared: &Shared, method: &str, message: &[u8]) -> Answered {
    let malformed = |_| Status::invalid_argument("not a message");
    match method {
        "AcquireLease" => match v1::AcquireLeaseRequest::decode(message).map_err(malformed) {
            Ok(ask) => {
                let decision = shared.acquire(&ask).await;
                let response = |lease| grpc::framed(&v1::AcquireLeaseResponse { lease: Some(lease) });
                (decision.result.map(response), decision.fault)
            }
            Err(status) => (Err(status), None),
        },
        "SettleLease" => match v1::SettleLeaseRequest::decode(message).map_err(malformed) {
            Ok(report) => {
                let (result, fault) = shared.settle(&[report]).await;
                (result.and_then(|mut outcomes| single(outcomes.pop())), fault)
            }
            Err(status) => (Err(status), None),
        },
        "BatchSettleLeases" => match v1::BatchSettleLeasesRequest::decode(message).map_err(malformed) {
            Ok(batch) => {
                let (result, fault) = shared.settle(&batch.requests).await;
                (result.map(|outcomes| grpc::framed(&response(outcomes))), fault)
            }
            Err(status) => (Err(status), None),
        },
        "GetSignals" => (shared.signals().map(|response| grpc::framed(&response)), None),
        _ => {
            let mut record = shared.record();
            record.calls += 1;
            (Err(Status::unimplemented("not in the script")), None)
        }
    }
}

fn single(outcome: Option<Outcome>) -> Result<Bytes, Status> {
    match outcome {
        Some(Ok(settled)) => Ok(grpc::framed(&v1::SettleLeaseResponse { settled: Some(settled) })),
        Some(Err(refusal)) => Err(grpc::refusal(refusal.reason(), None)),
        None => Err(Status::internal("no outcome")),
    }
}

fn response(outcomes: Vec<Outcome>) -> v1::BatchSettleLeasesResponse {
    let outcomes = outcomes.into_iter().map(|outcome| {
        let outcome = match outcome {
            Ok(settled) => settle_outcome::Outcome::Settled(settled),
            Err(refusal) => settle_outcome::Outcome::Refusal(refusal),
        };
        v1::SettleOutcome { outcome: Some(outcome) }
    });
    v1::BatchSettleLeasesResponse { outcomes: outcomes.collect() }
}
