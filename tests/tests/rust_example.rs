//! The example service of the Rust client, as a module instead of a program, with a real server in memory.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;

use apportion_tests::process::child::Child;
use apportion_tests::process::program::program;
use apportion_tests::provider::{Provider, Rules, realtime_ns};
use clap::Parser;

#[allow(dead_code)]
#[path = "../../client/rust/examples/service.rs"]
mod service;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_rust_client_has_a_permit_for_each_request() {
    let provider = Provider::start_at(LOCAL, Rules::default(), Box::new(realtime_ns)).expect("a port");
    let server =
        Child::start_bound(Command::new(program()).args(["serve", "--dev", "--listen", "127.0.0.1:0"]));
    let line = server.next_line().expect("the server says where it listens");
    let serving: serde_json::Value = serde_json::from_str(&line).expect("a line of JSON");
    let url = serving["url"].as_str().expect("the URL of the server");
    let to = format!("{}/contacts", provider.url());
    let flags = ["service", "--apportion", url, "--provider", &to, "--workers", "4", "--requests", "20"];
    let ends = service::run(service::Flags::parse_from(flags)).await.expect("it runs");
    assert_eq!(ends, BTreeMap::from([("answers with status 200".into(), 20)]));
    let total = provider.stop().total;
    assert_eq!((total.arrivals, total.throttled), (20, 0));
}
