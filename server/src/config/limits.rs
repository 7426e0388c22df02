//! The limits on clients.

/// The limits on clients. Each is at least 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerLimits {
    /// Concurrent calls per connection.
    pub streams_per_connection: u32,
    /// The largest message, in bytes.
    pub message_bytes: u32,
    /// The largest headers, in bytes.
    pub header_bytes: u32,
    /// Concurrent connections.
    pub connections: u32,
    /// The interval of keep-alive pings, in seconds.
    pub keep_alive_seconds: u32,
    /// The time-out for receiving a TLS handshake, a connection preface or a request, in seconds.
    pub arrival_seconds: u32,
    /// After how long an idle connection is closed, in seconds.
    pub idle_seconds: u32,
    /// Pending stream resets by a client before its connection is closed.
    pub pending_resets: u32,
    /// Stream resets for errors of a client before its connection is closed.
    pub error_resets: u32,
    /// Waiting requests per Exchange stream; further ones are refused.
    pub exchange_in_flight: u32,
    /// Workspaces.
    pub workspaces: u32,
    /// Callers tracked per team; a workspace tracks at most ten times as many.
    pub callers_per_team: u32,
    /// Concurrent watchers.
    pub watchers: u32,
}

impl ServerLimits {
    /// Enough for hundreds of services behind one connection each.
    pub const DEFAULT: Self = Self {
        streams_per_connection: 1_000,
        message_bytes: 1 << 20,
        header_bytes: 16 << 10,
        connections: 10_000,
        keep_alive_seconds: 20,
        arrival_seconds: 10,
        idle_seconds: 300,
        pending_resets: 100,
        error_resets: 1_000,
        exchange_in_flight: 1_000,
        workspaces: 100_000,
        callers_per_team: 10_000,
        watchers: 1_000,
    };
}
