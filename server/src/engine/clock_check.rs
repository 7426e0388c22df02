//! Checks the clock a few times a second. A step stops every grant; once the clock is steady, every workspace opens again.

use super::command::{Command, LedgerHandle};
use super::registry::WorkspaceRegistry;
use crate::clock::{Clock, ClockCheck};
use crate::error::Error;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How often the clock is checked.
const INTERVAL: Duration = Duration::from_millis(200);

/// Checks until the workspaces are gone.
pub(super) async fn run(clock: Arc<Clock>, registry: Weak<WorkspaceRegistry>, ledger: LedgerHandle) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(registry) = registry.upgrade() else { return };
        match clock.check() {
            ClockCheck::Same => {}
            ClockCheck::Stepped => {
                tracing::error!("the wall clock stepped: nothing is granted until it is steady");
                registry.for_each(|workspace| workspace.close(&Error::ClockUnsteady));
            }
            ClockCheck::Anchored => ledger.send(Command::Reanchor),
        }
    }
}
