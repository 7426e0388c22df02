//! The figures of all workspaces: read a few workspaces at a time, with a pause in between for requests.

use super::scrape::Pieces;
use crate::engine::{Engine, Refusals, Snapshot, TeamWaits, WaitSummary};
use crate::error::Error;
use apportion_core::allocator::{LimitNow, TeamNow};
use apportion_core::ids::WorkspaceId;
use apportion_core::priority::Priority;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Workspaces that are read in one go.
const READ_AT_ONCE: usize = 64;
/// Workspaces whose figures are freed in one go.
const FREED_AT_ONCE: usize = 1_024;
/// The pause after each.
const PAUSE: Duration = Duration::from_millis(1);

/// The figures of all workspaces, in order of id, at about one instant.
pub(super) type All = Vec<(WorkspaceId, Figures)>;

/// What metrics show of a workspace: a small part of its snapshot.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) limits: Vec<LimitNow>,
    pub(super) teams: Vec<(TeamNow, Vec<(Priority, WaitSummary)>)>,
    pub(super) waiting_requests: usize,
    pub(super) refusals: Refusals,
    pub(super) trouble: Option<Error>,
}

impl From<Snapshot> for Figures {
    fn from(now: Snapshot) -> Self {
        let by_priority = |waits: TeamWaits| {
            let all = Priority::ALL.into_iter().zip(waits.0);
            all.filter_map(|(priority, summary)| Some((priority, summary?))).collect()
        };
        let teams = now.teams.into_iter().map(|(team, waits)| (team, by_priority(waits))).collect();
        let Snapshot { limits, waiting_requests, refusals, trouble, .. } = now;
        Self { limits, teams, waiting_requests, refusals, trouble }
    }
}

/// Reads the figures of every workspace that this node serves.
///
/// # Errors
/// Where the text is not to be written any more.
pub(super) fn read(engine: &Engine, pieces: &Pieces) -> Result<All, fmt::Error> {
    let mut ids = engine.workspaces();
    ids.sort_unstable();
    let mut all = All::with_capacity(ids.len());
    for some in ids.chunks(READ_AT_ONCE) {
        if !all.is_empty() {
            pieces.pause(PAUSE)?;
        }
        // Those of another node's workspaces are that node's.
        let here =
            |id| engine.figures(id).ok().filter(|now| !matches!(now.trouble, Some(Error::NotOwner { .. })));
        all.extend(some.iter().filter_map(|id| Some((id.clone(), here(id)?.into()))));
    }
    Ok(all)
}

/// Frees the figures, in pieces too: to free many at once takes as long as to read them.
///
/// # Errors
/// Where the text is not to be written any more.
pub(super) fn free(all: &Mutex<All>, pieces: &Pieces) -> fmt::Result {
    let mut all = std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner));
    while !all.is_empty() {
        all.truncate(all.len().saturating_sub(FREED_AT_ONCE));
        pieces.pause(PAUSE)?;
    }
    Ok(())
}
