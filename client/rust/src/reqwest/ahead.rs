//! Reads the start of a body and puts it back, so that whoever gets the response reads the whole of it.

use http_body::{Frame, SizeHint};
use reqwest_middleware::reqwest::{Body, Error, Response, ResponseBuilderExt};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tonic::codegen::Bytes;

/// How long a body is waited for. A refusal is short, and comes with its head.
const WAIT: Duration = Duration::from_millis(100);

/// A body whose first part was read.
struct Resumed {
    /// What was read, in reverse.
    read: Vec<Result<Bytes, Error>>,
    rest: Body,
}

/// Reads a body of at most `max` bytes. The result is a response with the same body, and the bytes; none if there are more of them,
/// or if they do not arrive at once.
pub(super) async fn read_ahead(mut response: Response, max: usize) -> (Response, Option<Vec<u8>>) {
    let (mut read, mut body) = (Vec::new(), Vec::new());
    let deadline = Instant::now() + WAIT;
    let is_whole = loop {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                body.extend_from_slice(&chunk);
                read.push(Ok(chunk));
            }
            Ok(Ok(None)) => break true,
            Ok(Err(error)) => {
                read.push(Err(error));
                break false;
            }
            Err(_) => break false,
        }
        if body.len() > max {
            break false;
        }
    };
    read.reverse();
    (resumed(response, read), is_whole.then_some(body))
}

/// The response with what was read of its body in front of the rest.
fn resumed(response: Response, read: Vec<Result<Bytes, Error>>) -> Response {
    let url = response.url().clone();
    let (head, rest) = http::Response::from(response).into_parts();
    let rebuilt = http::Response::builder().status(head.status).version(head.version).url(url);
    let body = Body::wrap(Resumed { read, rest });
    let mut rebuilt = rebuilt.body(body).expect("a status and a version that were received");
    *rebuilt.headers_mut() = head.headers;
    rebuilt.extensions_mut().extend(head.extensions);
    rebuilt.into()
}

impl http_body::Body for Resumed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.read.pop() {
            Some(read) => Poll::Ready(Some(read.map(Frame::data))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read: usize = self.read.iter().flatten().map(Bytes::len).sum();
        let (read, rest) = (u64::try_from(read).unwrap_or(u64::MAX), self.rest.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
    }
}
