//! What stands between a request and the provider: nothing, or a lease of Apportion. The rest of a service is the same.

use std::time::{Duration, Instant};

use apportion_client::headers::observe;
use apportion_client::{Lease, Quota, Request};
use hyper::StatusCode;

use super::retry::Backoff;
use crate::process::call::Line;
use crate::process::pass;
use crate::random::Random;

/// The pause after something failed that says nothing of when to try again.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest wait for one lease; then it is asked for again.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The way of a service's requests to the provider.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Each is sent when it is wanted.
    Open,
    /// Each is sent under a permit.
    Leased(Quota),
}

/// What became of a request so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passage {
    /// When its last attempt was sent.
    pub sent: Option<Instant>,
    /// How often it was refused by the provider.
    pub throttled: u32,
}

impl Gate {
    /// Sends one request, again and again until it gets through, and notes in `passage` what becomes of it.
    pub async fn through(&self, line: &mut Line, random: &mut Random, passage: &mut Passage) {
        let mut backoff = Backoff::default();
        loop {
            if line.ready().await.is_none() {
                pass(PAUSE).await;
                continue;
            }
            let Some(permission) = self.permission().await else { continue };
            passage.sent = Some(Instant::now());
            let Some(response) = line.exchange().await else { continue };
            if let Some(lease) = permission {
                lease.observe(observe(response.status(), response.headers(), None));
            }
            if response.status() != StatusCode::TOO_MANY_REQUESTS {
                return;
            }
            passage.throttled += 1;
            pass(backoff.next(random, response.headers())).await;
        }
    }

    /// The right to send one request now, with the lease that it comes from where one is needed. None: try again.
    async fn permission(&self) -> Option<Option<Lease>> {
        let Self::Leased(quota) = self else { return Some(None) };
        match quota.acquire(&Request::new().max_wait(MAX_WAIT)).await {
            Ok(lease) => lease.take().then_some(Some(lease)),
            Err(error) => {
                pass(error.retry_after().unwrap_or_default().max(PAUSE)).await;
                None
            }
        }
    }
}
