//! A connection to the provider, and the rate limits in its responses.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::provider::headers::{LIMIT, REMAINING, RESET, RETRY_AFTER};

/// The status and the rate limits of one response.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProviderResponse {
    /// Its status.
    pub status: u16,
    /// The limit of the window.
    pub limit: Option<u32>,
    /// What is left of it.
    pub remaining: Option<u32>,
    /// The end of the window, in Unix seconds.
    pub reset: Option<i64>,
    /// The time until the next request may be sent, in seconds.
    pub retry_after: Option<i64>,
}

impl ProviderResponse {
    fn of(response: &Response<Bytes>) -> Self {
        let header = |name| response.headers().get(name)?.to_str().ok();
        let number = |name| header(name).and_then(|text| text.parse::<i64>().ok());
        let small = |name| number(name).and_then(|n| u32::try_from(n).ok());
        Self {
            status: response.status().as_u16(),
            limit: small(LIMIT),
            remaining: small(REMAINING),
            reset: number(RESET),
            retry_after: number(RETRY_AFTER),
        }
    }

    /// Whether the request was throttled.
    pub fn is_throttled(&self) -> bool {
        self.status == 429
    }
}

/// A connection to the provider that reconnects when it is lost.
#[derive(Debug)]
pub struct ProviderConnection {
    address: SocketAddr,
    team: &'static str,
    sender: Option<SendRequest<Empty<Bytes>>>,
}

impl ProviderConnection {
    /// A connection to that address, not yet opened.
    pub fn new(address: SocketAddr) -> Self {
        Self::of_team("default", address)
    }

    /// The same, for requests that name this team.
    pub fn of_team(team: &'static str, address: SocketAddr) -> Self {
        Self { address, team, sender: None }
    }

    /// Connects, so that no request waits for that between the check of its lease and its arrival. None if nothing listens.
    pub async fn ready(&mut self) -> Option<&mut SendRequest<Empty<Bytes>>> {
        let is_open = match self.sender.as_mut() {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !is_open {
            let stream = TcpStream::connect(self.address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        self.sender.as_mut()
    }

    /// Sends one request. None if no response came.
    pub async fn call(&mut self) -> Option<ProviderResponse> {
        self.exchange().await.map(|response| ProviderResponse::of(&response))
    }

    /// Sends one request and reads the whole response. None if no response came.
    pub async fn exchange(&mut self) -> Option<Response<Bytes>> {
        let request = Request::builder().uri("/contacts").header("host", "provider");
        let request = request.header("x-team", self.team).body(Empty::new()).ok()?;
        let (head, body) = self.ready().await?.send_request(request).await.ok()?.into_parts();
        Some(Response::from_parts(head, body.collect().await.ok()?.to_bytes()))
    }
}
