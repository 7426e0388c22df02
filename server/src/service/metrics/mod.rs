//! Metrics for Prometheus: read from the engine at each scrape, so a grant pays for a count and nothing else.

mod scrape;

mod figures;

mod encode;

mod collectors;

use super::gate::Gate;
use crate::engine::Engine;
use crate::leases::LeaseRouter;
use collectors::{BookedAhead, Forwarded, RefusedCredentials, StoreUsed, Workspaces};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use scrape::Scrape;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What Prometheus calls the format.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Most scrapes at once: each holds the figures of every workspace. One more cancels the oldest.
const SCRAPES_MAX: usize = 4;
/// How long a scrape waits for one that is cancelled.
const TURN: Duration = Duration::from_secs(2);

/// All metrics of a server.
#[derive(Debug)]
pub(crate) struct Metrics {
    engine: Arc<Engine>,
    leases: LeaseRouter,
    gate: Arc<Gate>,
    room: Arc<Semaphore>,
    /// The scrapes that are written or wait for their turn, oldest first.
    scrapes: Mutex<VecDeque<CancellationToken>>,
}

impl Metrics {
    /// The metrics of an engine, of its leases at other nodes, and of the gate before it.
    pub(crate) fn new(engine: Arc<Engine>, leases: LeaseRouter, gate: Arc<Gate>) -> Self {
        let room = Arc::new(Semaphore::new(SCRAPES_MAX));
        Self { engine, leases, gate, room, scrapes: Mutex::default() }
    }

    /// Starts a scrape; none where there are too many at once. Must be called inside a tokio runtime.
    pub(crate) async fn scrape(&self) -> Option<Scrape> {
        let end = self.enter();
        let turn = tokio::time::timeout(TURN, Arc::clone(&self.room).acquire_owned());
        let permit = tokio::select! {
            () = end.cancelled() => return None,
            turn = turn => turn.ok()?.ok()?,
        };
        let (engine, gate) = (Arc::clone(&self.engine), Arc::clone(&self.gate));
        let cluster = self.leases.cluster().cloned();
        Some(Scrape::start(permit, end, move |pieces| {
            let mut registry = Registry::with_prefix("apportion");
            let all = Arc::new(Mutex::new(figures::read(&engine, pieces)?));
            registry.register_collector(Box::new(Workspaces(Arc::clone(&all))));
            registry.register_collector(Box::new(RefusedCredentials(gate)));
            if let Some(cluster) = cluster {
                let engine = Arc::clone(&engine);
                registry.register_collector(Box::new(Forwarded { cluster, engine }));
            }
            registry.register_collector(Box::new(StoreUsed(Arc::clone(&engine))));
            registry.register_collector(Box::new(BookedAhead(engine)));
            encode(pieces, &registry)?;
            figures::free(&all, pieces)
        }))
    }

    /// Registers one more scrape, and cancels the oldest where there are too many. Returns the token that cancels it.
    fn enter(&self) -> CancellationToken {
        let mut scrapes = self.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
        scrapes.retain(|scrape| !scrape.is_cancelled());
        if scrapes.len() >= SCRAPES_MAX {
            scrapes.pop_front().inspect(CancellationToken::cancel);
        }
        let end = CancellationToken::new();
        scrapes.push_back(end.clone());
        end
    }
}
