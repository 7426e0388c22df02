//! Gets the signals of the workspace when a lease has another version than those at hand.

use crate::clock::{self, BootInstant};
use crate::interpreter::Interpreter;
use crate::service::LeaseService;
use apportion_proto::v1::GetSignalsRequest;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the call may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long after an answer or a failure the next call may be made: what is out of step with a server stays so for a while.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes one call at a time, in the background.
#[derive(Debug)]
pub(crate) struct SignalsSource {
    pub(crate) interpreter: Arc<Interpreter>,
    service: Arc<dyn LeaseService>,
    workspace: String,
    /// When the next call may be made.
    next_call: Mutex<BootInstant>,
}

impl SignalsSource {
    pub(crate) fn new(
        service: Arc<dyn LeaseService>,
        interpreter: Arc<Interpreter>,
        workspace: String,
    ) -> Arc<Self> {
        Arc::new(Self { interpreter, service, workspace, next_call: Mutex::new(BootInstant::from_nanos(0)) })
    }

    /// Notes the version that a lease has.
    pub(crate) fn seen(self: &Arc<Self>, version: u32) {
        if self.interpreter.lacks(version) && self.may_call() {
            tokio::spawn(Arc::clone(self).call());
        }
    }

    async fn call(self: Arc<Self>) {
        let request = GetSignalsRequest { workspace: self.workspace.clone() };
        let answer = Arc::clone(&self.service).signals(request, TIMEOUT).await;
        *self.next_call() = clock::now().after(PAUSE);
        match answer {
            Ok(answer) => {
                self.interpreter.replace(answer.signals_version, answer.signals.unwrap_or_default())
            }
            Err(error) => {
                tracing::debug!(error = %error.status, "the signals of the workspace are not known")
            }
        }
    }

    fn may_call(&self) -> bool {
        let (now, mut next_call) = (clock::now(), self.next_call());
        let may_call = now >= *next_call;
        if may_call {
            *next_call = now.after(TIMEOUT + PAUSE);
        }
        may_call
    }

    fn next_call(&self) -> MutexGuard<'_, BootInstant> {
        self.next_call.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
