//! The calls that are made over one stream.

use std::sync::Arc;

use apportion_proto::v1::exchange_request::Request;
use apportion_proto::v1::exchange_response::Response;
use apportion_proto::v1::{self, Reason, SettleLeaseRequest};
use h2::SendStream;
use hyper::body::Bytes;
use prost::Message;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tonic::Status;
use tonic_types::StatusExt;

use super::decide::Shared;
use super::grpc::{self, Incoming};
use super::script::Fault;

/// A response, or what goes wrong instead.
type Sent = Result<v1::ExchangeResponse, Fault>;

/// Serves one stream until it ends. The result is what goes wrong with its connection.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    mut incoming: Incoming,
    mut out: SendStream<Bytes>,
) -> Option<Fault> {
    let (sender, mut answers) = mpsc::unbounded_channel::<Sent>();
    // What waits is withdrawn when the stream ends.
    let mut waiting = JoinSet::new();
    let mut by_id: Vec<(u64, AbortHandle)> = Vec::new();
    loop {
        tokio::select! {
            message = incoming.next() => {
                let Some(message) = message else { break };
                let Ok(message) = v1::ExchangeRequest::decode(message.as_slice()) else { break };
                if let Some(Request::Cancel(_)) = message.request {
                    if let Some((_, task)) = by_id.iter().find(|(id, task)| *id == message.id && !task.is_finished()) {
                        task.abort();
                        let _ = sender.send(Ok(refused(message.id, &grpc::refusal(Reason::Cancelled, None))));
                    }
                    continue;
                }
                let id = message.id;
                let task = waiting.spawn(answer(Arc::clone(shared), message, sender.clone()));
                by_id.retain(|(_, task)| !task.is_finished());
                by_id.push((id, task));
            }
            Some(answer) = answers.recv() => match answer {
                Ok(answer) => out.send_data(grpc::framed(&answer), false).ok()?,
                Err(Fault::Silence) => {}
                Err(Fault::Goaway | Fault::Close) => return answer.err(),
                Err(_) => {
                    out.send_reset(h2::Reason::INTERNAL_ERROR);
                    return None;
                }
            }
        }
    }
    let _ = out.send_trailers(grpc::trailers(&Status::ok("")));
    None
}

async fn answer(shared: Arc<Shared>, message: v1::ExchangeRequest, sender: mpsc::UnboundedSender<Sent>) {
    let id = message.id;
    let (result, fault) = match message.request {
        Some(Request::Acquire(ask)) => {
            let decision = shared.acquire(&ask).await;
            (decision.result.map(|lease| Response::Granted(lease.into())), decision.fault)
        }
        Some(Request::Settle(report)) => settle(&shared, *report).await,
        Some(Request::Cancel(_)) | None => (Err(grpc::refusal(Reason::Malformed, None)), None),
    };
    let response = match result {
        Ok(response) => v1::ExchangeResponse { id, response: Some(response) },
        Err(status) => refused(id, &status),
    };
    let _ = sender.send(fault.map_or(Ok(response), Err));
}

async fn settle(shared: &Shared, report: SettleLeaseRequest) -> (Result<Response, Status>, Option<Fault>) {
    let (result, fault) = shared.settle(&[report]).await;
    let response = result.map(|mut outcomes| match outcomes.pop() {
        Some(Ok(settled)) => Response::Settled(settled),
        Some(Err(refusal)) => Response::Refusal(refusal),
        None => Response::Refusal(v1::Refusal::default()),
    });
    (response, fault)
}

/// A refusal as a message.
fn refused(id: u64, status: &Status) -> v1::ExchangeResponse {
    let details = status.get_error_details();
    let name = details.error_info().map(|info| format!("REASON_{}", info.reason));
    let reason = name.and_then(|name| Reason::from_str_name(&name)).unwrap_or_default();
    let retry_after = details.retry_info().and_then(|info| info.retry_delay);
    let refusal = v1::Refusal {
        reason: reason.into(),
        message: status.message().into(),
        retry_after: retry_after.and_then(|span| prost_types::Duration::try_from(span).ok()),
        ..v1::Refusal::default()
    };
    v1::ExchangeResponse { id, response: Some(Response::Refusal(refusal)) }
}
