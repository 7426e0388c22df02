//! The way to the server, and what it says when it refuses.

use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_types::StatusExt;

/// The variable that bears the secret of a token. Not a flag: others can read the flags of a process.
const TOKEN: &str = "APPORTION_TOKEN";

/// Where the server is, and how to say what it answers
#[derive(clap::Args, Clone)]
pub(in crate::cli) struct Connection {
    /// The address of the server; a token is taken from APPORTION_TOKEN
    #[arg(long, env = "APPORTION_SERVER", default_value = "http://127.0.0.1:7420", value_name = "ADDRESS")]
    server: String,
    /// Answer in JSON, for programs
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Puts the token on every call, where there is one.
#[derive(Clone)]
pub(in crate::cli) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// A channel that bears the token.
type Calls = InterceptedService<Channel, Bearer>;

/// The calls of administrators.
pub(in crate::cli) type Client = AdminServiceClient<Calls>;

/// How often a server that says nothing is asked whether it is there, and how long it may take to say so.
const ALIVE: Duration = Duration::from_secs(10);

impl Connection {
    /// Connects, for the calls of administrators.
    pub(in crate::cli) async fn client(&self) -> Result<Client, String> {
        self.connect().await.map(AdminServiceClient::new)
    }

    /// Connects, for the calls of services and of those who watch.
    pub(in crate::cli) async fn quota(&self) -> Result<QuotaServiceClient<Calls>, String> {
        self.connect().await.map(QuotaServiceClient::new)
    }

    async fn connect(&self) -> Result<Calls, String> {
        let token = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
        let header = token.map(|token| format!("Bearer {token}").parse());
        let mut header: Option<MetadataValue<Ascii>> =
            header.transpose().map_err(|_| format!("{TOKEN} is not a token"))?;
        if let Some(header) = &mut header {
            header.set_sensitive(true);
        }
        let unreached = |why: &dyn std::fmt::Display| format!("{} cannot be reached: {why}", self.server);
        let endpoint = Endpoint::from_shared(self.server.clone()).map_err(|error| unreached(&error))?;
        let endpoint = endpoint.http2_keep_alive_interval(ALIVE).keep_alive_timeout(ALIVE);
        let channel = endpoint.connect().await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            unreached(&cause.unwrap_or_else(|| error.to_string()))
        })?;
        Ok(InterceptedService::new(channel, Bearer(header)))
    }
}

/// What the server said when it refused.
pub(in crate::cli) fn refused(status: &Status) -> String {
    match status.get_details_error_info() {
        Some(details) => format!("{}: {}", details.reason, status.message()),
        None => format!("{:?}: {}", status.code(), status.message()),
    }
}
