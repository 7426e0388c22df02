//! Sends ten concurrent requests to a URL, each with a prefetched permit. Needs a server, at `APPORTION_URL` or started with
//! `make run`:
//! `cargo run --package apportion-client --features reqwest --example reqwest -- http://localhost:8080/`.

use apportion_client::reqwest::{PermitMiddleware, acquire_error};
use apportion_client::{Config, PrefetchOptions, Quota, Request};
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::reqwest::{Client, redirect::Policy};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("pass a URL as the argument")?;
    let server = std::env::var("APPORTION_URL").unwrap_or_else(|_| "http://127.0.0.1:7420".into());
    let quota = Quota::connect(Config::new(server).caller("example"))?;
    let prefetch = quota.prefetch(&Request::new(), PrefetchOptions::new());
    // A redirect that reqwest follows by itself would be sent without a permit.
    let http = Client::builder().redirect(Policy::none()).build()?;
    let http = ClientBuilder::new(http).with(PermitMiddleware::new(prefetch).return_unsent()).build();
    let mut requests = JoinSet::new();
    for _ in 0..10 {
        requests.spawn(http.get(&url).send());
    }
    while let Some(answer) = requests.join_next().await {
        match answer? {
            Ok(response) => println!("{}", response.status()),
            Err(error) => match acquire_error(&error) {
                Some(why) => println!("not sent: {why}; retry after {:?}", why.retry_after()),
                None => println!("failed: {error}"),
            },
        }
    }
    drop(http); // Drops the prefetch too, which returns the permits that it holds.
    quota.close().await;
    Ok(())
}
