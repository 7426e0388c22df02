//! Random messages to every call of a running server, beside honest workers whose requests a provider counts: nothing panics, the
//! workers are served, and no window sees one request more than it allows.
//!
//! Who fuzzes may lie about everything but what a provider is taken to have said, and what it used: that is believed.

use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request as Part;
use apportion_tests::process::load::{Client, Habit, Load};
use apportion_tests::process::server::Server;
use apportion_tests::process::{nothing_throttled, pass, windows};
use apportion_tests::provider::{Provider, Rules};
use apportion_tests::random::Random;
use prost::Message;
use prost::bytes::{Buf, BufMut, Bytes};
use prost_types::Duration as Span;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// How long it takes together with the decoders, in seconds, unless `APPORTION_FUZZ_SECONDS` says otherwise.
const SECONDS: u64 = 60;
/// Calls at once.
const FUZZERS: u64 = 6;
/// Longest time for one call.
const PATIENCE: Duration = Duration::from_millis(300);

/// Messages as they are.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = usize;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, bytes: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&bytes);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = usize;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<usize>, Status> {
        let length = from.remaining();
        from.advance(length);
        Ok(Some(length))
    }
}

/// One who sends what no client would.
struct Fuzzer {
    random: Random,
    channel: Channel,
    caller: String,
    /// Leases that it got, and used nothing of.
    leases: Vec<String>,
}

impl Fuzzer {
    fn acquire(&mut self) -> v1::AcquireLeaseRequest {
        v1::AcquireLeaseRequest {
            workspace: self.random.one_of(&["", "default", "fuzz"]).into(),
            caller: self.caller.clone(),
            permits: Some(self.random.from_to(0, 3)),
            max_wait: Some(Span { seconds: 0, nanos: self.random.one_of(&[0, 0, 100_000_000]) }),
            request_id: self.random.one_of(&["", "", "again"]).into(),
            ..v1::AcquireLeaseRequest::default()
        }
    }

    fn settle(&mut self) -> v1::SettleLeaseRequest {
        let most = u32::try_from(self.leases.len().saturating_sub(1)).expect("few");
        let lease = self.random.from_to(0, most) as usize;
        v1::SettleLeaseRequest {
            caller: self.caller.clone(),
            lease_id: self.leases.get(lease).cloned().unwrap_or_default(),
            returned_permits: self.random.from_to(0, 4),
            is_final: self.random.chance(50),
            ..v1::SettleLeaseRequest::default()
        }
    }

    /// A call and a message that it could take.
    fn message(&mut self) -> (&'static str, Vec<u8>) {
        let (name, parent) = ("workspaces/fuzz".to_owned(), "workspaces/fuzz".to_owned());
        let workspace =
            Some(v1::Workspace { name: name.clone(), preset: "intercom".into(), ..Default::default() });
        let team_name = format!("{name}/teams/t{}", self.random.from_to(0, 3));
        let weight = Some(self.random.from_to(0, 9));
        let team = Some(v1::Team { name: team_name.clone(), weight, ..v1::Team::default() });
        let (id, page_size) = (self.random.any() % 50, 5);
        match self.random.from_to(0, 15) {
            0..=2 => ("QuotaService/AcquireLease", self.acquire().encode_to_vec()),
            3..=4 => ("QuotaService/SettleLease", self.settle().encode_to_vec()),
            5 => {
                let requests = vec![self.settle(), self.settle()];
                ("QuotaService/BatchSettleLeases", v1::BatchSettleLeasesRequest { requests }.encode_to_vec())
            }
            6..=7 => {
                let part = match self.random.from_to(0, 2) {
                    0 => Part::Settle(self.settle()),
                    1 => Part::Cancel(v1::Cancel {}),
                    _ => Part::Acquire(self.acquire()),
                };
                ("QuotaService/Exchange", v1::ExchangeRequest { id, request: Some(part) }.encode_to_vec())
            }
            8 => {
                let request = v1::WatchWorkspaceRequest { workspace: "default".into(), ..Default::default() };
                ("QuotaService/WatchWorkspace", request.encode_to_vec())
            }
            9 => {
                let workspace_id = "fuzz".into();
                let request = v1::CreateWorkspaceRequest { workspace_id, workspace, ..Default::default() };
                ("AdminService/CreateWorkspace", request.encode_to_vec())
            }
            10 => {
                let request = v1::UpdateWorkspaceRequest { workspace, ..Default::default() };
                ("AdminService/UpdateWorkspace", request.encode_to_vec())
            }
            11 => {
                let request = v1::DeleteWorkspaceRequest { name, force: true, ..Default::default() };
                ("AdminService/DeleteWorkspace", request.encode_to_vec())
            }
            12 => {
                let team_id = team_name.rsplit('/').next().unwrap_or_default().into();
                let request = v1::CreateTeamRequest { parent, team_id, team, ..Default::default() };
                ("AdminService/CreateTeam", request.encode_to_vec())
            }
            13 => {
                let request = v1::UpdateTeamRequest { team, ..Default::default() };
                ("AdminService/UpdateTeam", request.encode_to_vec())
            }
            14 => {
                let request = v1::ListTeamsRequest { parent, page_size, ..Default::default() };
                ("AdminService/ListTeams", request.encode_to_vec())
            }
            _ => {
                let request = v1::ListAuditEntriesRequest { page_size, ..Default::default() };
                ("AdminService/ListAuditEntries", request.encode_to_vec())
            }
        }
    }

    /// The message as it is, or with a few changes; never one that would be believed.
    fn changed(&mut self, call: &str, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.random.chance(30) {
            return bytes;
        }
        for _ in 0..self.random.from_to(1, 4) {
            let most = u32::try_from(bytes.len()).expect("short");
            let at = self.random.from_to(0, most) as usize;
            match self.random.from_to(0, 3) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.random.from_to(0, 7),
                1 => bytes.truncate(at),
                2 => bytes.insert(at, self.random.any().to_le_bytes()[0]),
                _ => bytes.extend_from_within(at..),
            }
        }
        harmless(call, bytes)
    }

    /// Calls once, and goes away where that takes long.
    async fn call(&mut self) {
        if self.random.chance(20) {
            let request = self.acquire();
            let mut client = Client::new(self.channel.clone());
            let answer = client.acquire_lease(request);
            if let Ok(Ok(answer)) = tokio::time::timeout(PATIENCE, answer).await {
                self.leases.extend(answer.into_inner().lease.map(|lease| lease.lease_id));
                let excess = self.leases.len().saturating_sub(20);
                self.leases.drain(..excess);
            }
            return;
        }
        let (call, bytes) = self.message();
        let mut messages = vec![Bytes::from(self.changed(call, bytes))];
        if call.ends_with("Exchange") {
            for _ in 0..self.random.from_to(0, 5) {
                let request = v1::ExchangeRequest { id: 1, request: Some(Part::Acquire(self.acquire())) };
                messages.push(self.changed(call, request.encode_to_vec()).into());
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
        // What it says is not judged here.
        let _ = tokio::time::timeout(PATIENCE, answers).await;
    }
}

/// The same bytes, but where they say what a provider said, or change what the workers stand on, that is taken out.
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
    let of_workers = call.starts_with("AdminService") && bytes.windows(7).any(|part| part == b"default");
    if of_workers { Vec::new() } else { bytes }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_nothing_panics_the_honest_are_served_and_no_window_is_exceeded() {
    let seconds = std::env::var("APPORTION_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(SECONDS).div_ceil(2));
    let rules = Rules { latency_ms: 5, ..Rules::default() };
    let (provider, home) =
        (Provider::start(rules).expect("a provider"), tempfile::tempdir().expect("a directory"));
    let server = Server::start(home.path());
    let steady = Habit { workers: 4, permits: 1, rest: Duration::from_millis(100), ..Habit::BUSY };
    let load = Load::start(server.channel(), provider.address(), &[steady]);
    let end = Instant::now() + time;
    let fuzzers = (0..FUZZERS).map(|seed| {
        let (random, caller) = (Random::new(0x4150_504f + seed), format!("fuzzer-{seed}"));
        let mut fuzzer = Fuzzer { random, channel: server.channel(), caller, leases: Vec::new() };
        tokio::spawn(async move {
            let mut calls = 0_u32;
            while Instant::now() < end {
                fuzzer.call().await;
                calls += 1;
            }
            calls
        })
    });
    let mut calls = 0;
    for fuzzer in fuzzers.collect::<Vec<_>>() {
        calls += fuzzer.await.expect("no panic");
    }
    server.has_not_panicked();
    pass(Duration::from_millis(200)).await;
    let log = load.stop().await;
    assert!(server.stop(Duration::from_secs(15)).success());
    let report = provider.stop();
    nothing_throttled(&report);
    assert!(log.granted() > 10, "only {} granted", log.granted());
    println!("{calls} calls, {} granted\n{}", log.granted(), windows(&report));
}
