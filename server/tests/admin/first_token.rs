//! The first token: from then on every call needs a credential, and somebody can always administer.

use crate::served::{Served, admin_token, client_token, reason};
use apportion_proto::v1;
use tokio_stream::wrappers::ReceiverStream;

fn acquire() -> v1::AcquireLeaseRequest {
    v1::AcquireLeaseRequest { permits: Some(1), ..Default::default() }
}

fn delete(id: &str) -> v1::DeleteTokenRequest {
    v1::DeleteTokenRequest { name: format!("tokens/{id}"), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_token_is_an_administrators_and_says_what_it_changes() {
    let served = Served::open().await;
    let mut anybody = served.anybody();
    assert_eq!(reason(anybody.create_token(client_token("c")).await), "NO_ADMINISTRATOR");
    served.anybody_quota().acquire_lease(acquire()).await.expect("the gate is open still");
    let check = v1::CreateTokenRequest { validate_only: true, ..admin_token("a") };
    assert_eq!(anybody.create_token(check).await.expect("it could be").into_inner().warnings.len(), 1);
    let first = anybody.create_token(admin_token("a")).await.expect("made").into_inner();
    assert!(first.warnings[0].contains("from now on every call needs a token"), "{:?}", first.warnings);
    assert_eq!(reason(anybody.create_token(admin_token("b")).await), "UNAUTHENTICATED");
    assert_eq!(reason(served.anybody_quota().acquire_lease(acquire()).await), "UNAUTHENTICATED");
    let mut admin = served.admin_as(&first.secret);
    let second = admin.create_token(client_token("c")).await.expect("made").into_inner();
    assert_eq!(second.warnings, [""; 0]);
    served.quota_as(&second.secret).acquire_lease(acquire()).await.expect("granted");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrators_token_stays_and_what_is_left_keeps_the_gate_closed() {
    let served = Served::open().await;
    let first = served.anybody().create_token(admin_token("a")).await.expect("made").into_inner().secret;
    let mut admin = served.admin_as(&first);
    admin.create_token(client_token("c")).await.expect("made");
    assert_eq!(reason(admin.delete_token(delete("a")).await), "NO_ADMINISTRATOR");
    let other = admin.create_token(admin_token("b")).await.expect("made").into_inner().secret;
    admin.delete_token(delete("a")).await.expect("another one is left");
    assert_eq!(reason(admin.delete_token(delete("b")).await), "UNAUTHENTICATED");
    let served = served.restart().await;
    assert_eq!(reason(served.anybody_quota().acquire_lease(acquire()).await), "UNAUTHENTICATED");
    let tokens = served.admin_as(&other).list_tokens(v1::ListTokensRequest::default()).await;
    let names = tokens.expect("listed").into_inner().tokens.into_iter().map(|token| token.name);
    assert_eq!(names.collect::<Vec<_>>(), ["tokens/b", "tokens/c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_last_token_a_server_that_knows_another_administrator_stays_closed() {
    let served = Served::start().await;
    served.admin().create_token(admin_token("a")).await.expect("made");
    served.admin().delete_token(delete("a")).await.expect("the environment has another one");
    assert_eq!(reason(served.anybody_quota().acquire_lease(acquire()).await), "UNAUTHENTICATED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_open_before_the_first_token_ends_with_it() {
    let served = Served::open().await;
    let (send, requests) = tokio::sync::mpsc::channel(1);
    let request = |id| v1::ExchangeRequest {
        id,
        request: Some(v1::exchange_request::Request::Acquire(acquire().into())),
    };
    send.send(request(1)).await.expect("it is read");
    let mut quota = served.anybody_quota();
    let mut answers = quota.exchange(ReceiverStream::new(requests)).await.expect("open").into_inner();
    let first = answers.message().await.expect("it goes on").expect("an answer").response;
    assert!(matches!(first, Some(v1::exchange_response::Response::Granted(_))), "{first:?}");
    let watched = v1::WatchWorkspaceRequest::default();
    let mut snapshots = quota.watch_workspace(watched).await.expect("shown").into_inner();
    served.anybody().create_token(admin_token("a")).await.expect("made");
    let ended = answers.message().await.expect_err("it ends");
    assert_eq!(ended.code(), tonic::Code::Unauthenticated);
    let ended = loop {
        match snapshots.message().await {
            Ok(shown) => assert!(shown.is_some(), "it ends with a reason"),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), tonic::Code::Unauthenticated);
}

/// All of them came while nobody had to say who they are; the change of the first one ends that for the others.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_make_a_first_token_at_once_one_is_let_in() {
    let served = Served::open().await;
    let make = |number: u8| {
        let mut anybody = served.anybody();
        async move { anybody.create_token(admin_token(&format!("t{number}"))).await }
    };
    let made = futures_util::future::join_all((0..8).map(make)).await;
    let (made, refused): (Vec<_>, Vec<_>) = made.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for refused in refused {
        assert_eq!(reason(refused), "UNAUTHENTICATED");
    }
}
