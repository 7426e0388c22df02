//! A client that sends random messages, most of them with bytes changed.

use std::time::Duration;

use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request as Part;
use apportion_tests::process::wire::Client;
use apportion_tests::random::Random;
use prost::Message;
use prost::bytes::Bytes;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::messages::Messages;
use crate::raw::Raw;

/// Longest time for one call.
const PATIENCE: Duration = Duration::from_millis(300);

/// A client that sends what no other client would.
pub(crate) struct Fuzzer {
    messages: Messages,
    channel: Channel,
}

impl Fuzzer {
    pub(crate) fn new(channel: Channel, seed: u64, caller: String) -> Self {
        let messages = Messages { random: Random::new(seed), caller, leases: Vec::new() };
        Self { messages, channel }
    }

    /// The message as it is, or with a few bytes changed; never one that would mislead the server.
    fn mutate(&mut self, call: &str, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.messages.random.chance(30) {
            return bytes;
        }
        for _ in 0..self.messages.random.from_to(1, 4) {
            let most = u32::try_from(bytes.len()).expect("short");
            let at = self.messages.random.from_to(0, most) as usize;
            match self.messages.random.from_to(0, 3) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.messages.random.from_to(0, 7),
                1 => bytes.truncate(at),
                2 => bytes.insert(at, self.messages.random.any().to_le_bytes()[0]),
                _ => bytes.extend_from_within(at..),
            }
        }
        harmless(call, bytes)
    }

    /// Makes one call, and cancels it if it takes long.
    pub(crate) async fn call(&mut self) {
        if self.messages.random.chance(20) {
            let request = self.messages.acquire();
            let mut client = Client::new(self.channel.clone());
            let answer = client.acquire_lease(request);
            if let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, answer).await {
                self.messages.leases.extend(answer.into_inner().lease.map(|lease| lease.lease_id));
                let excess = self.messages.leases.len().saturating_sub(20);
                self.messages.leases.drain(..excess);
            }
            return;
        }
        let (call, bytes) = self.messages.any();
        let mut messages = vec![Bytes::from(self.mutate(call, bytes))];
        if call.ends_with("Exchange") {
            for _ in 0..self.messages.random.from_to(0, 5) {
                let request = v1::ExchangeRequest {
                    id: 1,
                    request: Some(Part::Acquire(self.messages.acquire().into())),
                };
                messages.push(self.mutate(call, request.encode_to_vec()).into());
            }
        }
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        let path = PathAndQuery::try_from(format!("/apportion.v1.{call}")).expect("a path");
        let answers = async {
            client.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
            let request = Request::new(tokio_stream::iter(messages));
            let mut answers = client.streaming(request, path, Raw).await?.into_inner();
            while answers.message().await?.is_some() {}
            Ok::<_, Status>(())
        };
        // Any response is right.
        let _ = tokio::time::timeout(PATIENCE, answers).await;
    }
}

/// The same bytes without responses of a provider, and without changes of the workspace of the workers.
fn harmless(call: &str, bytes: Vec<u8>) -> Vec<u8> {
    if let (true, Ok(mut settle)) = (call.ends_with("SettleLease"), v1::SettleLeaseRequest::decode(&*bytes)) {
        settle.observations.clear();
        return settle.encode_to_vec();
    }
    if let (true, Ok(mut batch)) = (call.ends_with("Leases"), v1::BatchSettleLeasesRequest::decode(&*bytes)) {
        batch.requests.iter_mut().for_each(|settle| settle.observations.clear());
        return batch.encode_to_vec();
    }
    if let (true, Ok(mut exchange)) = (call.ends_with("Exchange"), v1::ExchangeRequest::decode(&*bytes)) {
        if let Some(Part::Settle(settle)) = &mut exchange.request {
            settle.observations.clear();
        }
        return exchange.encode_to_vec();
    }
    let is_of_workers = call.starts_with("AdminService") && bytes.windows(7).any(|part| part == b"default");
    if is_of_workers { Vec::new() } else { bytes }
}
