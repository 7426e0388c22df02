//! A load: workers that share a server, a provider and a log.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::Channel;

use super::call::ProviderConnection;
use super::log::Log;
use super::worker::{Shared, Worker, Workload};

/// Workers that run.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    server: watch::Sender<Channel>,
    stop: watch::Sender<bool>,
    workers: JoinSet<()>,
}

impl Load {
    /// Starts workers.
    pub fn start(server: Channel, provider: SocketAddr, workloads: &[Workload]) -> Self {
        let (to_server, server) = watch::channel(server);
        let (stop, is_stopped) = watch::channel(false);
        let shared = Arc::new(Shared { server, is_stopped, log: Mutex::default() });
        let mut load = Self { shared, server: to_server, stop, workers: JoinSet::new() };
        for (kind, workload) in workloads.iter().enumerate() {
            for number in 0..workload.workers {
                let worker = Worker {
                    shared: Arc::clone(&load.shared),
                    workload: *workload,
                    caller: format!("worker-{kind}-{number}"),
                    provider: ProviderConnection::new(provider),
                };
                load.workers.spawn(worker.work());
            }
        }
        load
    }

    /// Sends further requests to another server.
    pub fn switch_to(&self, server: Channel) {
        let _ = self.server.send(server);
    }

    /// What was recorded so far.
    pub fn log(&self) -> Log {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops the workers after their current lease, and returns what they recorded.
    pub async fn stop(mut self) -> Log {
        let _ = self.stop.send(true);
        while let Some(worker) = self.workers.join_next().await {
            worker.expect("a worker does not panic");
        }
        self.log()
    }
}
