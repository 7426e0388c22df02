//! A simulated provider: an HTTP/1.1 server that behaves like Intercom and keeps its own count.
//!
//! It judges what reaches a provider, so it shares no code with the windows of the core. It runs on a thread of its own, so that
//! its callers do not delay its count.
//!
//! ```
//! use apportion_tests::provider::{Change, Provider, Rules};
//!
//! let provider = Provider::start(Rules::default()).unwrap();
//! println!("call {}/contacts with the header X-Team", provider.url());
//! provider.change(Change { limit: Some(120), ..Change::default() }).unwrap();
//! let report = provider.stop();
//! assert_eq!(report.total.over_limit, 0);
//! ```

pub mod clock;
pub mod rules;

pub mod report;
pub mod verdict;

pub mod headers;
pub mod recent;
pub mod revisions;

pub mod counter;

mod server;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use clock::{Clock, realtime_ns};
pub use report::Report;
pub use rules::{Change, Rules};

/// A provider that runs until it is stopped or dropped.
pub struct Provider {
    address: SocketAddr,
    shared: Arc<server::Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Provider {
    /// Starts a provider on a free port of the loopback, on the clock of this machine.
    ///
    /// # Errors
    ///
    /// If a rule is out of range, or no socket, thread or runtime is available.
    pub fn start(rules: Rules) -> io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), rules, Box::new(realtime_ns))
    }

    /// Starts a provider at an address, on a clock.
    ///
    /// # Errors
    ///
    /// If a rule is out of range, or no socket, thread or runtime is available.
    pub fn start_at(address: SocketAddr, rules: Rules, clock: Clock) -> io::Result<Self> {
        let shared = server::Shared::new(rules, clock)
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))
            .map(Arc::new)?;
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("provider".into()).spawn(move || {
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a runtime with I/O");
                server::serve(listener, served, stopped).await;
            });
        })?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as a URL without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes its rules from now on.
    ///
    /// # Errors
    ///
    /// Names the first rule that would be out of range; nothing changes then.
    pub fn change(&self, change: Change) -> Result<Rules, String> {
        self.shared.change(change)
    }

    /// What it has counted so far.
    pub fn report(&self) -> Report {
        self.shared.report(counter::WINDOWS_KEPT)
    }

    /// Stops listening, answers open requests, and reports. Blocks for up to two seconds if a response takes long.
    pub fn stop(mut self) -> Report {
        self.end();
        self.report()
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.end();
    }
}
