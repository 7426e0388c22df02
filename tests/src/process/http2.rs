//! HTTP/2 below gRPC, for clients that misbehave.

use std::net::SocketAddr;

use h2::client::SendRequest;
use hyper::body::Bytes;
use hyper::http::request::Builder;
use hyper::{Method, Request, Version};
use tokio::net::TcpStream;

/// The start of a connection, and settings that change nothing.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// The path of the call that requests a lease.
pub const ACQUIRE: &str = "/apportion.v1.QuotaService/AcquireLease";

/// The headers of a gRPC call.
pub fn call(path: &str) -> Builder {
    let request = Request::builder().method(Method::POST).uri(format!("http://server{path}"));
    request.version(Version::HTTP_2).header("content-type", "application/grpc").header("te", "trailers")
}

/// A connection, which a task of its own drives.
pub async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    tokio::spawn(connection);
    sender
}
