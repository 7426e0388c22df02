//! The end in good order: newcomers are refused, what waits is answered, what was not granted goes back.

use super::{Running, ServeError};
use crate::service::admin::Admin;
use crate::service::quota::Quota;
use apportion_proto::v1::admin_service_server::AdminServiceServer;
use apportion_proto::v1::quota_service_server::QuotaServiceServer;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often it is looked whether anybody still waits.
const LOOK: Duration = Duration::from_millis(20);
/// How long connections have to take their last answers.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// The signals that tell the process to stop.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal is gone, or whoever started it. None where it is ignored, as `nohup` asks for.
    hang_up: Option<Signal>,
}

impl Signals {
    /// From now on they are listened to, and no longer end the process by themselves.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: (!hang_up_is_ignored()).then(|| signal(SignalKind::hangup())).transpose()?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = hung_up(self.hang_up.as_mut()) => {}
        }
    }
}

/// Whether whoever started the process wants it to outlive them. Known where the system tells it in its files.
fn hang_up_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

async fn hung_up(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

impl Running {
    /// Serves until the process is told to stop, then stops in good order. A second signal ends it at once.
    ///
    /// # Errors
    /// [`ServeError`] where gRPC failed, or something that every workspace depends on: the process is to end at once then.
    pub async fn until_signalled(mut self) -> Result<(), ServeError> {
        tokio::select! {
            _ = &mut self.grpc => return Ok(()),
            what = self.engine.failed() => return Err(ServeError::Failed(what)),
            () = self.signals.next() => {}
        }
        tracing::info!("stopping: whoever waits has {} s", self.drain.as_secs());
        let mut again = Signals::new()?;
        tokio::select! {
            stopped = self.stop() => stopped,
            () = again.next() => Ok(()),
        }
    }

    /// Stops in good order, within the time to drain and a little more.
    ///
    /// # Errors
    /// [`ServeError`] where gRPC failed.
    pub async fn stop(self) -> Result<(), ServeError> {
        self.health.set_not_serving::<QuotaServiceServer<Quota>>().await;
        self.health.set_not_serving::<AdminServiceServer<Admin>>().await;
        self.engine.drain();
        let deadline = Instant::now() + self.drain;
        while self.engine.waiting() > 0 && Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
        }
        let engine = Arc::clone(&self.engine);
        // It writes to the store; what still waits is refused by it.
        let _ = tokio::task::spawn_blocking(move || engine.stop()).await;
        self.halt.cancel();
        let mut grpc = self.grpc;
        let ended = tokio::time::timeout(LAST_ANSWERS, &mut grpc).await;
        self.http.abort();
        if ended.is_err() {
            grpc.abort();
        }
        Ok(())
    }
}
