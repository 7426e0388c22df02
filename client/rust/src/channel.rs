//! The channel to the server: how it connects, and the metadata that every call carries.

use crate::config::{Config, ConfigError};
use apportion_proto::v1::quota_service_client::QuotaServiceClient;
use apportion_proto::v1::{self, AcquireLeaseRequest, BatchSettleLeasesRequest, BatchSettleLeasesResponse};
use std::time::Duration;
use tonic::Status;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint, Error};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the connection is probed, idle or not.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A channel to the quota service, with the token of each call.
#[derive(Debug)]
pub(crate) struct ServiceChannel {
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
}

impl ServiceChannel {
    /// Creates a channel that connects at the first call, and again whenever the connection breaks.
    ///
    /// # Errors
    /// [`ConfigError`] if the endpoint or the token is invalid.
    pub(crate) fn new(config: &Config) -> Result<Self, ConfigError> {
        let token = config.token.as_deref().map(bearer).transpose()?;
        Ok(Self { channel: endpoint(config)?.connect_lazy(), token })
    }

    pub(crate) async fn acquire(
        &self,
        message: AcquireLeaseRequest,
        timeout: Duration,
    ) -> Result<Option<v1::Lease>, Status> {
        let request = self.request(message, timeout);
        let response = QuotaServiceClient::new(self.channel.clone()).acquire_lease(request).await?;
        Ok(response.into_inner().lease)
    }

    pub(crate) async fn settle(
        &self,
        message: BatchSettleLeasesRequest,
        timeout: Duration,
    ) -> Result<BatchSettleLeasesResponse, Status> {
        let request = self.request(message, timeout);
        let response = QuotaServiceClient::new(self.channel.clone()).batch_settle_leases(request).await?;
        Ok(response.into_inner())
    }

    fn request<T>(&self, message: T, timeout: Duration) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        request.set_timeout(timeout);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }
}

fn bearer(secret: &str) -> Result<MetadataValue<Ascii>, ConfigError> {
    let mut value: MetadataValue<Ascii> =
        format!("Bearer {secret}").parse().map_err(|_| ConfigError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

fn endpoint(config: &Config) -> Result<Endpoint, ConfigError> {
    let endpoint =
        Endpoint::from_shared(config.endpoint.clone()).map_err(|error| invalid_endpoint(config, &error))?;
    let scheme = endpoint.uri().scheme_str().unwrap_or_default().to_owned();
    if scheme != "http" && scheme != "https" {
        let why = "its scheme is neither http nor https".into();
        return Err(ConfigError::Endpoint(config.endpoint.clone(), why));
    }
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true);
    if scheme == "https" { with_tls(endpoint, config) } else { Ok(endpoint) }
}

fn invalid_endpoint(config: &Config, error: &Error) -> ConfigError {
    ConfigError::Endpoint(config.endpoint.clone(), error.to_string())
}

#[cfg(feature = "tls")]
fn with_tls(endpoint: Endpoint, config: &Config) -> Result<Endpoint, ConfigError> {
    use tonic::transport::{Certificate, ClientTlsConfig};
    let tls = match &config.certificate_authority {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new(),
    };
    endpoint.tls_config(tls).map_err(|error| invalid_endpoint(config, &error))
}

#[cfg(not(feature = "tls"))]
fn with_tls(_endpoint: Endpoint, _config: &Config) -> Result<Endpoint, ConfigError> {
    Err(ConfigError::NoTls)
}
