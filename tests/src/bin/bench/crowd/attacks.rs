//! The crowds: what each sends, and how.

use crate::service::connect;
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::exchange_request::Request as Asked;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::scarce::{self, SCARCE};
use apportion_tests::process::server::Server;
use apportion_tests::process::status;
use futures_util::StreamExt;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Request;

/// How long a crowd stays.
const STAY: Duration = Duration::from_secs(5);
/// Calls of a crowd in that time.
const CALLS: usize = 30_000;
/// The interval at which calls are sent, and the number of intervals.
const TICK: Duration = Duration::from_millis(1);
const TICKS: usize = 5_000;
const CONNECTIONS: usize = 5_000;
/// The team of the callers. Further teams have the same name with a number.
const CROWDED: &str = "crowded";
/// The bound on callers of a team.
pub(super) const CALLERS: usize = 20_000;
/// Teams that reach that bound in the crowd of callers.
const TEAMS: usize = 5;
/// Requests of one stream or connection.
const AT_ONCE: usize = 1_000;
/// Callers beyond the bound that arrive in a second.
const NEWCOMERS: usize = 1_000;

/// A kind of crowd.
#[derive(Clone, Copy)]
pub(crate) enum Attack {
    Repeats,
    Silence,
    Callers,
    Removal,
    Scrape,
    Guesses,
}

/// The server under attack.
pub(crate) struct Target {
    pub(crate) grpc: SocketAddr,
    http: SocketAddr,
}

/// Connections and streams that must stay open for the whole attack.
pub(crate) type Prepared = Vec<Box<dyn std::any::Any>>;

impl Target {
    pub(crate) fn new(server: &Server) -> Self {
        Self { grpc: server.address(), http: server.http_address() }
    }
}

impl Attack {
    pub(crate) const ALL: [Self; 6] =
        [Self::Repeats, Self::Silence, Self::Callers, Self::Removal, Self::Scrape, Self::Guesses];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Repeats => "repeats",
            Self::Silence => "silence",
            Self::Callers => "callers",
            Self::Removal => "removal",
            Self::Scrape => "scrape",
            Self::Guesses => "guesses",
        }
    }

    /// Its name in the table.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Repeats => "30 000 repeats of a waiting request, then dead",
            Self::Silence => "5000 silent connections",
            Self::Callers => "100 000 callers at their bound, 1000 newcomers a second",
            Self::Removal => "a team with 20 000 waiting callers is removed",
            Self::Scrape => "a scrape of 100 000 workspaces",
            Self::Guesses => "30 000 wrong tokens in 5 s",
        }
    }

    /// Sets up what exists before the first measurement.
    pub(crate) async fn prepare(self, target: &Target) -> Prepared {
        match self {
            Self::Callers => callers(target, TEAMS).await,
            Self::Removal => callers(target, 1).await,
            Self::Repeats | Self::Silence | Self::Scrape | Self::Guesses => Vec::new(),
        }
    }

    /// Runs the attack.
    pub(crate) async fn run(self, target: &Target, prepared: Prepared) {
        match self {
            Self::Repeats => calls(target, repeat).await,
            Self::Silence => silence(target).await,
            Self::Callers => newcomers(target).await,
            Self::Removal => removal(target).await,
            Self::Scrape => scrape(target).await,
            Self::Guesses => calls(target, guess).await,
        }
        drop(prepared);
    }
}

fn repeat(_: usize) -> Request<v1::AcquireLeaseRequest> {
    Request::new(v1::AcquireLeaseRequest { request_id: "again".into(), ..scarce::ask(3_000) })
}

fn guess(number: usize) -> Request<v1::AcquireLeaseRequest> {
    let mut request = Request::new(scarce::ask(0));
    let token = format!("Bearer guess-{number}").parse().expect("printable");
    request.metadata_mut().insert("authorization", token);
    request
}

/// Sends calls evenly over the time that a crowd stays. In bursts they would measure how long a processor takes for so many calls of
/// any kind.
async fn calls(target: &Target, call: fn(usize) -> Request<v1::AcquireLeaseRequest>) {
    let channels = join_all((0..CALLS / AT_ONCE).map(|_| connect(target.grpc))).await;
    let clients: Vec<_> = channels.into_iter().map(QuotaServiceClient::new).collect();
    let mut calls = JoinSet::new();
    let mut ticks = tokio::time::interval(TICK);
    for number in 0..CALLS {
        if number % (CALLS / TICKS) == 0 {
            ticks.tick().await;
        }
        let mut client = clients[number % clients.len()].clone();
        calls.spawn(async move { client.acquire_lease(call(number)).await.map(drop) });
    }
    calls.shutdown().await;
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

/// Fills so many teams with callers up to the bound, each with a waiting request; one more is refused.
async fn callers(target: &Target, teams: usize) -> Prepared {
    let mut prepared = Prepared::new();
    for number in 0..teams {
        let team = if number == 0 { CROWDED.into() } else { format!("{CROWDED}-{number}") };
        create_team(target, &team).await;
        let streams = (0..CALLERS / AT_ONCE).map(|stream| fill(target, &team, stream));
        for stream in join_all(streams).await {
            prepared.push(Box::new(stream));
        }
    }
    let newcomer =
        v1::AcquireLeaseRequest { team: CROWDED.into(), caller: "one-more".into(), ..scarce::ask(3_000) };
    let mut client = QuotaServiceClient::new(connect(target.grpc).await);
    let refused = client.acquire_lease(newcomer).await.expect_err("there is no room");
    assert_eq!(status::reason(&refused), "TOO_MANY_CALLERS", "{refused:?}");
    prepared
}

async fn create_team(target: &Target, id: &str) {
    let request = v1::CreateTeamRequest {
        parent: format!("workspaces/{SCARCE}"),
        team_id: id.into(),
        team: Some(v1::Team::default()),
        ..v1::CreateTeamRequest::default()
    };
    let mut admin = AdminServiceClient::new(connect(target.grpc).await);
    admin.create_team(request).await.expect("a new team");
}

/// A stream with as many callers of a team as it may have in flight. The answer to a malformed settle shows that all were read.
async fn fill(target: &Target, team: &str, stream: usize) -> impl Sized + 'static {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    for id in 1..=AT_ONCE as u64 {
        let caller = format!("caller-{stream}-{id}");
        let ask = v1::AcquireLeaseRequest { team: team.into(), caller, ..scarce::ask(3_000) };
        let _ = sender.send(v1::ExchangeRequest { id, request: Some(Asked::Acquire(ask.into())) });
    }
    let last = v1::SettleLeaseRequest::default();
    let last = v1::ExchangeRequest { id: AT_ONCE as u64 + 1, request: Some(Asked::Settle(last.into())) };
    let _ = sender.send(last);
    let mut client = QuotaServiceClient::new(connect(target.grpc).await);
    let answers = client.exchange(UnboundedReceiverStream::new(receiver)).await.expect("a stream");
    let mut answers = answers.into_inner();
    let answer = answers.next().await.expect("it goes on").expect("an answer");
    assert_eq!(answer.id, AT_ONCE as u64 + 1, "{answer:?}");
    (sender, answers)
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

/// Removes the team: its waiting requests are refused.
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
