//! A client that acquires leases, prints how many permits it holds, and waits to be killed.

use std::process::ExitCode;
use std::time::Duration;

use apportion_proto::v1;
use apportion_tests::process::wire::{Client, seconds};
use tonic::transport::Endpoint;

/// It exits by itself after this, if nothing kills it.
const LIFE: Duration = Duration::from_secs(60);

async fn hold(server: String, leases: u32) -> Result<(), String> {
    let text = |error: tonic::transport::Error| error.to_string();
    let channel =
        Endpoint::from_shared(format!("http://{server}")).map_err(text)?.connect().await.map_err(text)?;
    let mut client = Client::new(channel);
    let mut held = 0;
    for _ in 0..leases {
        let ask = v1::AcquireLeaseRequest {
            caller: "killed".into(),
            permits: Some(10),
            max_wait: Some(seconds(1)),
            ..v1::AcquireLeaseRequest::default()
        };
        let granted = client.acquire_lease(ask).await.map_err(|status| status.to_string())?;
        held += granted.into_inner().lease.map_or(0, |lease| lease.permits);
    }
    println!("holds {held}");
    tokio::time::sleep(LIFE).await;
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(server), Some(leases)) = (arguments.next(), arguments.next().and_then(|n| n.parse().ok()))
    else {
        eprintln!("usage: client ADDRESS LEASES");
        return ExitCode::FAILURE;
    };
    match hold(server, leases).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
