//! Domains over gRPC: made, changed, listed and deleted, audited, and in force after a restart.

use crate::served::{ROOT, Served, bound, client_token, reason};
use apportion_proto::v1;

fn named(id: &str) -> v1::GetDomainRequest {
    v1::GetDomainRequest { name: format!("domains/{id}") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_made_shown_changed_and_deleted_and_each_change_is_audited() {
    let served = Served::start().await;
    let mut admin = served.admin();
    let checked = v1::CreateDomainRequest { validate_only: true, ..bound("mesh", "default") };
    admin.create_domain(checked).await.expect("it would be made");
    assert_eq!(reason(admin.get_domain(named("mesh")).await), "UNKNOWN_DOMAIN");
    let made = admin.create_domain(bound("mesh", "default")).await.expect("made").into_inner();
    let made = made.domain.expect("a domain");
    assert_eq!((&*made.name, &*made.team_key, &*made.default_team), ("domains/mesh", "team", "default"));
    assert_eq!(reason(admin.create_domain(bound("mesh", "default")).await), "ALREADY_EXISTS");
    assert_eq!(reason(admin.create_domain(bound("other", "nowhere")).await), "UNKNOWN_WORKSPACE");
    assert_eq!(reason(admin.create_domain(bound("a/b", "default")).await), "MALFORMED");

    let change = v1::Domain { default_team: "absent".into(), etag: made.etag.clone(), ..made.clone() };
    let update = v1::UpdateDomainRequest { domain: Some(change), ..Default::default() };
    let updated = admin.update_domain(update.clone()).await.expect("changed").into_inner();
    assert!(updated.warnings[0].starts_with("the workspace has no team absent"), "{:?}", updated.warnings);
    assert_eq!(reason(admin.update_domain(update).await), "STALE_ETAG");
    let shown = admin.get_domain(named("mesh")).await.expect("shown").into_inner().domain.expect("a domain");
    assert_eq!(Some(&shown), updated.domain.as_ref());

    let delete = v1::DeleteDomainRequest { name: "domains/mesh".into(), ..Default::default() };
    admin.delete_domain(delete.clone()).await.expect("deleted");
    assert_eq!(reason(admin.delete_domain(delete).await), "UNKNOWN_DOMAIN");
    let methods: Vec<_> = served.audit("domains/mesh").await.into_iter().map(|entry| entry.method).collect();
    assert_eq!(methods, ["DeleteDomain", "UpdateDomain", "CreateDomain"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_that_a_domain_is_bound_to_stays_and_a_restart_keeps_the_domain() {
    let served = Served::start().await;
    served.admin().create_domain(bound("mesh", "default")).await.expect("made");
    let delete =
        v1::DeleteWorkspaceRequest { name: "workspaces/default".into(), force: true, ..Default::default() };
    assert_eq!(reason(served.admin().delete_workspace(delete.clone()).await), "STILL_NEEDED");
    let served = served.restart().await;
    let asked = crate::rls::asked("mesh", &[&[("team", "default")]]);
    served.rls_as(ROOT).should_rate_limit(asked).await.expect("the domain is in force");
    let unbind = v1::DeleteDomainRequest { name: "domains/mesh".into(), ..Default::default() };
    served.admin().delete_domain(unbind).await.expect("deleted");
    served.admin().delete_workspace(delete).await.expect("nothing needs it");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_paged_and_show_what_the_caller_may_see() {
    let served = Served::start().await;
    let mut admin = served.admin();
    for id in ["a", "b", "c"] {
        admin.create_domain(bound(id, "default")).await.expect("made");
    }
    let page = |page_token: String| v1::ListDomainsRequest { page_size: 2, page_token };
    let first = admin.list_domains(page(String::new())).await.expect("listed").into_inner();
    let second = admin.list_domains(page(first.next_page_token)).await.expect("listed").into_inner();
    let names = |domains: &[v1::Domain]| domains.iter().map(|domain| domain.name.clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(&first.domains), names(&second.domains)),
        (vec!["domains/a".into(), "domains/b".into()], vec!["domains/c".to_owned()])
    );
    let scopes = vec![v1::Scope { workspace: "elsewhere".into(), team: String::new() }];
    let token = v1::Token { role: v1::Role::Observer.into(), scopes, ..Default::default() };
    let token = v1::CreateTokenRequest { token: Some(token), ..client_token("elsewhere") };
    let secret = admin.create_token(token).await.expect("made").into_inner().secret;
    let mut observer = served.admin_as(&secret);
    let seen = observer.list_domains(v1::ListDomainsRequest::default()).await.expect("listed").into_inner();
    assert_eq!(seen.domains, []);
    assert_eq!(reason(observer.get_domain(named("a")).await), "PERMISSION_DENIED");
    assert_eq!(reason(observer.get_domain(named("absent")).await), "PERMISSION_DENIED");
}
