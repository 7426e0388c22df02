//! The connection to a server, and the text of its errors.

mod unreached;

use crate::terminal;
use apportion_proto::v1::admin_service_client::AdminServiceClient;
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};
use tonic_types::StatusExt;
use unreached::{cut_off, unreached};

/// The variable with the secret of a token. Not a flag: other users can read the flags of a process.
const TOKEN: &str = "APPORTION_TOKEN";

/// The server to call, the credentials, and the format of the output.
#[derive(clap::Args, Clone)]
pub(crate) struct Connection {
    /// Address of the server, http:// or https://
    #[arg(
        long,
        help_heading = "Connection options",
        env = "APPORTION_SERVER",
        default_value = "http://127.0.0.1:7420",
        value_name = "ADDRESS"
    )]
    server: String,
    /// PEM file with the CA certificates to trust [default: those of the system]
    #[arg(long, help_heading = "Connection options", env = "APPORTION_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// PEM file with the client certificate and its chain
    #[arg(
        long,
        help_heading = "Connection options",
        env = "APPORTION_CERT_FILE",
        value_name = "FILE",
        requires = "key_file"
    )]
    cert_file: Option<PathBuf>,
    /// PEM file with the private key of the client certificate
    #[arg(
        long,
        help_heading = "Connection options",
        env = "APPORTION_KEY_FILE",
        value_name = "FILE",
        requires = "cert_file"
    )]
    key_file: Option<PathBuf>,
    /// File with the secret of a token; overrides the variable APPORTION_TOKEN
    #[arg(long, help_heading = "Connection options", env = "APPORTION_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long, help_heading = "Connection options")]
    pub(crate) json: bool,
}

/// Adds the token to every call, if there is one.
#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// A channel that sends the token.
type Calls = InterceptedService<Channel, Bearer>;

/// The calls of administrators.
pub(crate) type Client = AdminServiceClient<Calls>;

/// The interval of keep-alive pings, and the time-out of their answers.
const ALIVE: Duration = Duration::from_secs(10);

impl Connection {
    /// Connects to `AdminService` of a server without TLS, and sends no token: one in the environment is for another server.
    pub(crate) async fn plain(server: &str) -> Result<Client, String> {
        let endpoint =
            Endpoint::from_shared(server.to_owned()).map_err(|error| format!("{server}: {error}"))?;
        let channel = endpoint.connect().await.map_err(|error| unreached(server, &error))?;
        Ok(AdminServiceClient::new(InterceptedService::new(channel, Bearer(None))))
    }

    /// Connects to `AdminService`.
    pub(crate) async fn client(&self) -> Result<Client, String> {
        self.connect().await.map(AdminServiceClient::new)
    }

    /// Connects to `QuotaService`.
    pub(crate) async fn quota(&self) -> Result<QuotaServiceClient<Calls>, String> {
        self.connect().await.map(QuotaServiceClient::new)
    }

    async fn connect(&self) -> Result<Calls, String> {
        let bearer = Bearer(self.token()?);
        let endpoint = Endpoint::from_shared(self.server.clone());
        let endpoint = endpoint.map_err(|error| format!("--server {}: {error}", self.server))?;
        let mut endpoint = endpoint.http2_keep_alive_interval(ALIVE).keep_alive_timeout(ALIVE);
        if let Some(tls) = self.tls()? {
            endpoint = endpoint.tls_config(tls).map_err(|error| unreached(&self.server, &error))?;
        }
        let channel = endpoint.connect().await.map_err(|error| unreached(&self.server, &error))?;
        Ok(InterceptedService::new(channel, bearer))
    }

    fn token(&self) -> Result<Option<MetadataValue<Ascii>>, String> {
        let (from, secret) = match &self.token_file {
            Some(path) => {
                let text = read(path)?;
                (path.display().to_string(), Some(String::from_utf8_lossy(&text).trim().to_owned()))
            }
            None => (TOKEN.into(), std::env::var(TOKEN).ok().filter(|secret| !secret.is_empty())),
        };
        let Some(secret) = secret else { return Ok(None) };
        let header = format!("Bearer {secret}").parse().ok().filter(|_| !secret.is_empty());
        let mut header: MetadataValue<Ascii> = header.ok_or(format!("{from} contains no token"))?;
        header.set_sensitive(true);
        Ok(Some(header))
    }

    /// The TLS settings; none for an http address.
    fn tls(&self) -> Result<Option<ClientTlsConfig>, String> {
        if !self.server.starts_with("https://") {
            let set = [("--ca-file", &self.ca_file), ("--cert-file", &self.cert_file)];
            return match set.iter().find(|(_, path)| path.is_some()) {
                Some((flag, _)) => Err(format!("{flag}: {} is not an https address", self.server)),
                None => Ok(None),
            };
        }
        let mut tls = match &self.ca_file {
            Some(ca) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(ca)?)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let (Some(cert), Some(key)) = (&self.cert_file, &self.key_file) {
            tls = tls.identity(Identity::from_pem(read(cert)?, read(key)?));
        }
        Ok(Some(tls))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Why a call failed, as human-readable text.
pub(crate) fn refused(status: &Status) -> String {
    match status.get_details_error_info() {
        Some(details) => terminal::printable(&format!("{}: {}", details.reason, status.message())),
        None => match std::error::Error::source(status) {
            Some(cause) => cut_off(cause),
            None => format!("{:?}: {}", status.code(), terminal::printable(status.message())),
        },
    }
}
