//! How a service reaches the provider: directly, or with leases of Apportion. The rest of a service is the same.

use std::time::{Duration, Instant};

use apportion_client::signals::ProviderResponse;
use apportion_client::{Lease, Quota, Request};
use hyper::StatusCode;

use super::backoff::Backoff;
use crate::process::call::ProviderConnection;
use crate::process::pass;
use crate::random::Random;

/// The pause after an error that names no time to retry.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest wait for one lease; then another one is requested.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// How the requests of a service reach the provider.
#[derive(Clone, Debug)]
pub enum Access {
    /// Each is sent as soon as it is issued.
    Direct,
    /// Each is sent under a permit.
    Leased(Quota),
}

/// The attempts of one request so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempts {
    /// When the last one was sent.
    pub last_sent: Option<Instant>,
    /// How many the provider throttled.
    pub throttled: u32,
}

impl Access {
    /// Sends one request, again and again until the provider accepts it, and keeps `attempts` up to date.
    pub async fn send(
        &self,
        connection: &mut ProviderConnection,
        random: &mut Random,
        attempts: &mut Attempts,
    ) {
        let mut backoff = Backoff::default();
        loop {
            if connection.ready().await.is_none() {
                pass(PAUSE).await;
                continue;
            }
            let lease = match self {
                Self::Direct => None,
                Self::Leased(quota) => match permit(quota).await {
                    Some(lease) => Some(lease),
                    None => continue,
                },
            };
            attempts.last_sent = Some(Instant::now());
            let Some(response) = connection.exchange().await else { continue };
            if let Some(lease) = lease {
                lease.observe_response(&ProviderResponse::new(response.status(), response.headers()));
            }
            if response.status() != StatusCode::TOO_MANY_REQUESTS {
                return;
            }
            attempts.throttled += 1;
            pass(backoff.next(random, response.headers())).await;
        }
    }
}

/// A lease of which one permit was taken. None: try again.
async fn permit(quota: &Quota) -> Option<Lease> {
    match quota.acquire(&Request::new().max_wait(MAX_WAIT)).await {
        Ok(lease) => lease.take().then_some(lease),
        Err(error) => {
            pass(error.retry_after().unwrap_or_default().max(PAUSE)).await;
            None
        }
    }
}
