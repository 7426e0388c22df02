//! One call on a connection: its request must arrive in time, and the connection stays open until the response is sent.

use super::activity::Activity;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::{Request, Response};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;
use tonic::{Code, Status};

/// The calls that keep a connection open. Health and reflection need no credential, so they do not.
const CONTRACT_PREFIX: &str = "/apportion.v1.";
/// The same on the port for other nodes.
const PEER_PREFIX: &str = "/apportion.peer.v1.";
/// The calls that begin before their request has arrived: their credential is in the headers, or is the connection's.
const STREAM_SUFFIXES: [&str; 2] = ["/Exchange", "/PassCalls"];

/// A call of the contract.
#[derive(Debug)]
pub(super) struct Call {
    activity: Arc<Activity>,
    is_stream: bool,
    /// Whether its whole request has arrived, or its stream began.
    is_open: AtomicBool,
    /// Whether its credential was valid.
    is_authorized: AtomicBool,
}

impl Call {
    /// The call of a request, where it is one of the contract.
    pub(super) fn of<B>(request: &Request<B>, activity: &Arc<Activity>) -> Option<Arc<Self>> {
        let path = request.uri().path();
        (path.starts_with(CONTRACT_PREFIX) || path.starts_with(PEER_PREFIX)).then(|| {
            Arc::new(Self {
                activity: Arc::clone(activity),
                is_stream: STREAM_SUFFIXES.iter().any(|suffix| path.ends_with(suffix)),
                is_open: AtomicBool::new(false),
                is_authorized: AtomicBool::new(false),
            })
        })
    }

    fn open(&self) {
        if !self.is_open.swap(true, Ordering::AcqRel) {
            self.activity.begin_call();
        }
    }

    fn authorize(&self) {
        self.is_authorized.store(true, Ordering::Release);
        self.open();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if *self.is_authorized.get_mut() {
            self.activity.note_authorized();
        }
        if *self.is_open.get_mut() {
            self.activity.end_call();
        }
    }
}

/// The body of a request. A unary request of the contract fails where it does not arrive in time.
pub(super) struct RequestBody {
    body: Incoming,
    /// The call that begins when the body ends.
    call: Option<Arc<Call>>,
    timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    /// The body of a request that must arrive within `timeout`.
    pub(super) fn new(body: Incoming, call: Option<Arc<Call>>, timeout: Duration) -> Self {
        Self { body, call: call.filter(|call| !call.is_stream), timeout, timer: None }
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.call.is_none() {
            return Poll::Pending;
        }
        let timeout = self.timeout;
        // Few bodies arrive after their headers, so few need a timer.
        self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout))).as_mut().poll(context)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Pending => match this.poll_timer(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => {
                    Poll::Ready(Some(Err(Status::deadline_exceeded("the request did not come in time"))))
                }
            },
            Poll::Ready(frame) => {
                if let Some(call) = this.call.take_if(|_| frame.is_none() || this.body.is_end_stream()) {
                    call.open();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|error| Status::from_error(Box::new(error)))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of a response. The call is open until it is sent.
pub(super) struct ResponseBody {
    body: tonic::body::Body,
    _call: Option<Arc<Call>>,
}

impl ResponseBody {
    /// Wraps a response, and notes whether its call was authorized.
    pub(super) fn wrap(response: Response<tonic::body::Body>, call: Option<Arc<Call>>) -> Response<Self> {
        // A refusal before any message is in the headers.
        let refused = response.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
        if let Some(call) = call.as_ref().filter(|_| refused.is_none_or(is_decided)) {
            call.authorize();
        }
        response.map(|body| Self { body, _call: call })
    }
}

/// Whether only a caller with a valid credential gets such a refusal.
fn is_decided(code: Code) -> bool {
    use Code::{Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted};
    matches!(
        code,
        Aborted
            | AlreadyExists
            | FailedPrecondition
            | InvalidArgument
            | NotFound
            | ResourceExhausted
            | Code::Ok
            | Code::PermissionDenied
            | Code::Unavailable
    )
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
