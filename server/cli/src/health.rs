//! `apportion health`: asks a server on this machine how it is, for health checks that have no HTTP client, as in its image.

use crate::terminal;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longest time for the answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most bytes of an answer that are read. A ready server names at most twenty closed workspaces.
const ANSWER_MAX: usize = 64 << 10;

/// Ask a server whether it is ready: exits with 0 if requests may be sent to it, and with 1 if not
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Address of its HTTP server; any address stands for loopback
    #[arg(long, env = "APPORTION_HTTP_LISTEN", default_value = "127.0.0.1:7421", value_name = "ADDRESS")]
    http_listen: SocketAddr,
    /// Only ask whether the process runs: then it is healthy too while it stops, or has lost its store
    #[arg(long)]
    live: bool,
}

/// Asks, and prints what the server says.
pub(crate) fn run(args: &Args) -> Result<bool, String> {
    let path = if args.live { "/healthz" } else { "/readyz" };
    let address = reachable(args.http_listen);
    match ask(address, path) {
        Ok(Answer { status, body }) => {
            terminal::block(body.trim_end());
            Ok(status == 200)
        }
        Err(error) => {
            terminal::error(&format!("http://{address}{path} does not answer: {error}"));
            Ok(false)
        }
    }
}

/// Where a server that listens at this address is reached from the same machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match listen {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let ip = if listen.ip().is_unspecified() { loopback } else { listen.ip() };
    SocketAddr::new(ip, listen.port())
}

struct Answer {
    status: u16,
    body: String,
}

/// Asks by HTTP/1.0: the answer ends where the connection does.
fn ask(address: SocketAddr, path: &str) -> Result<Answer, String> {
    let failed = |error: std::io::Error| error.to_string();
    let end = Instant::now() + PATIENCE;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(failed)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").map_err(failed)?;
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    while answer.len() < ANSWER_MAX {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!("no answer within {} s", PATIENCE.as_secs()));
        }
        stream.set_read_timeout(Some(left)).map_err(failed)?;
        match stream.read(&mut piece).map_err(failed)? {
            0 => break,
            read => answer.extend_from_slice(&piece[..read]),
        }
    }
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| "what answers is no HTTP server".to_owned())
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_listens_at_all_addresses_is_reached_on_loopback() {
        let at = |listen: &str| reachable(listen.parse().expect("an address")).to_string();
        assert_eq!(at("0.0.0.0:7421"), "127.0.0.1:7421");
        assert_eq!(at("[::]:80"), "[::1]:80");
        assert_eq!(at("10.1.2.3:7421"), "10.1.2.3:7421");
    }

    #[test]
    fn only_http_is_an_answer() {
        let answer = parse("HTTP/1.0 503 Service Unavailable\r\na: b\r\n\r\nit stops\n").expect("an answer");
        assert_eq!((answer.status, answer.body.as_str()), (503, "it stops\n"));
        for other in ["", "HTTP/1.1 200 OK\r\n", "SSH-2.0-x\r\n\r\n", "HTTP/1.1 x\r\n\r\n"] {
            assert!(parse(other).is_none(), "{other:?}");
        }
    }
}
