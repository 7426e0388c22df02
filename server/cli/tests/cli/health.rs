//! `apportion health`: ready, in trouble, stopped, and gone.

use crate::process::{Said, Server, run, soon};
use std::fs;

fn health(http: &str, words: &[&str]) -> Said {
    run("http://127.0.0.1:1", &[&["health"], words].concat(), &[("APPORTION_HTTP_LISTEN", http)])
}

#[test]
fn a_server_is_healthy_while_it_can_grant_and_alive_while_it_runs() {
    let server = Server::start("", &[]);
    let http = server.http.to_string();
    assert_eq!(health(&http, &[]).well(), "ok\n");
    let everywhere = format!("0.0.0.0:{}", server.http.port());
    assert_eq!(health(&everywhere, &[]).well(), "ok\n");
    fs::rename(server.data().join("apportion.redb"), server.path("aside")).expect("moved");
    soon(|| health(&http, &[]).code == Some(1));
    assert!(health(&http, &[]).out.contains("store"), "it says why");
    assert_eq!(health(&http, &["--live"]).well(), "ok\n");
}

#[test]
fn a_server_that_hangs_or_is_gone_is_not_healthy() {
    let server = Server::start("", &[]);
    let http = server.http.to_string();
    server.signal("STOP");
    let hangs = health(&http, &["--live"]);
    server.signal("CONT");
    assert_eq!(hangs.code, Some(1), "{hangs:?}");
    assert!(hangs.err.contains("does not answer"), "{hangs:?}");
    drop(server.kill());
    let gone = health(&http, &[]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert!(gone.err.contains(&format!("http://{http}/readyz does not answer: ")), "{gone:?}");
}
