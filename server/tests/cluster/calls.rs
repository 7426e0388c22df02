//! Every kind of call through a node that is not the owner.

use crate::nodes::{Nodes, acquire, reason};
use apportion_envoy::ratelimit::rate_limit_descriptor::Entry;
use apportion_envoy::ratelimit::rate_limit_response::Code;
use apportion_envoy::ratelimit::rate_limit_service_client::RateLimitServiceClient;
use apportion_envoy::ratelimit::{RateLimitDescriptor, RateLimitRequest};
use apportion_proto::v1;
use tonic::Request;
use tonic::transport::Endpoint;

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_granted_settled_and_given_back_through_any_node() {
    let nodes = Nodes::start(2).await;
    let response = nodes.quota(1).acquire_lease(acquire(5)).await.expect("granted");
    let hint = response.metadata().get("apportion-owner").expect("the owner is named");
    assert_eq!(hint.to_str().expect("text"), format!("node-0;1;{}", nodes.client_address(0)));
    let lease = response.into_inner().lease.expect("a lease");
    assert_eq!(lease.permits, 5);
    assert!(lease.held.is_some(), "the time that the first node kept the request counts");
    let report = v1::SettleLeaseRequest {
        lease_id: lease.lease_id.clone(),
        used_permits: 2,
        returned_permits: 3,
        is_final: true,
        ..Default::default()
    };
    let settled = nodes.quota(1).settle_lease(report.clone()).await.expect("settled").into_inner().settled;
    assert_eq!(settled.map(|settled| settled.accepted_permits), Some(3));
    let requests = vec![report, v1::SettleLeaseRequest::default()];
    let batch = v1::BatchSettleLeasesRequest { requests };
    let outcomes = nodes.quota(1).batch_settle_leases(batch).await.expect("judged").into_inner().outcomes;
    let kinds: Vec<_> = outcomes.into_iter().map(|outcome| outcome.outcome.expect("one")).collect();
    assert!(matches!(
        kinds[..],
        [v1::settle_outcome::Outcome::Settled(_), v1::settle_outcome::Outcome::Refusal(_)]
    ));
    assert_eq!(nodes.snapshot(1).await.teams[0].granted_permits, 2);
    assert_eq!(nodes.snapshot(0).await.teams[0].granted_permits, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_of_the_owner_reads_the_same_through_any_node() {
    let nodes = Nodes::start(2).await;
    nodes.quota(0).acquire_lease(acquire(5)).await.expect("granted");
    let unknown = v1::ExplainLeaseRequest { team: "nobody".into(), ..Default::default() };
    for request in [v1::ExplainLeaseRequest::default(), unknown] {
        let of = async |node| {
            let explained = nodes.quota(node).explain_lease(request.clone()).await.expect("explained");
            explained.into_inner().explanation.expect("there is one")
        };
        let (direct, passed) = (of(0).await, of(1).await);
        let granted = |it: &v1::LeaseExplanation| it.path.first().map(|team| team.granted_permits);
        assert_eq!(granted(&direct), granted(&passed));
        assert_eq!(granted(&direct), request.team.is_empty().then_some(5));
        let rule = |it: &v1::LeaseExplanation| it.obstacle.as_ref().map(v1::Obstacle::rule);
        assert_eq!(rule(&direct), rule(&passed));
    }
    let nowhere = v1::ExplainLeaseRequest { workspace: "nowhere".into(), ..Default::default() };
    assert_eq!(reason(nodes.quota(1).explain_lease(nowhere).await), "UNKNOWN_WORKSPACE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_owner_reads_the_same_through_any_node() {
    let nodes = Nodes::start(2).await;
    for bad in [
        v1::AcquireLeaseRequest { team: "nobody".into(), ..acquire(1) },
        v1::AcquireLeaseRequest { workspace: "nowhere".into(), ..acquire(1) },
        v1::AcquireLeaseRequest { min_permits: Some(2), ..acquire(1) },
        acquire(100_000_000),
    ] {
        let of = async |node| nodes.quota(node).acquire_lease(bad.clone()).await.expect_err("refused");
        let (direct, passed) = (of(0).await, of(1).await);
        assert_eq!((direct.code(), direct.message()), (passed.code(), passed.message()));
        assert_eq!(reason::<()>(Err(direct)), reason::<()>(Err(passed)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_waits_for_an_owner_until_its_deadline() {
    let nodes = Nodes::start(2).await;
    nodes.orphan();
    let mut short = Request::new(acquire(1));
    short.set_timeout(std::time::Duration::from_millis(300));
    assert_eq!(reason(nodes.quota(1).acquire_lease(short).await), "NOT_OWNER");
    let mut client = nodes.quota(1);
    let waits = tokio::spawn(async move { client.acquire_lease(acquire(1)).await });
    tokio::task::yield_now().await;
    nodes.give(0, 2);
    waits.await.expect("no panic").expect("granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_map_is_corrected_by_the_node_that_was_asked() {
    let nodes = Nodes::start(3).await;
    nodes.give(2, 7);
    nodes.believe(1, 0, 3); // node 0 is not the owner any more, and knows who is
    let response = nodes.quota(1).acquire_lease(acquire(1)).await.expect("granted");
    let hint = response.metadata().get("apportion-owner").expect("the owner is named");
    assert!(hint.to_str().expect("text").starts_with("node-2;7;"), "{hint:?}");
    assert_eq!(nodes.snapshot(2).await.teams[0].granted_permits, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_take_each_other_for_the_owner_do_not_pass_a_call_on_for_ever() {
    let nodes = Nodes::start(2).await;
    nodes.believe(0, 1, 5);
    nodes.believe(1, 0, 6);
    let mut request = Request::new(acquire(1));
    request.set_timeout(std::time::Duration::from_millis(300));
    assert_eq!(reason(nodes.quota(0).acquire_lease(request).await), "NOT_OWNER");
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_may_ask_any_node() {
    let nodes = Nodes::start(2).await;
    let domain = v1::Domain { workspace: "workspaces/default".into(), ..v1::Domain::default() };
    let create =
        v1::CreateDomainRequest { domain_id: "mesh".into(), domain: Some(domain), ..Default::default() };
    let entry = Entry { key: "team".into(), value: "default".into() };
    let descriptor = |is_negative_hits| RateLimitDescriptor {
        entries: vec![entry.clone()],
        is_negative_hits,
        ..RateLimitDescriptor::default()
    };
    let mut left = Vec::new();
    for node in [0, 1, 1] {
        // The nodes of this test have stores of their own.
        let _ = nodes.admin(node).create_domain(create.clone()).await;
        let endpoint =
            Endpoint::from_shared(format!("http://{}", nodes.client_address(node))).expect("an address");
        let mut envoy = RateLimitServiceClient::new(endpoint.connect().await.expect("it listens"));
        let mut asked =
            RateLimitRequest { domain: "mesh".into(), descriptors: vec![descriptor(false)], hits_addend: 1 };
        let answer = envoy.should_rate_limit(asked.clone()).await.expect("an answer").into_inner();
        assert_eq!(answer.overall_code(), Code::Ok, "node {node}");
        left.push(answer.statuses[0].limit_remaining);
        // What a node took for an Envoy can be given back through it, wherever the owner is.
        asked.descriptors = vec![descriptor(true)];
        envoy.should_rate_limit(asked).await.expect("an answer");
    }
    assert!(left.iter().all(|now| *now == left[0]), "{left:?}");
}
