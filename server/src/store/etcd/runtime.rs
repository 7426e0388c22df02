//! The thread on which calls of etcd are made, so that whoever blocks on one, inside a runtime or not, holds nothing up that it waits
//! for.

use super::super::error::StoreError;
use std::future::Future;
use std::sync::mpsc;
use tokio::runtime::{Builder, Handle, Runtime};

/// A runtime of its own, which ends with its owner and waits for nothing then.
#[derive(Debug)]
pub(super) struct EtcdRuntime(Option<Runtime>);

impl EtcdRuntime {
    pub(super) fn new() -> Result<Self, StoreError> {
        let runtime =
            Builder::new_multi_thread().worker_threads(1).thread_name("apportion-etcd").enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Etcd(format!("no thread can be started: {error}")));
        Ok(Self(Some(runtime?)))
    }

    pub(super) fn handle(&self) -> &Handle {
        self.0.as_ref().unwrap_or_else(|| unreachable!("it is taken when it is dropped")).handle()
    }

    /// Runs `work` to its end and waits for it.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, is_done) = mpsc::sync_channel(1);
        self.handle().spawn(async move {
            // Whoever waits is there until it has the result.
            let _ = done.send(work.await);
        });
        is_done.recv().unwrap_or_else(|_| Err(StoreError::Etcd("a call of etcd panicked".into())))
    }
}

impl Drop for EtcdRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
