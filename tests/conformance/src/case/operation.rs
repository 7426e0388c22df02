//! The operations of a driver as a case writes them, and as messages of the protocol.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Creates a client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectStep {
    /// Its name; `main` by default.
    pub client: Option<String>,
    /// The servers by name; `main` by default. `nobody` is an address at which nobody listens, `elsewhere` one of another machine.
    pub addresses: Option<Vec<String>>,
    /// The workspace.
    pub workspace: String,
    /// The team.
    pub team: String,
    /// The caller.
    pub caller: String,
    /// The token.
    pub token: String,
    /// The file of the case with the token.
    pub token_file: Option<String>,
    /// The authority to trust: `right` or `wrong`.
    pub ca: Option<String>,
    /// Whether it has a certificate of its own.
    pub certificate: bool,
    /// `deny`, `wait`, or a share.
    pub fallback: Option<FallbackTable>,
    /// The name that certificates must have.
    pub server_name: String,
    /// Whether the token may be sent without TLS to any address.
    pub insecure: bool,
    /// How long connecting may take.
    pub connect_timeout_ms: Option<u64>,
    /// How long closing may take.
    pub close_timeout_ms: Option<u64>,
    /// More settings.
    pub settings: BTreeMap<String, String>,
}

/// A fallback.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum FallbackTable {
    /// By name.
    Named(String),
    /// A share.
    Share {
        /// The permits of a window.
        permits: u32,
        /// Its length.
        window_ms: u64,
    },
}

/// What is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AcquireStep {
    /// The client; `main` by default.
    pub client: Option<String>,
    /// The name of the lease; `lease` by default.
    pub lease: Option<String>,
    /// The permits.
    pub permits: Option<u32>,
    /// The least that will do.
    pub min_permits: Option<u32>,
    /// The priority.
    pub priority: String,
    /// How long to wait.
    pub max_wait_ms: Option<u64>,
}

/// Takes permits.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TakeStep {
    /// The lease; `lease` by default.
    pub lease: Option<String>,
    /// How many.
    pub permits: Option<u32>,
}

/// Creates a prefetch.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrefetchStep {
    /// The client; `main` by default.
    pub client: Option<String>,
    /// The name of the prefetch; `main` by default.
    pub prefetch: Option<String>,
    /// The priority.
    pub priority: String,
    /// How long takers wait.
    pub max_wait_ms: Option<u64>,
    /// How far ahead it looks.
    pub horizon_ms: Option<u64>,
    /// When idle permits go back.
    pub idle_timeout_ms: Option<u64>,
    /// The most permits of a refill.
    pub max_permits: Option<u32>,
}

/// Takes a permit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PermitStep {
    /// The prefetch; none makes a call.
    pub prefetch: Option<String>,
    /// The client that makes the call; `main` by default.
    pub client: Option<String>,
    /// The priority, for a call.
    pub priority: String,
    /// How long to wait, for a call.
    pub max_wait_ms: Option<u64>,
    /// The name of the permit; `permit` by default.
    pub permit: Option<String>,
    /// Whether only one that is there at once will do.
    pub only_if_ready: bool,
    /// `hold` by default, `leave`, or `put_back`.
    pub then: String,
    /// How often, in the driver.
    pub repeat: u32,
    /// By which way of the library.
    pub via: String,
}

/// Something about a permit or a lease.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HandleStep {
    /// The permit.
    pub permit: Option<String>,
    /// The lease, if it is no permit.
    pub lease: Option<String>,
}

/// Something about a client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientStep {
    /// The client; `main` by default.
    pub client: Option<String>,
}

/// Reports a response.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObserveStep {
    /// The permit.
    pub permit: Option<String>,
    /// The lease, if it is no permit.
    pub lease: Option<String>,
    /// The status of the response.
    pub status: u32,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Option<String>,
    /// An observation made by hand instead.
    pub observation: Option<ObservationTable>,
}

/// An observation made by hand.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ObservationTable {
    /// The limit.
    pub limit: String,
    /// The status.
    pub status: u32,
    /// The permits of a window.
    pub limit_permits: Option<u32>,
    /// Those that remain.
    pub remaining_permits: Option<u32>,
    /// Whether the provider throttles.
    pub throttled: bool,
    /// How long to send nothing.
    pub retry_after_ms: Option<u64>,
    /// How long ago it was received.
    pub age_ms: Option<u64>,
}

/// Opens an HTTP client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpOpenStep {
    /// Its name; `main` by default.
    pub http: Option<String>,
    /// The prefetch that permits come from; none makes calls.
    pub prefetch: Option<String>,
    /// The client that makes the calls; `main` by default.
    pub client: Option<String>,
    /// How long requests wait for permits, without a prefetch.
    pub max_wait_ms: Option<u64>,
    /// Whether it follows redirects.
    pub follow_redirects: bool,
    /// How often it retries.
    pub retries: u32,
    /// How long a request may take.
    pub timeout_ms: Option<u64>,
    /// Whether it speaks HTTP/2.
    pub http2: bool,
}

/// Sends an HTTP request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpStep {
    /// The HTTP client; `main` by default.
    pub http: Option<String>,
    /// The method; `GET` by default.
    pub method: Option<String>,
    /// The path; `/` by default.
    pub path: Option<String>,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<String>,
}
