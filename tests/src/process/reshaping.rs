//! A server whose policy changes all the time, and which is killed before, in and after it, out of one seed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use tempfile::TempDir;
use tokio::sync::watch;
use tonic::Status;
use tonic::transport::Channel;

use super::leases::{Epoch, Limit, Seen, Shape};
use super::load::span;
use super::pass;
use super::server::Server;
use crate::world::random::Random;

/// The workspace that changes.
pub const WORKSPACE: &str = "changing";
/// The team that has a cap, and the one that has none.
pub const TEAMS: [&str; 2] = ["capped", "free"];

/// Windows of a limit, in seconds.
const WINDOWS: [u64; 4] = [2, 3, 4, 6];
/// Most limits at once.
const LIMITS: usize = 3;

/// What a run is made of, shared with those who hold leases.
#[derive(Clone, Debug)]
pub struct Shared {
    /// What all instants are told by.
    pub epoch: Epoch,
    /// What was seen so far.
    pub seen: Arc<Mutex<Seen>>,
    /// Where the server is.
    pub server: watch::Receiver<Channel>,
}

impl Shared {
    /// Notes something.
    pub fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A server under change.
#[derive(Debug)]
pub struct Reshaping {
    /// How often it was started again.
    pub restarts: u32,
    server: Option<Server>,
    home: TempDir,
    random: Random,
    names: u64,
    shape: Shape,
    shared: Shared,
    turn: watch::Sender<Channel>,
}

impl Reshaping {
    /// Starts a server whose workspace has one limit and two teams.
    pub async fn start(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let home = tempfile::tempdir().expect("a directory");
        let server = Server::start(home.path());
        let (turn, channel) = watch::channel(server.channel());
        let shared = Shared { epoch: Epoch::now(), seen: Arc::default(), server: channel };
        let shape = Shape { limits: vec![limit(0, &mut random)], cap: Some(3) };
        let mut this =
            Self { restarts: 0, server: Some(server), home, random, names: 0, shape, shared, turn };
        let asked = Instant::now();
        this.create().await.expect("a workspace");
        this.acknowledged(asked);
        this
    }

    /// What those who hold leases need.
    pub fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// The longest window in force.
    pub fn longest_window(&self) -> Duration {
        self.shape.limits.iter().map(|limit| limit.window).max().expect("one limit at least")
    }

    /// Ends the server, which must not have panicked.
    pub fn end(mut self) {
        assert!(self.server.take().expect("it runs").stop(Duration::from_secs(15)).success());
    }

    /// One thing happens.
    pub async fn happen(&mut self) {
        match self.random.between(0, 99) {
            0..55 => self.reshape().await,
            55..65 => self.make_again().await,
            65..75 => self.remake_the_capped_team().await,
            75..85 => self.crash().await,
            85..92 => self.crash_in_a_change().await,
            _ => self.stop_and_start().await,
        }
    }

    fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.server.as_ref().expect("it runs").channel())
    }

    fn acknowledged(&self, asked: Instant) {
        let [asked, now] = [asked, Instant::now()].map(|at| self.shared.epoch.of(at));
        self.shared.note(|seen| seen.changed(asked, now, self.shape.clone()));
    }

    async fn create(&mut self) -> Result<(), Status> {
        let request = v1::CreateWorkspaceRequest {
            workspace_id: WORKSPACE.into(),
            workspace: Some(self.workspace()),
            ..Default::default()
        };
        self.admin().create_workspace(request).await?;
        self.create_team(TEAMS[1], None).await?;
        self.create_team(TEAMS[0], self.shape.cap).await
    }

    async fn create_team(&self, id: &str, cap_permits: Option<u32>) -> Result<(), Status> {
        let team = Some(v1::Team { cap_permits, ..Default::default() });
        let (parent, team_id) = (format!("workspaces/{WORKSPACE}"), id.into());
        let request = v1::CreateTeamRequest { parent, team_id, team, ..Default::default() };
        self.admin().create_team(request).await.map(|_| ())
    }

    fn workspace(&self) -> v1::Workspace {
        v1::Workspace {
            name: format!("workspaces/{WORKSPACE}"),
            limits: self.shape.limits.iter().map(wire).collect(),
            largest_lease_permits: Some(4),
            ..Default::default()
        }
    }

    fn update(&self) -> v1::UpdateWorkspaceRequest {
        let update_mask = Some(prost_types::FieldMask { paths: vec!["limits".into()] });
        let workspace = Some(self.workspace());
        v1::UpdateWorkspaceRequest { workspace, update_mask, ..Default::default() }
    }

    /// Limits of another shape. Every third time the server is killed as soon as they are acknowledged.
    async fn reshape(&mut self) {
        self.change_limits();
        let asked = Instant::now();
        self.admin().update_workspace(self.update()).await.expect("a change");
        self.acknowledged(asked);
        if self.random.percent(30) {
            pass(Duration::from_millis(self.random.between(0, 30))).await;
            self.crash().await;
        }
    }

    fn change_limits(&mut self) {
        let (random, limits) = (&mut self.random, &mut self.shape.limits);
        for _ in 0..=random.place(2) {
            self.names += 1;
            let (at, name) = (random.place(limits.len()), self.names);
            match random.between(0, 7) {
                0 => limits[at].permits = permits(random),
                1 | 2 => {
                    let Limit { window, phase, .. } = limit(name, random);
                    (limits[at].window, limits[at].phase) = (window, phase);
                }
                3 => limits[at].phase = phase(limits[at].window, random),
                4 | 5 if limits.len() < LIMITS => limits.push(limit(name, random)),
                6 if limits.len() > 1 => {
                    limits.remove(at);
                }
                _ => limits[at].id = format!("renamed-{name}"),
            }
        }
    }

    /// The workspace is deleted and made again, every other time under other limits.
    async fn make_again(&mut self) {
        let asked = Instant::now();
        let request = v1::DeleteWorkspaceRequest {
            name: format!("workspaces/{WORKSPACE}"),
            force: true,
            ..Default::default()
        };
        self.admin().delete_workspace(request).await.expect("deleted");
        if self.random.percent(50) {
            self.change_limits();
        }
        self.create().await.expect("made again");
        self.acknowledged(asked);
    }

    /// The team with a cap is deleted and made again, with another cap.
    async fn remake_the_capped_team(&mut self) {
        let asked = Instant::now();
        let name = format!("workspaces/{WORKSPACE}/teams/{}", TEAMS[0]);
        let request = v1::DeleteTeamRequest { name, ..Default::default() };
        self.admin().delete_team(request).await.expect("deleted");
        self.shape.cap = Some(u32::try_from(self.random.between(1, 6)).expect("small"));
        self.create_team(TEAMS[0], self.shape.cap).await.expect("made again");
        self.acknowledged(asked);
    }

    async fn crash(&mut self) {
        self.server.take().expect("it runs").kill();
        self.start_again().await;
    }

    async fn stop_and_start(&mut self) {
        assert!(self.server.take().expect("it runs").stop(Duration::from_secs(15)).success());
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        pass(Duration::from_millis(self.random.between(0, 400))).await;
        let server = Server::start(self.home.path());
        let _ = self.turn.send(server.channel());
        self.server = Some(server);
        self.restarts += 1;
    }

    /// The server is killed while it writes a change: it may have been made, or not.
    async fn crash_in_a_change(&mut self) {
        self.change_limits();
        let (mut admin, update, asked) = (self.admin(), self.update(), Instant::now());
        let call = tokio::spawn(async move { admin.update_workspace(update).await });
        pass(Duration::from_micros(self.random.between(0, 6_000))).await;
        self.crash().await;
        let answered = call.await.expect("no panic");
        let is = self.limits().await;
        assert!(answered.is_err() || is == self.shape.limits, "an acknowledged change was lost: {is:?}");
        self.shape.limits = is;
        self.acknowledged(asked);
    }

    async fn limits(&self) -> Vec<Limit> {
        let request = v1::GetWorkspaceRequest { name: format!("workspaces/{WORKSPACE}") };
        let got = self.admin().get_workspace(request).await.expect("it is there").into_inner();
        got.workspace.expect("a workspace").limits.iter().map(read).collect()
    }
}

fn permits(random: &mut Random) -> u32 {
    u32::try_from(random.between(4, 40)).expect("small")
}

fn phase(window: Duration, random: &mut Random) -> Duration {
    let most = u64::try_from(window.as_millis()).expect("seconds") - 1;
    Duration::from_millis(if random.percent(50) { 0 } else { random.between(0, most) })
}

fn limit(name: u64, random: &mut Random) -> Limit {
    let window = Duration::from_secs(WINDOWS[random.place(WINDOWS.len())]);
    Limit { id: format!("limit-{name}"), permits: permits(random), window, phase: phase(window, random) }
}

fn wire(limit: &Limit) -> v1::Limit {
    let span = |span: Duration| prost_types::Duration::try_from(span).ok();
    let milliseconds = |ms| span(Duration::from_millis(ms));
    v1::Limit {
        limit_id: limit.id.clone(),
        permits: limit.permits,
        window: span(limit.window),
        phase: span(limit.phase),
        start_margin: milliseconds(20),
        guard: milliseconds(500),
        lease_life: milliseconds(200),
    }
}

fn read(limit: &v1::Limit) -> Limit {
    Limit {
        id: limit.limit_id.clone(),
        permits: limit.permits,
        window: span(limit.window.as_ref()),
        phase: span(limit.phase.as_ref()),
    }
}
