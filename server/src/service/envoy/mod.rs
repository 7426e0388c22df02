//! Envoy's rate limit protocols, as further ways to the leases: RLS, which asks for each request, and RLQS, which gets assignments of
//! permits and reports what it used.
//!
//! A domain of the policy says which workspace a call is about and what its keys name. Who calls may name the teams that its credential
//! allows it to lease for, and no others. Modules stand in reading order, bottom first.

mod lessee;

mod taken;

mod answer;
mod decide;

mod rls;

mod assignment;
mod demand;

mod bucket;
mod stream;

mod rlqs;

pub(crate) use rlqs::RateLimitQuotaCalls;
pub(crate) use rls::RateLimitCalls;
