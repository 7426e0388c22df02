//! Explanations over gRPC: who may ask, and what is said.

use crate::served::{self, Served, client_token, reason};
use apportion_proto::v1::prospect::Outcome;
use apportion_proto::v1::{self, ExplainLeaseRequest};

async fn explain(served: &Served, request: ExplainLeaseRequest) -> v1::LeaseExplanation {
    let explained = served.quota_as(served::ROOT).explain_lease(request).await.expect("explained");
    explained.into_inner().explanation.expect("there is one")
}

fn outcome(prospect: Option<v1::Prospect>) -> Outcome {
    prospect.and_then(|prospect| prospect.outcome).expect("there is one")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_says_what_a_request_would_get_and_takes_nothing() {
    let served = Served::start().await;
    let many = ExplainLeaseRequest { permits: Some(2), ..Default::default() };
    for _ in 0..2 {
        let explanation = explain(&served, many.clone()).await;
        assert_eq!(explanation.limits[0].left_permits, explanation.limits[0].budget_permits);
        assert_eq!(explanation.path[0].granted_permits, 0);
    }
    let unknown = ExplainLeaseRequest { team: "nobody".into(), ..Default::default() };
    let explanation = explain(&served, unknown).await;
    let Outcome::Refused(refusal) = outcome(explanation.prospect) else { panic!("it is refused") };
    assert_eq!(
        (refusal.reason(), refusal.message.as_str()),
        (v1::Reason::UnknownTeam, "the workspace has no such team")
    );
    assert_eq!(explanation.obstacle.map(|it| it.rule()), Some(v1::Rule::Refused));
    let mut quota = served.quota_as(served::ROOT);
    let nowhere = ExplainLeaseRequest { workspace: "nowhere".into(), ..Default::default() };
    assert_eq!(reason(quota.explain_lease(nowhere).await), "UNKNOWN_WORKSPACE");
    let nothing = ExplainLeaseRequest { permits: Some(0), ..Default::default() };
    assert_eq!(reason(quota.explain_lease(nothing).await), "MALFORMED");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_watch_a_workspace_may_ask_why_and_what_was_used() {
    let served = Served::start().await;
    let mut admin = served.admin();
    let client = admin.create_token(client_token("client")).await.expect("made").into_inner().secret;
    let mut observer = client_token("observer");
    observer.token.as_mut().expect("a token").role = v1::Role::Observer.into();
    let observer = admin.create_token(observer).await.expect("made").into_inner().secret;
    let (explanation, usage) = (ExplainLeaseRequest::default(), v1::QueryUsageRequest::default());
    let mut quota = served.quota_as(&client);
    assert_eq!(reason(quota.explain_lease(explanation.clone()).await), "PERMISSION_DENIED");
    assert_eq!(reason(quota.query_usage(usage.clone()).await), "PERMISSION_DENIED");
    let mut quota = served.quota_as(&observer);
    quota.explain_lease(explanation).await.expect("explained");
    quota.query_usage(usage).await.expect("reported");
}
