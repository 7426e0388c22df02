//! Credentials that end: what waits under them ends with them. And what they let their holders see.

use std::time::{Duration, Instant};

use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_tests::process::scarce::{self, SCARCE};
use apportion_tests::process::server::Server;
use tokio_stream::StreamExt;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

/// Longest time from the end of a credential to the end of what waits under it.
const AT_ONCE: Duration = Duration::from_secs(1);

type Bearer = Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>;
type Calls = InterceptedService<Channel, Bearer>;

fn bearing(server: &Server, secret: &str) -> Calls {
    let header: tonic::metadata::MetadataValue<_> = format!("Bearer {secret}").parse().expect("printable");
    let bearer = move |mut request: Request<()>| {
        request.metadata_mut().insert("authorization", header.clone());
        Ok(request)
    };
    InterceptedService::new(server.channel(), Box::new(bearer))
}

/// A token for the whole of a workspace, for so long; the first one is an administrator's.
async fn token(
    admin: &mut AdminServiceClient<Calls>,
    id: &str,
    role: v1::Role,
    of: &str,
    seconds: Option<i64>,
) -> String {
    let scope = v1::Scope { workspace: of.into(), team: String::new() };
    let scopes = if role == v1::Role::Admin { Vec::new() } else { vec![scope] };
    let request = v1::CreateTokenRequest {
        token_id: id.into(),
        token: Some(v1::Token { role: role.into(), scopes, ..v1::Token::default() }),
        ttl: seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
        ..v1::CreateTokenRequest::default()
    };
    admin.create_token(request).await.expect("a new token").into_inner().secret
}

/// A server of an administrator.
async fn start() -> (Server, AdminServiceClient<Calls>, tempfile::TempDir) {
    let home = tempfile::tempdir().expect("a directory");
    let server = Server::start(home.path());
    scarce::create(&server).await;
    let anybody: Bearer = Box::new(Ok);
    let mut anybody = AdminServiceClient::new(InterceptedService::new(server.channel(), anybody));
    let root = token(&mut anybody, "root", v1::Role::Admin, "", None).await;
    let admin = AdminServiceClient::new(bearing(&server, &root));
    (server, admin, home)
}

/// Everything that can wait under a credential: how each of it ended, and when.
async fn everything(server: &Server, client: &str, observer: &str) -> Vec<(&'static str, Code, Instant)> {
    let ended = |what, code| (what, code, Instant::now());
    let acquire = async {
        let mut quota = QuotaServiceClient::new(bearing(server, client));
        let status = quota.acquire_lease(scarce::ask(3_000)).await.expect_err("nothing is left");
        ended("AcquireLease", status.code())
    };
    let exchange = async {
        let mut quota = QuotaServiceClient::new(bearing(server, client));
        // Another caller: behind a request of its own it would be certain to wait for longer.
        let ask = v1::AcquireLeaseRequest { caller: "stream".into(), ..scarce::ask(3_000) };
        let request = Some(v1::exchange_request::Request::Acquire(ask));
        let requests =
            tokio_stream::once(v1::ExchangeRequest { id: 1, request }).chain(tokio_stream::pending());
        let mut answers = quota.exchange(requests).await.expect("a stream").into_inner();
        let status = answers.message().await.expect_err("nothing is left");
        ended("Exchange", status.code())
    };
    let watch = async {
        let mut quota = QuotaServiceClient::new(bearing(server, observer));
        let min_interval = Some(prost_types::Duration { seconds: 60, nanos: 0 });
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
async fn what_waits_under_a_token_ends_when_it_is_deleted() {
    let (server, mut admin, _home) = start().await;
    let client = token(&mut admin, "client", v1::Role::Client, SCARCE, None).await;
    let observer = token(&mut admin, "observer", v1::Role::Observer, SCARCE, None).await;
    let delete = async {
        apportion_tests::process::pass(Duration::from_millis(700)).await;
        let deleted = Instant::now();
        for name in ["tokens/client", "tokens/observer"] {
            let request = v1::DeleteTokenRequest { name: name.into(), ..v1::DeleteTokenRequest::default() };
            admin.delete_token(request).await.expect("deleted");
        }
        deleted
    };
    let (ended, deleted) = tokio::join!(everything(&server, &client, &observer), delete);
    for (what, code, at) in ended {
        assert_eq!(code, Code::Unauthenticated, "{what}");
        assert!(at >= deleted && at - deleted < AT_ONCE, "{what}: {:?}", at - deleted);
    }
    assert!(server.stop(Duration::from_secs(15)).success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_under_a_token_ends_when_it_expires() {
    let (server, mut admin, _home) = start().await;
    let made = Instant::now();
    let client = token(&mut admin, "client", v1::Role::Client, SCARCE, Some(2)).await;
    let observer = token(&mut admin, "observer", v1::Role::Observer, SCARCE, Some(2)).await;
    for (what, code, at) in everything(&server, &client, &observer).await {
        assert_eq!(code, Code::Unauthenticated, "{what}");
        let lived = at - made;
        assert!(lived >= Duration::from_millis(1_900), "{what} ended after {lived:?}");
        assert!(lived < Duration::from_secs(2) + AT_ONCE, "{what}: {lived:?}");
    }
    assert!(server.stop(Duration::from_secs(15)).success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_tell_an_observer_of_one_workspace_nothing_of_the_others() {
    let (server, mut admin, _home) = start().await;
    let observer = token(&mut admin, "observer", v1::Role::Observer, SCARCE, None).await;
    let mut observer = AdminServiceClient::new(bearing(&server, &observer));
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
    // A page that is empty, but for the last, would tell of a workspace that is somebody else's.
    assert_eq!(pages[0], [format!("workspaces/{SCARCE}")]);
    assert!(pages.len() <= 2 && pages[1..].iter().all(Vec::is_empty), "{pages:?}");
    assert!(server.stop(Duration::from_secs(15)).success());
}
