//! Tokens over gRPC: what they allow, their bounds, and their end.

use crate::served::{self, Served, reason};
use apportion_proto::v1;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_what_its_role_allows_until_it_is_deleted() {
    let served = Served::start().await;
    let mut admin = served.admin();
    let made = admin.create_token(served::client_token("t")).await.expect("made").into_inner();
    let again = admin.create_token(served::client_token("t")).await;
    assert_eq!(reason(again), "ALREADY_EXISTS");
    let nobody = v1::CreateTokenRequest { token: Some(v1::Token::default()), ..served::client_token("u") };
    assert_eq!(reason(admin.create_token(nobody).await), "MALFORMED");
    let acquire = v1::AcquireLeaseRequest { permits: Some(1), ..Default::default() };
    let mut client = served.quota_as(&made.secret);
    client.acquire_lease(acquire.clone()).await.expect("granted");
    let mut as_client = served.admin_as(&made.secret);
    let tokens = v1::ListTokensRequest::default();
    assert_eq!(reason(as_client.list_tokens(tokens.clone()).await), "PERMISSION_DENIED");
    let show = v1::GetWorkspaceRequest { name: "workspaces/default".into() };
    assert_eq!(reason(as_client.get_workspace(show).await), "PERMISSION_DENIED");
    let listed = admin.list_tokens(tokens).await.expect("listed").into_inner().tokens;
    assert_eq!(listed, made.token.into_iter().collect::<Vec<_>>());
    let delete = v1::DeleteTokenRequest { name: "tokens/t".into(), ..Default::default() };
    admin.delete_token(delete.clone()).await.expect("deleted");
    assert_eq!(reason(client.acquire_lease(acquire).await), "UNAUTHENTICATED");
    assert_eq!(reason(admin.delete_token(delete).await), "UNKNOWN_TOKEN");
    let audit = served.audit("tokens/t").await;
    assert_eq!(audit.len(), 2);
    assert!(!format!("{audit:?}").contains(&made.secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_checked_against_its_bounds() {
    let served = Served::start().await;
    let mut admin = served.admin();
    let scope = |workspace: &str| v1::Scope { workspace: workspace.into(), team: String::new() };
    let asked = |role: v1::Role, scopes: Vec<v1::Scope>, note: usize| v1::CreateTokenRequest {
        token: Some(v1::Token { role: role.into(), scopes, note: "n".repeat(note), ..Default::default() }),
        validate_only: true,
        ..served::client_token("t")
    };
    let lives = |seconds, nanos| v1::CreateTokenRequest {
        ttl: Some(prost_types::Duration { seconds, nanos }),
        ..asked(v1::Role::Admin, vec![], 0)
    };
    for (is_allowed, request) in [
        (true, asked(v1::Role::Client, vec![scope("*"); 64], 256)),
        (false, asked(v1::Role::Client, vec![scope("*"); 65], 0)),
        (false, asked(v1::Role::Observer, vec![], 0)),
        (false, asked(v1::Role::Admin, vec![scope("*")], 0)),
        (false, asked(v1::Role::Client, vec![scope("a b")], 0)),
        (false, asked(v1::Role::Admin, vec![], 257)),
        (true, lives(0, 1)),
        (false, lives(0, 0)),
        (false, lives(-1, 0)),
        (true, lives(3660 * 86_400, 0)),
        (false, lives(3660 * 86_400, 1)),
        (true, v1::CreateTokenRequest { token_id: "t".repeat(63), ..lives(1, 0) }),
        (false, v1::CreateTokenRequest { token_id: "t".repeat(64), ..lives(1, 0) }),
        (false, v1::CreateTokenRequest { token_id: ".t".into(), ..lives(1, 0) }),
    ] {
        let told = format!("{request:?}");
        let answer = admin.create_token(request).await;
        assert_eq!(answer.is_ok(), is_allowed, "{told}");
        if !is_allowed {
            assert_eq!(reason(answer), "MALFORMED", "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_nothing_once_it_has_expired() {
    let served = Served::start().await;
    let ttl = Some(prost_types::Duration { seconds: 0, nanos: 1 });
    let request = v1::CreateTokenRequest { ttl, ..served::client_token("t") };
    let secret = served.admin().create_token(request).await.expect("made").into_inner().secret;
    let acquire = v1::AcquireLeaseRequest::default();
    assert_eq!(reason(served.quota_as(&secret).acquire_lease(acquire).await), "UNAUTHENTICATED");
}
