//! The task of one stream: connects, sends what waits, and hands out answers until the stream is over.

use super::connect::connect;
use super::link::PeerLink;
use apportion_proto::peer_v1::PassCallsRequest;
use apportion_proto::peer_v1::peer_service_client::PeerServiceClient;
use futures_util::{Stream, StreamExt};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The messages of one generation of a link, in order.
struct Messages {
    link: Arc<PeerLink>,
    generation: u64,
}

impl Stream for Messages {
    type Item = PassCallsRequest;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<PassCallsRequest>> {
        self.link.poll_unsent(self.generation, context)
    }
}

/// Closes the link when the task ends, however it does.
struct Closes<'a>(&'a PeerLink, u64);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.lost(self.1);
    }
}

/// Starts the task of one generation of a link. Must be called inside a tokio runtime.
pub(super) fn open(link: Arc<PeerLink>, generation: u64) {
    tokio::spawn(run(link, generation));
}

async fn run(link: Arc<PeerLink>, generation: u64) {
    let _closes = Closes(&link, generation);
    let why = tokio::select! {
        () = link.halt.cancelled() => return,
        why = exchange(&link, generation) => why,
    };
    tracing::debug!(address = link.address, why, "a stream to another node is lost");
}

/// Exchanges messages until the stream is over; returns why.
async fn exchange(link: &Arc<PeerLink>, generation: u64) -> String {
    let channel = match connect(&link.address, link.tls.as_deref()).await {
        Ok(channel) => channel,
        Err(why) => return why,
    };
    let messages = Messages { link: Arc::clone(link), generation };
    let mut answers = match PeerServiceClient::new(channel).pass_calls(messages).await {
        Ok(response) => response.into_inner(),
        Err(status) => return status.to_string(),
    };
    loop {
        match answers.next().await {
            Some(Ok(answer)) => link.answered(answer),
            Some(Err(status)) => return status.to_string(),
            None => return "the other node ended it".into(),
        }
    }
}
