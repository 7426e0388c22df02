//! One call on a connection: that its request comes in time, and that the connection stays while it is open.

use super::connection::Standing;
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

/// The calls for which a connection stays open. Health and reflection ask nobody for a credential, so they keep nothing open.
const OWN: &str = "/apportion.v1.";
/// The call that begins before its request has come, with a credential.
const STREAM: &str = "/Exchange";

/// A call of the contract.
#[derive(Debug)]
pub(super) struct Call {
    standing: Arc<Standing>,
    is_stream: bool,
    /// Whether its request came whole, or its stream began.
    is_open: AtomicBool,
    /// Whether its credential was good.
    is_let_in: AtomicBool,
}

impl Call {
    /// The call of a request, where it is one of the contract.
    pub(super) fn of<B>(request: &Request<B>, standing: &Arc<Standing>) -> Option<Arc<Self>> {
        let path = request.uri().path();
        path.starts_with(OWN).then(|| {
            Arc::new(Self {
                standing: Arc::clone(standing),
                is_stream: path.ends_with(STREAM),
                is_open: AtomicBool::new(false),
                is_let_in: AtomicBool::new(false),
            })
        })
    }

    fn open(&self) {
        if !self.is_open.swap(true, Ordering::AcqRel) {
            self.standing.begin();
        }
    }

    fn let_in(&self) {
        self.is_let_in.store(true, Ordering::Release);
        self.open();
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if *self.is_let_in.get_mut() {
            self.standing.was_of_use();
        }
        if *self.is_open.get_mut() {
            self.standing.end();
        }
    }
}

/// The body of a request. One of the contract that does not come whole in time fails, unless it is a stream.
pub(super) struct Arriving {
    body: Incoming,
    /// The call that begins with its end.
    call: Option<Arc<Call>>,
    most: Duration,
    late: Option<Pin<Box<Sleep>>>,
}

impl Arriving {
    /// The body of a request that has so long to come.
    pub(super) fn new(body: Incoming, call: Option<Arc<Call>>, most: Duration) -> Self {
        Self { body, call: call.filter(|call| !call.is_stream), most, late: None }
    }

    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.call.is_none() {
            return Poll::Pending;
        }
        let most = self.most;
        // Few bodies come later than their head, so few need a timer.
        self.late.get_or_insert_with(|| Box::pin(tokio::time::sleep(most))).as_mut().poll(context)
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Pending => match this.poll_late(context) {
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

/// The body of an answer. As long as it is not sent, the call is open.
pub(super) struct Answered {
    body: tonic::body::Body,
    _call: Option<Arc<Call>>,
}

impl Answered {
    /// An answer, and whether the call was let in.
    pub(super) fn new(answer: Response<tonic::body::Body>, call: Option<Arc<Call>>) -> Response<Self> {
        // A refusal before anything was sent stands in the head.
        let refused = answer.headers().get("grpc-status").map(|code| Code::from_bytes(code.as_bytes()));
        if let Some(call) = call.as_ref().filter(|_| refused.is_none_or(is_decided)) {
            call.let_in();
        }
        answer.map(|body| Self { body, _call: call })
    }
}

/// Whether a refusal is one that only those with a credential get: of a decision, or of what they asked for.
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

impl Body for Answered {
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
