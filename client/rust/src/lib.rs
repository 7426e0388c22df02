//! What a service that calls a provider uses to keep to its leases. Knows the contract, and nothing of the server or the core.

pub mod clock;
pub mod headers;
pub mod held;
