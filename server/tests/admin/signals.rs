//! Signals over gRPC: whose they are, who may get them, and how clients learn that they changed.

use crate::policy::with_workspace;
use crate::served::{ROOT, Served, reason};
use apportion_proto::v1;

const NAME: &str = "workspaces/w";

fn own(header: &str) -> v1::Signals {
    let limit_permits = Some(v1::CountSource { header: header.into(), ..Default::default() });
    v1::Signals {
        limits: vec![v1::LimitSignal { limit_permits, ..Default::default() }],
        ..Default::default()
    }
}

async fn signals(served: &Served) -> v1::GetSignalsResponse {
    let request = v1::GetSignalsRequest { workspace: "w".into() };
    served.quota_as(ROOT).get_signals(request).await.expect("they are there").into_inner()
}

async fn version_of_a_lease(served: &Served) -> u32 {
    let request = v1::AcquireLeaseRequest { workspace: "w".into(), ..Default::default() };
    let granted = served.quota_as(ROOT).acquire_lease(request).await.expect("granted").into_inner();
    granted.lease.expect("a lease").signals_version
}

fn update(signals: Option<v1::Signals>) -> v1::UpdateWorkspaceRequest {
    let update_mask = Some(prost_types::FieldMask { paths: vec!["signals".into()] });
    let workspace = Some(v1::Workspace { name: NAME.into(), signals, ..Default::default() });
    v1::UpdateWorkspaceRequest { workspace, update_mask, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_names_the_version_of_the_signals_that_a_call_returns_before_and_after_a_change() {
    let (served, _) = with_workspace(100).await;
    let before = signals(&served).await;
    assert_eq!(version_of_a_lease(&served).await, before.signals_version);
    served.admin().update_workspace(update(Some(own("X-Limit")))).await.expect("changed");
    let after = signals(&served).await;
    assert_eq!(after.signals, Some(own("X-Limit")));
    assert_ne!(after.signals_version, before.signals_version);
    assert_eq!(version_of_a_lease(&served).await, after.signals_version);
    let served = served.restart().await;
    assert_eq!(
        (signals(&served).await, version_of_a_lease(&served).await),
        (after.clone(), after.signals_version)
    );
    served.admin().update_workspace(update(None)).await.expect("changed");
    assert_eq!(signals(&served).await, before, "without its own, those of before");
    let entries = served.audit(NAME).await;
    let changed: Vec<_> = entries[0].changes.iter().map(|change| &*change.path).collect();
    assert_eq!(changed, ["signals.limits"], "the audit says what changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_that_break_a_rule_are_refused_with_their_path_and_change_nothing() {
    let (served, _) = with_workspace(100).await;
    let before = signals(&served).await;
    let of_none = v1::Signals {
        limits: vec![v1::LimitSignal { limit: "none".into(), ..own("a").limits[0].clone() }],
        ..Default::default()
    };
    let many = v1::Signals { limits: vec![own("a").limits[0].clone(); 17], ..Default::default() };
    for (wrong, path) in [
        (own("a b"), "workspace.signals.limits[0].limit_permits.header"),
        (of_none, "workspace.signals.limits[0].limit"),
        (many, "workspace.signals.limits"),
    ] {
        let refused = served.admin().update_workspace(update(Some(wrong))).await.expect_err(path);
        assert!(refused.message().starts_with(path), "{}", refused.message());
        assert_eq!(reason::<()>(Err(refused)), "MALFORMED");
    }
    assert_eq!(signals(&served).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_signals_name_stays_while_they_do() {
    let (served, made) = with_workspace(100).await;
    let limit = made.limits[0].clone();
    let about = v1::LimitSignal { limit: limit.limit_id.clone(), ..own("a").limits[0].clone() };
    let about = v1::Signals { limits: vec![about], ..Default::default() };
    served.admin().update_workspace(update(Some(about))).await.expect("changed");
    let limits = vec![v1::Limit { limit_id: "other".into(), ..limit }];
    let workspace = Some(v1::Workspace { name: NAME.into(), limits, ..Default::default() });
    let renamed = v1::UpdateWorkspaceRequest { workspace, ..Default::default() };
    let refused = served.admin().update_workspace(renamed).await.expect_err("it is named");
    assert!(refused.message().contains("signals.limits[0].limit"), "{}", refused.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_credential_in_the_workspace_gets_its_signals_and_nobody_else() {
    let (served, _) = with_workspace(100).await;
    let request = |workspace: &str| v1::GetSignalsRequest { workspace: workspace.into() };
    for (role, scope, allowed) in [
        (v1::Role::Client, v1::Scope { workspace: "w".into(), team: "default".into() }, true),
        (v1::Role::Observer, v1::Scope { workspace: "w".into(), team: String::new() }, true),
        (v1::Role::Client, v1::Scope { workspace: "default".into(), team: String::new() }, false),
    ] {
        let token = v1::Token { role: role.into(), scopes: vec![scope], ..Default::default() };
        let token_id = format!("t-{}-{allowed}", i32::from(role));
        let request_token = v1::CreateTokenRequest { token_id, token: Some(token), ..Default::default() };
        let made = served.admin().create_token(request_token).await.expect("made").into_inner();
        let got = served.quota_as(&made.secret).get_signals(request("w")).await;
        assert_eq!(got.is_ok(), allowed, "{role:?}: {got:?}");
    }
    assert!(served.anybody_quota().get_signals(request("w")).await.is_err());
    let mut root = served.quota_as(ROOT);
    assert_eq!(reason(root.get_signals(request("none")).await), "UNKNOWN_WORKSPACE");
    assert_eq!(reason(root.get_signals(request("a/b")).await), "MALFORMED");
    let default = root.get_signals(request("")).await.expect("the workspace default").into_inner();
    assert!(default.signals.is_some_and(|signals| !signals.throttles.is_empty()));
}
