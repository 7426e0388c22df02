//! One step of a case: an operation of the driver, an event of the world, or a check, with what is expected of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::expression::Comparison;
use super::operation::{
    AcquireStep, ClientStep, ConnectStep, HandleStep, HttpOpenStep, HttpStep, ObserveStep, PermitStep,
    PrefetchStep, TakeStep,
};
use crate::provider::ProviderScript;
use crate::scripted::Script;
use crate::signals::Reading;

/// One step. Exactly one of the keys down to `check` is set, except that `check` may be added to any.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Step {
    /// Creates a client.
    pub connect: Option<ConnectStep>,
    /// Acquires a lease.
    pub acquire: Option<AcquireStep>,
    /// Takes permits of a lease.
    pub take: Option<TakeStep>,
    /// Creates a prefetch.
    pub prefetch: Option<PrefetchStep>,
    /// Takes a permit.
    pub permit: Option<PermitStep>,
    /// Puts a permit back.
    pub put_back: Option<HandleStep>,
    /// Leaves a scope.
    pub leave: Option<HandleStep>,
    /// Asks what a lease or permit says of itself.
    pub inspect: Option<HandleStep>,
    /// Reports a response.
    pub observe: Option<ObserveStep>,
    /// Interprets responses by signals. Not written in cases: the files of signals are read as cases.
    #[serde(skip)]
    pub readings: Vec<Reading>,
    /// Opens an HTTP client.
    pub http_open: Option<HttpOpenStep>,
    /// Sends an HTTP request.
    pub http: Option<HttpStep>,
    /// Sends queued reports.
    pub flush: Option<ClientStep>,
    /// Closes a client.
    pub close: Option<ClientStep>,
    /// Forgets a client.
    pub drop: Option<ClientStep>,
    /// Asks for counts.
    pub state: Option<ClientStep>,
    /// Forks the driver; the name of the child.
    pub fork: Option<String>,
    /// Waits inside the driver, blocking it.
    pub block_ms: Option<u64>,
    /// Cancels all operations of a group that run.
    pub cancel: Option<String>,

    /// Gives servers another script.
    pub script: Option<BTreeMap<String, Script>>,
    /// Gives the provider another script.
    pub provider: Option<ProviderScript>,
    /// Stops a server as if it were killed. The program `apportion` is killed.
    pub stop: Option<String>,
    /// Lets it listen again, on the same port.
    pub serve: Option<String>,
    /// Closes all connections of a server.
    pub cut: Option<String>,
    /// Says GOAWAY on all connections of a server.
    pub goaway: Option<String>,
    /// Lets a server be silent.
    pub freeze: Option<String>,
    /// Lets it speak again.
    pub thaw: Option<String>,
    /// Sends the driver a signal: `STOP`, `CONT` or `KILL`.
    pub signal: Option<String>,
    /// Writes files of the case, by name.
    pub write: Option<BTreeMap<String, String>>,
    /// Keeps counts under names, which checks know as `was.NAME`.
    pub remember: Option<BTreeMap<String, String>>,
    /// Waits.
    pub pause_ms: Option<u64>,
    /// Waits until this holds, for at most `within_ms`.
    pub until: Option<Comparison>,
    /// Waits for the end of a group that was started.
    #[serde(rename = "await")]
    pub awaits: Option<String>,
    /// What must hold after the step.
    pub check: Vec<Comparison>,

    /// The name of the results in checks. They are `it` until the next operation, too.
    #[serde(rename = "as")]
    pub name: Option<String>,
    /// What every result must be: `ok`, `any`, or a kind of failure and maybe its reason, such as `REFUSED WINDOW_EXHAUSTED`.
    pub expect: Option<String>,
    /// How often it is done. Handles end in `.0`, `.1` and so on then.
    pub times: Option<u32>,
    /// The time between two of them. Without it all are started at once.
    pub every_ms: Option<u64>,
    /// Whether each waits for the one before.
    pub in_turn: bool,
    /// Goes on without waiting for the results, which get this name.
    pub start: Option<String>,
    /// The limit of `until`; 2000 by default.
    pub within_ms: Option<u64>,
    /// The forked process that it is for.
    pub process: Option<String>,
}

impl Step {
    /// # Errors
    /// If not exactly one thing happens.
    pub fn checked(&self) -> Result<(), String> {
        let keys = [
            self.connect.is_some(),
            self.acquire.is_some(),
            self.take.is_some(),
            self.prefetch.is_some(),
            self.permit.is_some(),
            self.put_back.is_some(),
            self.leave.is_some(),
            self.inspect.is_some(),
            self.observe.is_some(),
            self.http_open.is_some(),
            self.http.is_some(),
            self.flush.is_some(),
            self.close.is_some(),
            self.drop.is_some(),
            self.state.is_some(),
            self.fork.is_some(),
            self.block_ms.is_some(),
            self.cancel.is_some(),
            self.script.is_some(),
            self.provider.is_some(),
            self.stop.is_some(),
            self.serve.is_some(),
            self.cut.is_some(),
            self.goaway.is_some(),
            self.freeze.is_some(),
            self.thaw.is_some(),
            self.signal.is_some(),
            self.write.is_some(),
            self.remember.is_some(),
            self.pause_ms.is_some(),
            self.until.is_some(),
            self.awaits.is_some(),
        ];
        match keys.into_iter().filter(|is_set| *is_set).count() {
            0 if self.check.is_empty() => Err("nothing happens".into()),
            0 | 1 => Ok(()),
            _ => Err("more than one thing happens".into()),
        }
    }
}
