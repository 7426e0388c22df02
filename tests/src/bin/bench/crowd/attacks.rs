//! The crowds: what comes, and how.

use crate::service::connect;
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::exchange_request::Request;
use apportion_proto::v1::exchange_response::Response;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::scarce::{self, SCARCE};
use apportion_tests::process::server::Server;
use futures_util::StreamExt;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_stream::wrappers::UnboundedReceiverStream;

/// How long a crowd that does not go by itself stays.
const STAY: Duration = Duration::from_secs(5);
const REPEATS: usize = 30_000;
/// How often some of them come, and how many times.
const TICK: Duration = Duration::from_millis(10);
const TICKS: usize = 500;
const CONNECTIONS: usize = 5_000;
/// The team whose callers they are.
const CROWDED: &str = "crowded";
/// Callers of one team, one more than may be.
const CALLERS: usize = 10_001;
/// Requests of one stream or connection.
const AT_ONCE: usize = 1_000;
/// Newcomers beyond the bound that come within a second.
const NEWCOMERS: usize = 1_000;

/// What comes.
#[derive(Clone, Copy)]
pub(crate) enum Attack {
    Repeats,
    Silence,
    Callers,
    Removal,
    Scrape,
}

/// The server that they come to.
pub(crate) struct Target {
    pub(crate) grpc: SocketAddr,
    http: SocketAddr,
}

/// What must stay open as long as the crowd is there.
pub(crate) type Prepared = Vec<Box<dyn std::any::Any>>;

impl Target {
    pub(crate) fn new(server: &Server) -> Self {
        Self { grpc: server.address(), http: server.http_address() }
    }
}

impl Attack {
    pub(crate) const ALL: [Self; 5] =
        [Self::Repeats, Self::Silence, Self::Callers, Self::Removal, Self::Scrape];

    /// What it is called by.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Repeats => "repeats",
            Self::Silence => "silence",
            Self::Callers => "callers",
            Self::Removal => "removal",
            Self::Scrape => "scrape",
        }
    }

    /// What it is.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Repeats => "30 000 repeats of a waiting request, then dead",
            Self::Silence => "5000 connections that say nothing",
            Self::Callers => "callers at their bound, 1000 newcomers a second",
            Self::Removal => "a team with 10 000 waiting callers is removed",
            Self::Scrape => "a scrape of 100 000 workspaces",
        }
    }

    /// What is there before the probe is measured at all.
    pub(crate) async fn prepare(self, target: &Target) -> Prepared {
        match self {
            Self::Callers | Self::Removal => callers(target).await,
            Self::Repeats | Self::Silence | Self::Scrape => Vec::new(),
        }
    }

    /// It comes, and goes.
    pub(crate) async fn come(self, target: &Target, prepared: Prepared) {
        match self {
            Self::Repeats => repeats(target).await,
            Self::Silence => silence(target).await,
            Self::Callers => newcomers(target).await,
            Self::Removal => removal(target).await,
            Self::Scrape => scrape(target).await,
        }
        drop(prepared);
    }
}

/// They come within the time that a crowd stays: faster, and what is measured is how many calls a processor can answer.
async fn repeats(target: &Target) {
    let channels = join_all((0..REPEATS / AT_ONCE).map(|_| connect(target.grpc))).await;
    let clients: Vec<_> = channels.into_iter().map(QuotaServiceClient::new).collect();
    let mut repeats = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    for number in 0..REPEATS {
        if number % (REPEATS / TICKS) == 0 {
            ticks.tick().await;
        }
        let mut client = clients[number % clients.len()].clone();
        let ask = v1::AcquireLeaseRequest { request_id: "again".into(), ..scarce::ask(3_000) };
        repeats.spawn(async move { client.acquire_lease(ask).await.map(drop) });
    }
    repeats.shutdown().await;
    drop(clients);
    tokio::time::sleep(STAY / 5).await;
}

async fn silence(target: &Target) {
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS {
        silent.push(TcpStream::connect(target.grpc).await.expect("a connection"));
    }
    tokio::time::sleep(STAY).await;
}

/// As many callers of a team as there may be, each with a request that waits.
async fn callers(target: &Target) -> Prepared {
    let request = v1::CreateTeamRequest {
        parent: format!("workspaces/{SCARCE}"),
        team_id: CROWDED.into(),
        team: Some(v1::Team::default()),
        ..v1::CreateTeamRequest::default()
    };
    let mut admin = AdminServiceClient::new(connect(target.grpc).await);
    admin.create_team(request).await.expect("a new team");
    let streams = (0..CALLERS.div_ceil(AT_ONCE)).map(|stream| async move {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        for id in 1..=AT_ONCE.min(CALLERS - stream * AT_ONCE) as u64 {
            let caller = format!("caller-{stream}-{id}");
            let ask = v1::AcquireLeaseRequest { team: CROWDED.into(), caller, ..scarce::ask(3_000) };
            let _ = sender.send(v1::ExchangeRequest { id, request: Some(Request::Acquire(ask)) });
        }
        let mut client = QuotaServiceClient::new(connect(target.grpc).await);
        let answers = client.exchange(UnboundedReceiverStream::new(receiver)).await.expect("a stream");
        (sender, answers.into_inner())
    });
    let streams = join_all(streams).await;
    let mut prepared = Prepared::new();
    let mut refused = 0;
    for (sender, mut answers) in streams {
        // Only whoever is too many is answered.
        while let Ok(Some(answer)) = tokio::time::timeout(STAY / 10, answers.next()).await {
            let response = answer.expect("an answer").response;
            assert!(
                matches!(&response, Some(Response::Refusal(refusal)) if
                refusal.reason() == v1::Reason::TooManyCallers),
                "{response:?}"
            );
            refused += 1;
        }
        prepared.push(Box::new((sender, answers)));
    }
    assert_eq!(refused, 1);
    prepared
}

async fn newcomers(target: &Target) {
    let mut client = QuotaServiceClient::new(connect(target.grpc).await);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / NEWCOMERS as u32);
    let end = Instant::now() + STAY;
    for number in 0_u64.. {
        ticks.tick().await;
        if Instant::now() >= end {
            return;
        }
        let caller = format!("newcomer-{number}");
        let ask = v1::AcquireLeaseRequest { team: CROWDED.into(), caller, ..scarce::ask(3_000) };
        client.acquire_lease(ask).await.expect_err("there is no room");
    }
}

/// The team goes: whoever waits is refused.
async fn removal(target: &Target) {
    let name = format!("workspaces/{SCARCE}/teams/{CROWDED}");
    let mut admin = AdminServiceClient::new(connect(target.grpc).await);
    tokio::time::sleep(STAY / 5).await;
    let request = v1::DeleteTeamRequest { name, ..v1::DeleteTeamRequest::default() };
    admin.delete_team(request).await.expect("it is removed");
    tokio::time::sleep(STAY / 5).await;
}

async fn scrape(target: &Target) {
    let mut stream = TcpStream::connect(target.http).await.expect("a connection");
    let request = b"GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.expect("sent");
    let (mut bytes, mut size) = (vec![0; 1 << 16], 0);
    let begun = Instant::now();
    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
        size += read;
    }
    println!("(the scrape: {:.0} MB in {:.1} s)", size as f64 / 1e6, begun.elapsed().as_secs_f64());
}
