//! Messages and statuses of gRPC over HTTP/2. Knows no calls.

use std::time::Duration;

use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Response};
use hyper::body::Bytes;
use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use apportion_proto::v1::Reason;

/// The messages that arrive on one stream.
pub(super) struct Incoming {
    body: RecvStream,
    buffer: Vec<u8>,
}

impl Incoming {
    pub(super) fn new(body: RecvStream) -> Self {
        Self { body, buffer: Vec::new() }
    }

    /// The bytes of the next message; none at the end of the stream, or if it breaks.
    pub(super) async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(header) = self.buffer.first_chunk::<5>() {
                let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
                let end = 5 + usize::try_from(length).ok()?;
                if self.buffer.len() >= end {
                    let rest = self.buffer.split_off(end);
                    let message = std::mem::replace(&mut self.buffer, rest);
                    return Some(message[5..].to_vec());
                }
            }
            let bytes = self.body.data().await?.ok()?;
            let _ = self.body.flow_control().release_capacity(bytes.len());
            self.buffer.extend_from_slice(&bytes);
        }
    }
}

/// A message with its prefix.
pub(super) fn framed(message: &impl Message) -> Bytes {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).expect("answers are short");
    [&[0], length.to_be_bytes().as_slice(), bytes.as_slice()].concat().into()
}

/// The head of every response.
pub(super) fn head() -> Response<()> {
    Response::builder().header("content-type", "application/grpc").body(()).expect("two constants")
}

/// Answers a unary call with one message.
pub(super) fn answer(respond: &mut SendResponse<Bytes>, bytes: Bytes) -> Result<(), h2::Error> {
    let mut stream = respond.send_response(head(), false)?;
    stream.send_data(bytes, false)?;
    stream.send_trailers(trailers(&Status::ok("")))
}

/// Answers a call with a status.
pub(super) fn fail(respond: &mut SendResponse<Bytes>, status: &Status) -> Result<(), h2::Error> {
    let mut response = head();
    response.headers_mut().extend(trailers(status));
    respond.send_response(response, true).map(drop)
}

/// The trailers that say a status.
pub(super) fn trailers(status: &Status) -> HeaderMap {
    let mut map = HeaderMap::new();
    status.add_header(&mut map).expect("statuses of scripts are ASCII");
    map
}

/// A refusal of the contract as a status, by a reason's name, which may be one that the contract does not have.
pub(super) fn refusal_by_name(name: &str, retry_after: Option<Duration>) -> Status {
    let reason = Reason::from_str_name(&format!("REASON_{name}")).unwrap_or_default();
    let mut details = ErrorDetails::with_error_info(name, "apportion", []);
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    let code = code(reason);
    if code == Code::ResourceExhausted {
        details.add_quota_failure_violation("workspaces/default", "refused");
    }
    Status::with_error_details(code, format!("refused by the script: {name}"), details)
}

/// A refusal of the contract as a status.
pub(super) fn refusal(reason: Reason, retry_after: Option<Duration>) -> Status {
    refusal_by_name(reason.as_str_name().trim_start_matches("REASON_"), retry_after)
}

/// The code of a reason, as `reason.proto` says.
fn code(reason: Reason) -> Code {
    match reason {
        Reason::UnknownTeam | Reason::UnknownWorkspace => Code::NotFound,
        Reason::StoreLost | Reason::NotOwner | Reason::Draining | Reason::ClockUnsteady => Code::Unavailable,
        Reason::NotYourLease | Reason::PermissionDenied => Code::PermissionDenied,
        Reason::Unauthenticated => Code::Unauthenticated,
        Reason::Internal => Code::Internal,
        Reason::Malformed
        | Reason::TeamHasParts
        | Reason::TooLarge
        | Reason::TeamPaused
        | Reason::RequestIdReused
        | Reason::LeaseEnded
        | Reason::UnknownLimit
        | Reason::SettledTooMuch => Code::InvalidArgument,
        _ => Code::ResourceExhausted,
    }
}

/// The code of a name such as `UNAVAILABLE`.
pub(super) fn code_of(name: &str) -> Option<Code> {
    (0..=16).map(Code::from_i32).find(|code| {
        let screaming: String = format!("{code:?}")
            .chars()
            .enumerate()
            .flat_map(|(at, c)| {
                (at > 0 && c.is_uppercase()).then_some('_').into_iter().chain([c.to_ascii_uppercase()])
            })
            .collect();
        screaming == name
    })
}
