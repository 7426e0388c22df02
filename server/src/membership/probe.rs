//! Whether another node can be reached: a connection to its address is held, and made anew when it ends. A process that dies takes
//! its connections with it, so that is noticed at once.

use super::campaign::Suspicion;
use apportion_core::ids::NodeId;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long a node may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);
/// How long a connection is held before the next one is made.
const HELD: Duration = Duration::from_secs(1);
/// The least time between two connections.
const PAUSE: Duration = Duration::from_millis(50);

/// What a probe of a node found; sent when it is another finding than before.
pub(super) type ProbeFinding = (NodeId, Option<Suspicion>);

/// Probes one node until it is dropped.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) address: String,
    task: JoinHandle<()>,
}

impl Probe {
    /// Probes a node at an address, as `host:port`.
    pub(super) fn start(
        node: NodeId,
        address: String,
        findings: mpsc::UnboundedSender<ProbeFinding>,
    ) -> Self {
        let to = address.clone();
        let task = tokio::spawn(async move {
            let mut known = None;
            loop {
                let found = knock(&to).await;
                let why = found.as_ref().err().copied();
                if known != Some(why) {
                    known = Some(why);
                    if findings.send((node.clone(), why)).is_err() {
                        return;
                    }
                }
                if let Ok(stream) = found {
                    hold(stream).await;
                }
                sleep(PAUSE).await;
            }
        });
        Self { address, task }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn knock(address: &str) -> Result<TcpStream, Suspicion> {
    match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Err(Suspicion::Refused),
        Ok(Err(_)) | Err(_) => Err(Suspicion::Silent),
    }
}

/// Holds a connection until the other side ends it, or for a while.
async fn hold(mut stream: TcpStream) {
    let (until, mut bytes) = (Instant::now() + HELD, [0; 256]);
    while let Ok(Ok(1..)) = timeout_at(until, stream.read(&mut bytes)).await {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_node_that_stops_to_listen_is_found_and_so_is_its_return() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (sender, mut findings) = mpsc::unbounded_channel();
        let node = NodeId::new("n").expect("a name");
        let _probe = Probe::start(node.clone(), address.to_string(), sender);
        let (held, _) = listener.accept().await.expect("it connects");
        let next = findings.recv().await;
        assert_eq!(next, Some((node.clone(), None)));
        drop((held, listener));
        assert_eq!(findings.recv().await, Some((node.clone(), Some(Suspicion::Refused))));
        let _listener = TcpListener::bind(address).await.expect("the port again");
        assert_eq!(findings.recv().await, Some((node, None)));
    }
}
