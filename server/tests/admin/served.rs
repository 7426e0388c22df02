//! A server in this process, with clients that bear a token.

use apportion_envoy::ratelimit::rate_limit_service_client::RateLimitServiceClient;
use apportion_proto::v1;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_server::config::{Log, LogFormat, LogLevel, Secret, ServerLimits, Settings};
use apportion_server::serve::Running;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

/// The secret of the administrator.
pub(crate) const ROOT: &str = "root-secret-of-tests";

/// Puts a token on every call.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

type Calls = InterceptedService<Channel, Bearer>;

/// A server, and where its store lies.
pub(crate) struct Served {
    running: Running,
    directory: tempfile::TempDir,
    channel: Channel,
    has_root: bool,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), Some(ROOT)).await
    }

    /// A server that knows no credential at first.
    pub(crate) async fn open() -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), None).await
    }

    async fn start_in(directory: tempfile::TempDir, root: Option<&str>) -> Self {
        let anywhere = "127.0.0.1:0".parse().expect("an address");
        let settings = Settings {
            data_dir: directory.path().into(),
            cluster: None,
            listen: anywhere,
            http_listen: anywhere,
            peer_listen: None,
            peer_tls: None,
            tls: None,
            insecure: false,
            log: Log { format: LogFormat::Text, level: LogLevel::Error },
            limits: ServerLimits::DEFAULT,
            drain_seconds: 1,
            audit_entries: 1_000,
            admin_token: root.map(|secret| Secret::new(secret.into())),
        };
        let running = Running::start(&settings).await.expect("it starts");
        let endpoint = Endpoint::from_shared(format!("http://{}", running.address)).expect("an address");
        let channel = endpoint.connect().await.expect("it listens");
        Self { running, directory, channel, has_root: root.is_some() }
    }

    /// Stops in good order, and starts anew with the same store.
    pub(crate) async fn restart(self) -> Self {
        drop(self.channel);
        self.running.stop().await.expect("it stops");
        Self::start_in(self.directory, self.has_root.then_some(ROOT)).await
    }

    fn bearer(secret: &str) -> Bearer {
        Bearer(format!("Bearer {secret}").parse().expect("printable"))
    }

    pub(crate) fn admin(&self) -> AdminServiceClient<Calls> {
        self.admin_as(ROOT)
    }

    pub(crate) fn admin_as(&self, secret: &str) -> AdminServiceClient<Calls> {
        AdminServiceClient::with_interceptor(self.channel.clone(), Self::bearer(secret))
    }

    /// Calls without a credential.
    pub(crate) fn anybody(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel.clone())
    }

    /// Calls without a credential.
    pub(crate) fn anybody_quota(&self) -> QuotaServiceClient<Channel> {
        QuotaServiceClient::new(self.channel.clone())
    }

    /// An administrator whose connection takes little before it is read from.
    pub(crate) async fn narrow_admin(&self) -> AdminServiceClient<Calls> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.running.address)).expect("an address");
        let channel = endpoint.initial_stream_window_size(65_535).connect().await.expect("it listens");
        AdminServiceClient::with_interceptor(channel, Self::bearer(ROOT))
    }

    /// The names of the files in its data directory, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).expect("readable");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn quota_as(&self, secret: &str) -> QuotaServiceClient<Calls> {
        QuotaServiceClient::with_interceptor(self.channel.clone(), Self::bearer(secret))
    }

    /// Asks as an Envoy with this secret.
    pub(crate) fn rls_as(&self, secret: &str) -> RateLimitServiceClient<Calls> {
        RateLimitServiceClient::with_interceptor(self.channel.clone(), Self::bearer(secret))
    }

    /// The entries of a resource, the newest first.
    pub(crate) async fn audit(&self, resource: &str) -> Vec<v1::AuditEntry> {
        let request = v1::ListAuditEntriesRequest { resource: resource.into(), ..Default::default() };
        self.admin().list_audit_entries(request).await.expect("listed").into_inner().audit_entries
    }

    /// Returns once so many requests of a workspace wait.
    pub(crate) async fn until_waiting(&self, workspace: &str, many: u32) {
        let request = v1::WatchWorkspaceRequest { workspace: workspace.into(), ..Default::default() };
        let mut snapshots = self.quota_as(ROOT).watch_workspace(request).await.expect("shown").into_inner();
        loop {
            let shown = snapshots.message().await.expect("it goes on").expect("it goes on");
            let snapshot = shown.snapshot.expect("there is one");
            let waiting = snapshot.waiting_requests;
            if waiting >= many {
                return;
            }
        }
    }
}

/// A domain that is bound to a workspace.
pub(crate) fn bound(id: &str, workspace: &str) -> v1::CreateDomainRequest {
    let domain = v1::Domain { workspace: format!("workspaces/{workspace}"), ..v1::Domain::default() };
    v1::CreateDomainRequest { domain_id: id.into(), domain: Some(domain), ..Default::default() }
}

/// A token for every team of every workspace.
pub(crate) fn client_token(id: &str) -> v1::CreateTokenRequest {
    let scopes = vec![v1::Scope { workspace: "*".into(), team: String::new() }];
    let token = v1::Token { role: v1::Role::Client.into(), scopes, ..Default::default() };
    v1::CreateTokenRequest { token_id: id.into(), token: Some(token), ..Default::default() }
}

/// A token of an administrator.
pub(crate) fn admin_token(id: &str) -> v1::CreateTokenRequest {
    let token = v1::Token { role: v1::Role::Admin.into(), ..Default::default() };
    v1::CreateTokenRequest { token_id: id.into(), token: Some(token), ..Default::default() }
}

/// Why a call was refused.
pub(crate) fn reason<T>(outcome: Result<Response<T>, Status>) -> String {
    let status = outcome.err().expect("it is refused");
    status.get_details_error_info().expect("the details say why").reason
}
