//! A TCP proxy that cuts connections: before a request arrives, or before its answer does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// Nothing.
    Nothing,
    /// What servers send: requests arrive, and their answers do not.
    Answers,
    /// Everything, as in a network that is gone.
    Everything,
}

/// A proxy on a port of the loopback.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    wires: Arc<Wires>,
    accepts: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Wires {
    cut: AtomicU8,
    /// Ends the connections that there are.
    reset: Notify,
    has_lost_an_answer: AtomicBool,
}

impl Proxy {
    /// A proxy that loses nothing yet.
    pub async fn start(to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let wires = Arc::new(Wires::default());
        let of_loop = Arc::clone(&wires);
        let accepts = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (wires, to) = (Arc::clone(&of_loop), to.clone());
                tokio::spawn(async move { join(near, &to, &wires).await });
            }
        });
        Self { address, wires, accepts }
    }

    /// Where it listens, as `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Loses this from now on.
    pub fn cut(&self, what: Cut) {
        self.wires.cut.store(what as u8, Ordering::SeqCst);
    }

    /// Ends all connections.
    pub fn reset(&self) {
        self.wires.reset.notify_waiters();
    }

    /// Whether anything was lost that a server sent.
    pub fn has_lost_an_answer(&self) -> bool {
        self.wires.has_lost_an_answer.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
        self.reset();
    }
}

async fn join(near: TcpStream, to: &str, wires: &Wires) {
    let Ok(far) = TcpStream::connect(to).await else { return };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = pass(near_in, far_out, wires, Cut::Everything) => {}
        () = pass(far_in, near_out, wires, Cut::Answers) => {}
        () = wires.reset.notified() => {}
    }
}

/// Passes bytes on, and loses them where at least so much is cut.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, wires: &Wires, lost_from: Cut) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if wires.cut.load(Ordering::SeqCst) >= lost_from as u8 {
            if lost_from == Cut::Answers {
                wires.has_lost_an_answer.store(true, Ordering::SeqCst);
            }
            continue;
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
