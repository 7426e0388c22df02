//! Calls that wait under a credential end with it. Observers see only their own workspaces.

use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::pass;
use apportion_tests::process::scarce::{self, SCARCE};
use apportion_tests::process::server::Server;
use apportion_tests::process::wire::seconds;
use tokio_stream::StreamExt;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// Longest time from the end of a credential to the end of the calls under it.
const AT_ONCE: Duration = Duration::from_secs(1);

type Bearer = Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>;
type Calls = InterceptedService<Channel, Bearer>;

fn with_token(server: &Server, secret: &str) -> Calls {
    let header: tonic::metadata::MetadataValue<_> = format!("Bearer {secret}").parse().expect("printable");
    let authorize = move |mut request: Request<()>| {
        request.metadata_mut().insert("authorization", header.clone());
        Ok(request)
    };
    InterceptedService::new(server.channel(), Box::new(authorize))
}

/// Creates a token, for a whole workspace unless it is an administrator's, with a lifetime or without.
async fn token(
    admin: &mut AdminServiceClient<Calls>,
    id: &str,
    role: v1::Role,
    workspace: &str,
    ttl_s: Option<i64>,
) -> String {
    let scope = v1::Scope { workspace: workspace.into(), team: String::new() };
    let scopes = if role == v1::Role::Admin { Vec::new() } else { vec![scope] };
    let request = v1::CreateTokenRequest {
        token_id: id.into(),
        token: Some(v1::Token { role: role.into(), scopes, ..v1::Token::default() }),
        ttl: ttl_s.map(seconds),
        ..v1::CreateTokenRequest::default()
    };
    admin.create_token(request).await.expect("a new token").into_inner().secret
}

/// A server with an administrator.
async fn start() -> (Server, AdminServiceClient<Calls>) {
    let server = Server::fresh();
    scarce::create(&server).await;
    let anonymous: Bearer = Box::new(Ok);
    let mut anonymous = AdminServiceClient::new(InterceptedService::new(server.channel(), anonymous));
    let root = token(&mut anonymous, "root", v1::Role::Admin, "", None).await;
    let admin = AdminServiceClient::new(with_token(&server, &root));
    (server, admin)
}

/// All calls that can wait under a credential: how each ended, and when.
async fn waiting_calls(server: &Server, client: &str, observer: &str) -> Vec<(&'static str, Code, Instant)> {
    let ended = |what, code| (what, code, Instant::now());
    let acquire = async {
        let mut quota = QuotaServiceClient::new(with_token(server, client));
        let status = quota.acquire_lease(scarce::ask(3_000)).await.expect_err("no permit is left");
        ended("AcquireLease", status.code())
    };
    let exchange = async {
        let mut quota = QuotaServiceClient::new(with_token(server, client));
        // Another caller: a second request of the same one would surely wait longer, and be refused.
        let ask = v1::AcquireLeaseRequest { caller: "stream".into(), ..scarce::ask(3_000) };
        let request = Some(v1::exchange_request::Request::Acquire(ask.into()));
        let requests =
            tokio_stream::once(v1::ExchangeRequest { id: 1, request }).chain(tokio_stream::pending());
        let mut answers = quota.exchange(requests).await.expect("a stream").into_inner();
        let status = answers.message().await.expect_err("no permit is left");
        ended("Exchange", status.code())
    };
    let watch = async {
        let mut quota = QuotaServiceClient::new(with_token(server, observer));
        let min_interval = Some(seconds(60));
        let request = v1::WatchWorkspaceRequest { workspace: SCARCE.into(), min_interval };
        let mut snapshots = quota.watch_workspace(request).await.expect("a stream").into_inner();
        while snapshots
            .message()
            .await
            .map_err(|status| assert_eq!(status.code(), Code::Unauthenticated))
            .is_ok()
        {}
        ended("WatchWorkspace", Code::Unauthenticated)
    };
    let (acquire, exchange, watch) = tokio::join!(acquire, exchange, watch);
    vec![acquire, exchange, watch]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_wait_under_a_token_end_when_it_is_deleted() {
    let (server, mut admin) = start().await;
    let client = token(&mut admin, "client", v1::Role::Client, SCARCE, None).await;
    let observer = token(&mut admin, "observer", v1::Role::Observer, SCARCE, None).await;
    let delete = async {
        pass(Duration::from_millis(700)).await;
        let deleted = Instant::now();
        for name in ["tokens/client", "tokens/observer"] {
            let request = v1::DeleteTokenRequest { name: name.into(), ..v1::DeleteTokenRequest::default() };
            admin.delete_token(request).await.expect("deleted");
        }
        deleted
    };
    let (ended, deleted) = tokio::join!(waiting_calls(&server, &client, &observer), delete);
    for (what, code, at) in ended {
        assert_eq!(code, Code::Unauthenticated, "{what}");
        assert!(at >= deleted && at - deleted < AT_ONCE, "{what}: {:?}", at - deleted);
    }
    server.stop_cleanly();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_wait_under_a_token_end_when_it_expires() {
    let (server, mut admin) = start().await;
    let created = Instant::now();
    let client = token(&mut admin, "client", v1::Role::Client, SCARCE, Some(2)).await;
    let observer = token(&mut admin, "observer", v1::Role::Observer, SCARCE, Some(2)).await;
    for (what, code, at) in waiting_calls(&server, &client, &observer).await {
        assert_eq!(code, Code::Unauthenticated, "{what}");
        let lived = at - created;
        assert!(lived >= Duration::from_millis(1_900), "{what} ended after {lived:?}");
        assert!(lived < Duration::from_secs(2) + AT_ONCE, "{what}: {lived:?}");
    }
    server.stop_cleanly();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_reveal_nothing_of_other_workspaces_to_an_observer() {
    let (server, mut admin) = start().await;
    let observer = token(&mut admin, "observer", v1::Role::Observer, SCARCE, None).await;
    let mut observer = AdminServiceClient::new(with_token(&server, &observer));
    let mut list = v1::ListWorkspacesRequest { page_size: 1, ..v1::ListWorkspacesRequest::default() };
    let mut pages = Vec::new();
    loop {
        let page = observer.list_workspaces(list.clone()).await.expect("a page").into_inner();
        pages.push(page.workspaces.into_iter().map(|workspace| workspace.name).collect::<Vec<_>>());
        list.page_token = page.next_page_token;
        if list.page_token.is_empty() {
            break;
        }
    }
    // An empty page before the last would reveal that another workspace exists.
    assert_eq!(pages[0], [format!("workspaces/{SCARCE}")]);
    assert!(pages.len() <= 2 && pages[1..].iter().all(Vec::is_empty), "{pages:?}");
    server.stop_cleanly();
}
