//! Hostile messages of another node.

use super::stream::PassedCalls;
use crate::clock::{Clock, Machine};
use crate::convert::recent::RecentNames;
use crate::convert::team::team_policies;
use crate::convert::workspace::policy;
use crate::engine::{Acquire, Engine, EngineSettings, LeaseReport, Serving, Versioned};
use crate::error::Error;
use crate::leases::{Cluster, ClusterNode, LeaseRouter, Requested};
use crate::owners::{Owners, Route};
use crate::preset;
use crate::service::admin::Policies;
use crate::service::authorize::Identity;
use crate::service::gate::Gate;
use crate::store::catalog::{Catalog, CatalogChange, Document};
use crate::store::{Memory, Store};
use apportion_core::bounds::Bounds;
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_core::ledger::Horizon;
use apportion_fuzz::fuzz;
use apportion_proto::peer_v1::pass_calls_request::Call;
use apportion_proto::peer_v1::pass_calls_response::Response;
use apportion_proto::peer_v1::{AssertedCaller, Journey, PassCallsRequest, PassCallsResponse, PassedCancel};
use apportion_proto::v1;
use futures_util::{FutureExt, StreamExt, stream};
use prost::Message;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// This node owns every shard, under epoch 5.
#[derive(Debug)]
struct Everything(watch::Sender<u64>);

impl Owners for Everything {
    fn is_confirmed(&self) -> bool {
        true
    }

    fn route(&self, _: u16) -> Route {
        Route::Local { epoch: 5 }
    }

    fn changed(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

fn node() -> (LeaseRouter, Arc<Cluster>) {
    node_on(&(Arc::new(Memory::new(1)) as Arc<dyn Store>))
}

/// The same on a store in which it follows nothing.
fn node_on(store: &Arc<dyn Store>) -> (LeaseRouter, Arc<Cluster>) {
    let id = WorkspaceId::new("default").expect("a name");
    let team = preset::default_team("default");
    let teams = team_policies(&id, [&team]).expect("valid");
    let policy = policy(&preset::intercom(), teams).expect("valid");
    let version = store.commit(vec![crate::store::Transaction::default()]);
    let Some(crate::store::CommitOutcome::Done(version)) = version.into_iter().next() else {
        panic!("a memory store commits")
    };
    let settings = EngineSettings {
        node: NodeId::new("a").expect("a name"),
        horizon: Horizon::DEFAULT,
        bounds: Bounds::DEFAULT,
        shards: 4,
        serving: Serving::Everything,
    };
    let clock = Arc::new(Clock::new(Box::new(Machine), Horizon::DEFAULT.clock_error));
    let engine = Engine::start(settings, clock, Arc::clone(store), vec![(id, Versioned { policy, version })]);
    let engine = Arc::new(engine.expect("it starts"));
    let catalog = Catalog::new(Arc::clone(store), 10);
    let policies = Policies::open(catalog, Arc::clone(&engine), Arc::new(Gate::open()), 10);
    let node = ClusterNode {
        node: NodeId::new("a").expect("a name"),
        client_address: "127.0.0.1:1".into(),
        owners: Arc::new(Everything(watch::Sender::new(0))),
    };
    let cluster = Cluster::start(node, policies, None, CancellationToken::new()).expect("it starts");
    (LeaseRouter::shared(engine, Arc::clone(&cluster)), cluster)
}

/// Everything that a node answers to these messages without waiting.
fn answers(of: &(LeaseRouter, Arc<Cluster>), messages: Vec<PassCallsRequest>) -> Vec<PassCallsResponse> {
    let messages = stream::iter(messages.into_iter().map(Ok::<_, Status>)).chain(stream::pending());
    let mut calls = PassedCalls::new(of.0.clone(), Arc::clone(&of.1), messages);
    std::iter::from_fn(|| calls.next().now_or_never()?)
        .map(|answer| answer.expect("the stream goes on"))
        .collect()
}

fn admin() -> prost::bytes::Bytes {
    let caller = AssertedCaller { name: "tokens/a".into(), role: v1::Role::Admin.into(), scopes: Vec::new() };
    caller.encode_to_vec().into()
}

fn acquire(id: u64, journey: Option<Journey>, caller: prost::bytes::Bytes) -> PassCallsRequest {
    let request = v1::AcquireLeaseRequest { permits: Some(1), min_permits: Some(1), ..Default::default() };
    PassCallsRequest { id, journey, caller, longest_wait_ns: None, call: Some(Call::Acquire(request)) }
}

fn hops(hops: u32, epoch: u64) -> Option<Journey> {
    Some(Journey { hops, epoch })
}

fn refusal(answer: &PassCallsResponse) -> Option<&v1::Refusal> {
    match &answer.response {
        Some(Response::Refusal(refusal)) => Some(refusal),
        _ => None,
    }
}

#[tokio::test]
async fn a_call_that_went_too_far_or_names_no_caller_is_refused() {
    let node = node();
    for (call, field) in [
        (acquire(1, None, admin()), "journey"),
        (acquire(1, hops(0, 5), admin()), "journey"),
        (acquire(1, hops(3, 5), admin()), "journey"),
        (acquire(1, hops(1, 5), prost::bytes::Bytes::new()), "caller"),
        (PassCallsRequest { id: 1, ..Default::default() }, "call"),
    ] {
        let answers = answers(&node, vec![call]);
        assert_eq!(answers.len(), 1);
        assert_eq!(refusal(&answers[0]).expect("refused").field, field);
    }
}

#[tokio::test]
async fn what_a_caller_may_do_is_checked_at_the_owner() {
    let scopes = vec![v1::Scope { workspace: "other".into(), team: String::new() }];
    let caller = AssertedCaller { name: "tokens/a".into(), role: v1::Role::Client.into(), scopes };
    let answers = answers(&node(), vec![acquire(1, hops(1, 5), caller.encode_to_vec().into())]);
    assert_eq!(refusal(&answers[0]).expect("refused").reason(), v1::Reason::PermissionDenied);
}

#[tokio::test]
async fn a_claim_that_is_older_than_the_sender_expects_gives_way() {
    let node = node();
    let answers = answers(&node, vec![acquire(1, hops(1, 6), admin())]);
    // The answer comes from a future, which is polled with the stream.
    let Some(Response::NotOwner(not_owner)) = &answers[0].response else { panic!("{answers:?}") };
    assert_eq!(not_owner.owner.as_ref().map(|owner| (&*owner.node, owner.epoch)), Some(("a", 5)));
}

#[tokio::test]
async fn no_message_of_another_node_makes_this_one_panic_and_each_call_is_answered_once_at_most() {
    let node = node();
    let settle = v1::SettleLeaseRequest { lease_id: "1-1-00".into(), ..Default::default() };
    let valid = [
        acquire(1, hops(1, 5), admin()),
        PassCallsRequest { call: Some(Call::Settle(settle)), ..acquire(2, hops(2, 5), admin()) },
        PassCallsRequest { id: 1, call: Some(Call::Cancel(PassedCancel {})), ..Default::default() },
    ]
    .map(|message| message.encode_to_vec());
    fuzz(|noise| {
        let mut messages = Vec::new();
        for _ in 0..noise.below(4) + 1 {
            let bytes = match noise.below(4) {
                0 => noise.bytes(60),
                at => noise.changed(&valid[at - 1]),
            };
            messages.extend(PassCallsRequest::decode(&*bytes));
        }
        let calls = messages.len();
        assert!(answers(&node, messages).len() <= calls);
    });
}

/// Creates a workspace, or adds a team to it, without a word to the node.
fn write(store: &Arc<dyn Store>, workspace: &str, team: &str) {
    let mut puts = vec![Document::Team {
        workspace: workspace.into(),
        team: team.into(),
        value: v1::Team {
            name: format!("workspaces/{workspace}/teams/{team}"),
            ..preset::default_team(workspace)
        },
    }];
    if team == "default" {
        let value = v1::Workspace { name: format!("workspaces/{workspace}"), ..preset::intercom() };
        puts.push(Document::Workspace { workspace: workspace.into(), value });
    }
    let change =
        CatalogChange { expect: Vec::new(), puts, deletes: Vec::new(), entry: v1::AuditEntry::default() };
    Catalog::new(Arc::clone(store), 10).apply(&change).expect("written");
}

async fn lease(leases: &LeaseRouter, workspace: &str, team: &str) -> Result<(), Error> {
    let wire =
        v1::AcquireLeaseRequest { workspace: workspace.into(), team: team.into(), ..Default::default() };
    let acquire = Acquire::next(&wire, &mut RecentNames::default()).expect("valid");
    match leases.acquire(&Arc::new(Identity::anybody()), acquire, None)? {
        Requested::Granted(_) => Ok(()),
        Requested::Waits(waits) => waits.await.map(|_| ()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_has_not_seen_a_workspace_or_a_team_yet_looks_into_the_store_before_it_refuses_a_call()
{
    let store: Arc<dyn Store> = Arc::new(Memory::new(1));
    let (leases, cluster) = node_on(&store);
    let unknown = lease(&leases, "new", "default").await.expect_err("there is none");
    assert_eq!(unknown, Error::UnknownWorkspace);
    write(&store, "new", "default");
    lease(&leases, "new", "default").await.expect("it is there now");
    let refused = lease(&leases, "new", "team").await.expect_err("there is none");
    assert_eq!(refused.reason(), v1::Reason::UnknownTeam);
    write(&store, "new", "team");
    lease(&leases, "new", "team").await.expect("it is there now");
    // What is shown, and reports, which say here that nobody has such a lease.
    for id in ["shown", "reported"] {
        write(&store, id, "default");
    }
    let id = WorkspaceId::new("shown").expect("a name");
    leases.snapshot_here(&cluster, &id).await.expect("it is there");
    let wire = v1::SettleLeaseRequest {
        workspace: "reported".into(),
        lease_id: "1-1-00".into(),
        ..Default::default()
    };
    let report = LeaseReport::try_from(&wire).expect("valid");
    let settled = leases.settle(&Arc::new(Identity::anybody()), &report, &wire).result().await;
    assert_ne!(settled.err(), Some(Error::UnknownWorkspace));
}
