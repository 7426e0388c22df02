//! The calls of administrators over a store in memory: what is said when it fails, what is read back, and how much there may be.

use crate::clock::{Clock, Machine};
use crate::engine::{Engine, EngineSettings, Serving};
use crate::error::Error;
use crate::faulty::{Faults, FaultyStore};
use crate::leases::LeaseRouter;
use crate::membership::{ClusterView, NodeRecord};
use crate::service::admin::cluster::DRAINS_MAX;
use crate::service::admin::{Admin, Policies};
use crate::service::authorize::Identity;
use crate::service::gate::Gate;
use crate::store::Store;
use crate::store::catalog::{Catalog, CatalogChange, Document, KeptToken};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::Horizon;
use apportion_proto::v1;
use apportion_proto::v1::admin_service_server::AdminService;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

/// Why a call was refused.
fn reason<T>(outcome: Result<Response<T>, Status>) -> String {
    let status = outcome.err().expect("it is refused");
    status.get_details_error_info().expect("the details say why").reason
}

/// Long enough for a machine that is busy.
const SOON: Duration = Duration::from_secs(20);

/// How many workspaces there may be.
const WORKSPACES: u32 = 20;

struct World {
    store: Arc<FaultyStore>,
    engine: Arc<Engine>,
    admin: Admin,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(FaultyStore::new(1));
        let node = NodeId::new("node").expect("a name");
        let settings = EngineSettings {
            node,
            horizon: Horizon::DEFAULT,
            bounds: Bounds::DEFAULT,
            shards: 4,
            serving: Serving::Everything,
        };
        let clock = Arc::new(Clock::new(Box::new(Machine), Horizon::DEFAULT.clock_error));
        let kept = Arc::clone(&store) as Arc<dyn Store>;
        let engine = Engine::start(settings, clock, Arc::clone(&kept), Vec::new()).expect("it starts");
        let engine = Arc::new(engine);
        let catalog = Catalog::new(Arc::clone(&kept), 10);
        let policies = Policies::open(catalog, Arc::clone(&engine), Arc::new(Gate::open()), WORKSPACES);
        let leases = LeaseRouter::alone(Arc::clone(&engine));
        Self { store, engine, admin: Admin::new(policies, kept, leases, None) }
    }

    async fn create_workspace(
        &self,
        id: &str,
    ) -> Result<tonic::Response<v1::CreateWorkspaceResponse>, tonic::Status> {
        let window = Some(prost_types::Duration { seconds: 10, nanos: 0 });
        let limit = v1::Limit { limit_id: "l".into(), permits: 100, window, ..v1::Limit::default() };
        let workspace = Some(v1::Workspace { limits: vec![limit], ..v1::Workspace::default() });
        let request = v1::CreateWorkspaceRequest { workspace_id: id.into(), workspace, ..Default::default() };
        self.admin.create_workspace(Request::new(request)).await
    }

    async fn create_team(&self, id: &str) -> Result<tonic::Response<v1::CreateTeamResponse>, tonic::Status> {
        let request =
            v1::CreateTeamRequest { parent: "workspaces/w".into(), team_id: id.into(), ..Default::default() };
        self.admin.create_team(Request::new(request)).await
    }

    /// Whether the engine serves a team of this name, which nothing else bears.
    fn serves(&self, team: &str) -> bool {
        let workspace = WorkspaceId::new("w").expect("a name");
        self.engine.snapshot(&workspace).is_ok_and(|shown| format!("{shown:?}").contains(team))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_although_the_reply_was_lost_is_in_force_once_it_is_read_back() {
    let world = World::new();
    world.create_workspace("w").await.expect("created");
    world.store.set_faults(Faults { replies_lost: true, ..Faults::default() });
    assert_eq!(reason(world.create_team("okapi").await), "STORE_LOST");
    assert!(!world.serves("okapi"), "nobody knows yet");
    world.store.set_faults(Faults::default());
    let begun = Instant::now();
    while !world.serves("okapi") {
        assert!(begun.elapsed() < SOON, "it was never read back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(reason(world.create_team("okapi").await), "ALREADY_EXISTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_refuses_is_not_in_force_and_may_be_tried_again() {
    let world = World::new();
    world.create_workspace("w").await.expect("created");
    world.store.set_faults(Faults { writes_refused: true, ..Faults::default() });
    assert_eq!(reason(world.create_team("okapi").await), "STORE_LOST");
    world.store.set_faults(Faults { reads_fail: true, ..Faults::default() });
    assert_eq!(reason(world.create_team("okapi").await), "STORE_LOST");
    assert!(!world.serves("okapi"));
    world.store.set_faults(Faults::default());
    world.create_team("okapi").await.expect("created");
    assert!(world.serves("okapi"));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_workspaces_and_no_more() {
    let world = World::new();
    for number in 0..WORKSPACES {
        world.create_workspace(&format!("w{number}")).await.expect("created");
    }
    assert_eq!(reason(world.create_workspace("w").await), "TOO_MANY_RESOURCES");
    let delete = v1::DeleteWorkspaceRequest { name: "workspaces/w7".into(), ..Default::default() };
    world.admin.delete_workspace(Request::new(delete)).await.expect("deleted");
    world.create_workspace("w").await.expect("there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_so_many_tokens_and_no_more() {
    const TOKENS: u32 = 10_000;
    let world = World::new();
    let kept = |number: u32| {
        let name = format!("tokens/t{number}");
        let token = v1::Token { name, role: v1::Role::Client.into(), ..v1::Token::default() };
        let secret_sha256 = std::array::from_fn(|at| number.to_be_bytes()[at % 4]);
        Document::Token { token: format!("t{number}"), value: KeptToken { token, secret_sha256 } }
    };
    let change = CatalogChange {
        expect: Vec::new(),
        puts: (1..TOKENS).map(kept).collect(),
        deletes: Vec::new(),
        entry: v1::AuditEntry::default(),
    };
    Catalog::new(Arc::clone(&world.store) as Arc<dyn Store>, 10).apply(&change).expect("it is written");
    let create = |id: &str, secret: &str| {
        let token = Some(v1::Token { role: v1::Role::Admin.into(), ..v1::Token::default() });
        let request = v1::CreateTokenRequest { token_id: id.into(), token, ..Default::default() };
        let mut request = Request::new(request);
        if !secret.is_empty() {
            request
                .metadata_mut()
                .insert("authorization", format!("Bearer {secret}").parse().expect("printable"));
        }
        world.admin.create_token(request)
    };
    let last = create("last", "").await.expect("there is room for one").into_inner();
    assert_eq!(reason(create("more", &last.secret).await), "TOO_MANY_RESOURCES");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_whose_writing_is_in_doubt_leaves_the_gate_open() {
    let world = World::new();
    let create = |id: &str| {
        let token = Some(v1::Token { role: v1::Role::Admin.into(), ..v1::Token::default() });
        Request::new(v1::CreateTokenRequest { token_id: id.into(), token, ..Default::default() })
    };
    world.store.set_faults(Faults { replies_lost: true, ..Faults::default() });
    assert_eq!(reason(world.admin.create_token(create("a")).await), "STORE_LOST");
    world.store.set_faults(Faults::default());
    world.store.reopen().expect("it is back");
    // Nobody has its secret: it can be deleted, and another one be made.
    let delete = v1::DeleteTokenRequest { name: "tokens/a".into(), ..Default::default() };
    world.admin.delete_token(Request::new(delete)).await.expect("it was written");
    world.admin.create_token(create("a")).await.expect("made");
    assert_eq!(reason(world.admin.create_token(create("b")).await), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_token_whose_reply_was_lost_is_in_force_once_its_maker_asks_again() {
    let world = World::new();
    let create = |hash: u8| {
        let token = Some(v1::Token { role: v1::Role::Admin.into(), ..v1::Token::default() });
        let secret_sha256 = vec![hash; 32];
        Request::new(v1::CreateTokenRequest {
            token_id: "a".into(),
            token,
            secret_sha256,
            ..Default::default()
        })
    };
    world.store.set_faults(Faults { replies_lost: true, ..Faults::default() });
    assert_eq!(reason(world.admin.create_token(create(1)).await), "STORE_LOST");
    world.store.set_faults(Faults::default());
    world.store.reopen().expect("it is back");
    assert_eq!(reason(world.admin.create_token(create(2)).await), "ALREADY_EXISTS");
    let made = world.admin.create_token(create(1)).await.expect("it was made").into_inner();
    assert_eq!((made.token.expect("it").name.as_str(), made.secret.as_str()), ("tokens/a", ""));
    assert_eq!(reason(world.admin.create_token(create(1)).await), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_nodes_drain_and_to_drain_one_again_changes_nothing() {
    let world = World::new();
    let node = |n: usize| NodeId::new(&format!("n{n}")).expect("a name");
    let view = ClusterView {
        seen_by: node(0),
        silence: Duration::ZERO,
        nodes: (0..=DRAINS_MAX).map(|n| (node(n), NodeRecord::default())).collect(),
        drained: BTreeSet::new(),
        shards: Vec::new(),
        pins: BTreeMap::new(),
    };
    let (policies, who) = (&world.admin.policies, Identity::anybody());
    let drain = |n: usize| {
        let request = v1::DrainNodeRequest { name: format!("nodes/n{n}"), validate_only: false };
        policies.drain_node(&view, &who, &request)
    };
    (0..DRAINS_MAX).for_each(|n| drop(drain(n).expect("it drains")));
    drain(0).expect("it drains already");
    let full = drain(DRAINS_MAX).expect_err("there are too many");
    assert_eq!(full, Error::TooManyResources { what: "draining nodes", most: DRAINS_MAX as u64 });
    let undrain = v1::UndrainNodeRequest { name: "nodes/n0".into(), validate_only: false };
    policies.undrain_node(&view, &who, &undrain).expect("it drains no more");
    drain(DRAINS_MAX).expect("there is room");
}
