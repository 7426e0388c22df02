//! Plain HTTP clients of an Envoy, which know nothing of limits.

use crate::process::call::ProviderConnection;
use crate::process::pass;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The pause after a request that was refused, or lost.
const PAUSE: Duration = Duration::from_millis(10);

/// Clients of one team.
#[derive(Clone, Copy, Debug)]
pub struct Clients {
    /// The team that each names in the header `x-team`.
    pub team: &'static str,
    /// How many there are; each sends one request at a time.
    pub count: usize,
    /// How long each rests after a request.
    pub rest: Duration,
}

/// What became of one request.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// The team that it named.
    pub team: &'static str,
    /// When it was sent.
    pub sent: Instant,
    /// How long its response took.
    pub took: Duration,
    /// The status of the response; 0 where none came.
    pub status: u16,
}

/// Clients that run.
#[derive(Debug)]
pub struct MeshLoad {
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    stop: watch::Sender<bool>,
    clients: JoinSet<()>,
}

impl MeshLoad {
    /// Starts these clients at each Envoy.
    pub fn start(envoys: &[SocketAddr], kinds: &[Clients]) -> Self {
        let (stop, is_stopped) = watch::channel(false);
        let mut load = Self { outcomes: Arc::default(), stop, clients: JoinSet::new() };
        for envoy in envoys {
            for kind in kinds {
                for _ in 0..kind.count {
                    let (outcomes, is_stopped) = (Arc::clone(&load.outcomes), is_stopped.clone());
                    load.clients.spawn(client(*kind, *envoy, outcomes, is_stopped));
                }
            }
        }
        load
    }

    /// Stops the clients after their current request, and returns what became of all requests.
    pub async fn stop(mut self) -> Vec<Outcome> {
        let _ = self.stop.send(true);
        while let Some(client) = self.clients.join_next().await {
            client.expect("a client does not panic");
        }
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn client(
    kind: Clients,
    envoy: SocketAddr,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    is_stopped: watch::Receiver<bool>,
) {
    let mut connection = ProviderConnection::of_team(kind.team, envoy);
    while !*is_stopped.borrow() {
        let sent = Instant::now();
        let status = connection.call().await.map_or(0, |response| response.status);
        let outcome = Outcome { team: kind.team, sent, took: sent.elapsed(), status };
        outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
        pass(if status == 200 { kind.rest } else { kind.rest.max(PAUSE) }).await;
    }
}
