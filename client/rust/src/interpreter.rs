//! The interpreter in use: the one that the configuration chooses, or the latest signals of the workspace.

use crate::signals::{Interpret, ProviderResponse, Signals, standard};
use apportion_proto::v1::Observation;
use arc_swap::ArcSwap;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

/// What a configuration chooses. Clones share it.
#[derive(Clone)]
pub(crate) struct ChosenInterpreter(Arc<dyn Interpret>);

/// Interprets the responses that the permits of one client lead to.
#[derive(Debug)]
pub(crate) struct Interpreter {
    chosen: Option<ChosenInterpreter>,
    current: ArcSwap<VersionedSignals>,
}

/// Signals and their version, which is 0 for the standard ones.
#[derive(Debug)]
struct VersionedSignals {
    version: u32,
    signals: Signals,
}

impl Interpreter {
    pub(crate) fn new(chosen: Option<ChosenInterpreter>) -> Self {
        Self { chosen, current: ArcSwap::from_pointee(VersionedSignals { version: 0, signals: standard() }) }
    }

    /// Whether signals of this version would be used, and are not at hand. 0 means unknown.
    pub(crate) fn lacks(&self, version: u32) -> bool {
        self.chosen.is_none() && version != 0 && version != self.current.load().version
    }

    pub(crate) fn replace(&self, version: u32, signals: Signals) {
        self.current.store(Arc::new(VersionedSignals { version, signals }));
    }
}

impl Interpret for Interpreter {
    fn observations(&self, response: &ProviderResponse<'_>) -> Vec<Observation> {
        match &self.chosen {
            Some(chosen) => chosen.0.observations(response),
            None => self.current.load().signals.observations(response),
        }
    }

    fn wants_body(&self, response: &ProviderResponse<'_>) -> bool {
        match &self.chosen {
            Some(chosen) => chosen.0.wants_body(response),
            None => self.current.load().signals.wants_body(response),
        }
    }
}

impl ChosenInterpreter {
    pub(crate) fn new(interpreter: impl Interpret + 'static) -> Self {
        Self(Arc::new(interpreter))
    }
}

impl Debug for ChosenInterpreter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("an interpreter")
    }
}
