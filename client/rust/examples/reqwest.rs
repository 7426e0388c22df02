//! Sends ten requests at once to a URL, each with a permit that is held ready. Needs a server, at APPORTION_URL or where `make run` has it:
//! `cargo run --package apportion-client --features reqwest --example reqwest -- http://localhost:8080/`.

use apportion_client::reqwest::{PermitMiddleware, refusal};
use apportion_client::{Ahead, Config, Quota, Request};
use reqwest_middleware::ClientBuilder;
use reqwest_middleware::reqwest::{Client, redirect::Policy};
use tokio::task::JoinSet;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::args().nth(1).ok_or("which URL? give it as the argument")?;
    let server = std::env::var("APPORTION_URL").unwrap_or_else(|_| "http://127.0.0.1:7420".into());
    let quota = Quota::connect(Config::new(server).caller("example"))?;
    let prefetch = quota.prefetch(&Request::new(), Ahead::new());
    // A redirect that reqwest follows by itself would be a request without a permit.
    let http = Client::builder().redirect(Policy::none()).build()?;
    let http = ClientBuilder::new(http).with(PermitMiddleware::new(prefetch).give_back_unsent()).build();
    let mut requests = JoinSet::new();
    for _ in 0..10 {
        requests.spawn(http.get(&url).send());
    }
    while let Some(answer) = requests.join_next().await {
        match answer? {
            Ok(response) => println!("{}", response.status()),
            Err(error) => match refusal(&error) {
                Some(why) => println!("not sent: {why}; ask again in {:?}", why.retry_after()),
                None => println!("failed: {error}"),
            },
        }
    }
    drop(http); // And with it the prefetch: what it holds goes back.
    quota.close().await;
    Ok(())
}
