//! Envoy's rate limit protocol RLS, as a further way to the leases: it asks for each request.
//!
//! A domain of the policy says which workspace a call is about and what its keys name. Who calls may name the teams that its credential
//! allows it to lease for, and no others. Modules stand in reading order, bottom first.

mod lessee;

mod taken;

mod answer;
mod decide;

mod rls;

pub(crate) use rls::RateLimitCalls;
