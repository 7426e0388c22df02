//! Acquires a lease of five permits, uses three and returns two. Needs a server, at `APPORTION_URL` or started with `make run`:
//! `cargo run --package apportion-client --example leases`.

use apportion_client::signals::ProviderResponse;
use apportion_client::{AcquireError, Config, Quota, Request};
use http::{HeaderMap, StatusCode};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::var("APPORTION_URL").unwrap_or_else(|_| "http://127.0.0.1:7420".into());
    let quota = Quota::connect(Config::new(server).caller("example"))?;
    let request = Request::new().permits(5).min_permits(3).max_wait(Duration::from_secs(20));
    let lease = match quota.acquire(&request).await {
        Ok(lease) => lease,
        Err(AcquireError::Refused { reason, message, retry_after }) => {
            println!("refused: {} ({message}); retry after {retry_after:?}", reason.as_str_name());
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    println!("{} permits, valid for {:?}", lease.left(), lease.valid_for());
    for _ in 0..3 {
        // Take a permit as late as possible, once for each attempt on the wire.
        if lease.take() {
            let (status, headers) = call_the_provider();
            lease.observe_response(&ProviderResponse::new(status, &headers));
        }
    }
    println!("returning {} unused permits", lease.left());
    drop(lease);
    quota.close().await;
    Ok(())
}

/// Stands in for an HTTP request, and returns the status and headers of its response.
fn call_the_provider() -> (StatusCode, HeaderMap) {
    (StatusCode::OK, HeaderMap::new())
}
