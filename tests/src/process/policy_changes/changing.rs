//! A server whose policy changes all the time and which is killed before, during and after changes, out of one seed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use tempfile::TempDir;
use tokio::sync::watch;
use tonic::Status;
use tonic::transport::Channel;

use super::clock::SteadyClock;
use super::history::{History, PolicyShape};
use super::limits::{self, Limit};
use crate::process::pass;
use crate::process::server::Server;
use crate::world::random::Random;

/// The workspace that changes.
pub const WORKSPACE: &str = "changing";
/// The team with a cap, and the one without.
pub const TEAMS: [&str; 2] = ["capped", "free"];

/// What the server shares with the clients that hold leases.
#[derive(Clone, Debug)]
pub struct Shared {
    /// The clock of all instants.
    pub clock: SteadyClock,
    /// What was recorded so far.
    pub history: Arc<Mutex<History>>,
    /// The present server.
    pub server: watch::Receiver<Channel>,
}

impl Shared {
    /// Adds to the history.
    pub fn record(&self, record: impl FnOnce(&mut History)) {
        record(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// A server whose policy changes.
#[derive(Debug)]
pub struct ChangingServer {
    /// How often it was restarted.
    pub restarts: u32,
    server: Option<Server>,
    home: TempDir,
    random: Random,
    names: u64,
    shape: PolicyShape,
    shared: Shared,
    switch: watch::Sender<Channel>,
}

impl ChangingServer {
    /// Starts a server whose workspace has one limit and two teams.
    pub async fn start(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let home = tempfile::tempdir().expect("a directory");
        let server = Server::start(home.path());
        let (switch, channel) = watch::channel(server.channel());
        let shared = Shared { clock: SteadyClock::start(), history: Arc::default(), server: channel };
        let shape = PolicyShape { limits: vec![limits::any(0, &mut random)], cap: Some(3) };
        let mut changing =
            Self { restarts: 0, server: Some(server), home, random, names: 0, shape, shared, switch };
        let requested = Instant::now();
        changing.create().await.expect("a workspace");
        changing.record_change(requested);
        changing
    }

    /// What the clients that hold leases need.
    pub fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// The longest window in force.
    pub fn longest_window(&self) -> Duration {
        self.shape.limits.iter().map(|limit| limit.window).max().expect("at least one limit")
    }

    /// Stops the server, which must not have panicked.
    pub fn stop(mut self) {
        self.server.take().expect("it runs").stop_cleanly();
    }

    /// One random change, crash or restart.
    pub async fn step(&mut self) {
        match self.random.between(0, 99) {
            0..55 => self.update().await,
            55..65 => self.recreate_workspace().await,
            65..75 => self.recreate_capped_team().await,
            75..85 => self.crash().await,
            85..92 => self.crash_during_change().await,
            _ => self.restart().await,
        }
    }

    fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.server.as_ref().expect("it runs").channel())
    }

    /// Records that the present policy was acknowledged.
    fn record_change(&self, requested: Instant) {
        let [requested, now] = [requested, Instant::now()].map(|at| self.shared.clock.at(at));
        self.shared.record(|history| history.record_change(requested, now, self.shape.clone()));
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
            limits: self.shape.limits.iter().map(limits::to_wire).collect(),
            largest_lease_permits: Some(4),
            ..Default::default()
        }
    }

    fn update_request(&self) -> v1::UpdateWorkspaceRequest {
        let update_mask = Some(prost_types::FieldMask { paths: vec!["limits".into()] });
        let workspace = Some(self.workspace());
        v1::UpdateWorkspaceRequest { workspace, update_mask, ..Default::default() }
    }

    /// Other limits. Every third time the server is killed soon after they are acknowledged.
    async fn update(&mut self) {
        self.change_limits();
        let requested = Instant::now();
        self.admin().update_workspace(self.update_request()).await.expect("a change");
        self.record_change(requested);
        if self.random.percent(30) {
            pass(Duration::from_millis(self.random.between(0, 30))).await;
            self.crash().await;
        }
    }

    fn change_limits(&mut self) {
        limits::change(&mut self.shape.limits, &mut self.names, &mut self.random);
    }

    /// The workspace is deleted and created again, every other time with other limits.
    async fn recreate_workspace(&mut self) {
        let requested = Instant::now();
        let request = v1::DeleteWorkspaceRequest {
            name: format!("workspaces/{WORKSPACE}"),
            force: true,
            ..Default::default()
        };
        self.admin().delete_workspace(request).await.expect("deleted");
        if self.random.percent(50) {
            self.change_limits();
        }
        self.create().await.expect("created again");
        self.record_change(requested);
    }

    /// The team with a cap is deleted and created again, with another cap.
    async fn recreate_capped_team(&mut self) {
        let requested = Instant::now();
        let name = format!("workspaces/{WORKSPACE}/teams/{}", TEAMS[0]);
        let request = v1::DeleteTeamRequest { name, ..Default::default() };
        self.admin().delete_team(request).await.expect("deleted");
        self.shape.cap = Some(u32::try_from(self.random.between(1, 6)).expect("small"));
        self.create_team(TEAMS[0], self.shape.cap).await.expect("created again");
        self.record_change(requested);
    }

    async fn crash(&mut self) {
        self.server.take().expect("it runs").kill();
        self.start_again().await;
    }

    async fn restart(&mut self) {
        self.server.take().expect("it runs").stop_cleanly();
        self.start_again().await;
    }

    async fn start_again(&mut self) {
        pass(Duration::from_millis(self.random.between(0, 400))).await;
        let server = Server::start(self.home.path());
        let _ = self.switch.send(server.channel());
        self.server = Some(server);
        self.restarts += 1;
    }

    /// The server is killed while it writes a change, which may be durable or not.
    async fn crash_during_change(&mut self) {
        self.change_limits();
        let (mut admin, update, requested) = (self.admin(), self.update_request(), Instant::now());
        let call = tokio::spawn(async move { admin.update_workspace(update).await });
        pass(Duration::from_micros(self.random.between(0, 6_000))).await;
        self.crash().await;
        let answer = call.await.expect("no panic");
        let limits = self.limits().await;
        assert!(
            answer.is_err() || limits == self.shape.limits,
            "an acknowledged change was lost: {limits:?}"
        );
        self.shape.limits = limits;
        self.record_change(requested);
    }

    async fn limits(&self) -> Vec<Limit> {
        let request = v1::GetWorkspaceRequest { name: format!("workspaces/{WORKSPACE}") };
        let got = self.admin().get_workspace(request).await.expect("it is there").into_inner();
        got.workspace.expect("a workspace").limits.iter().map(limits::from_wire).collect()
    }
}
