//! What earlier programs wrote: one record for all workspaces of a shard. It is read once, when a store is upgraded.

use super::super::format;
use super::error::RecordError;
use super::read;
use apportion_core::facts::Basis;
use apportion_core::ids::{LimitId, NodeId, WorkspaceId};
use apportion_core::ledger::{Claim, Mark, MarkKey, Marks, Spent};
use apportion_core::time::{Span, Timestamp};
use prost::Message;
use std::collections::BTreeMap;

/// What the keys of those records start with.
pub(in crate::store) const PREFIX: &str = "shard/";
/// The version of their bytes.
const VERSION: u8 = 2;
/// The version without accounts.
const WITHOUT_ACCOUNTS: u8 = 1;

/// Takes such a record apart: the claim of the shard, and the marks of each workspace.
///
/// # Errors
/// [`RecordError`] where the bytes hold none.
pub(in crate::store) fn split(bytes: &[u8]) -> Result<(Claim, Vec<Marks>), RecordError> {
    let (&found, bytes) = bytes.split_first().ok_or(RecordError::Empty)?;
    if found != VERSION && found != WITHOUT_ACCOUNTS {
        return Err(RecordError::Version { found, known: VERSION });
    }
    let message = format::ShardMessage::decode(bytes)?;
    let claim = Claim {
        epoch: message.epoch,
        owner: NodeId::new(&message.owner)?,
        nonce: read::number(&message.nonce)?,
        incarnation: read::number(&message.incarnation)?,
        known_from: Timestamp::from_ns(message.known_from),
        spent_before: Timestamp::from_ns(message.spent_before),
    };
    let mut all = BTreeMap::new();
    for format::LimitMessage { workspace, limit, marks, learned } in message.limits {
        read::limit(format::MarkedLimitMessage { limit, marks, learned }, of(&workspace, &mut all)?)?;
    }
    for account in message.accounts {
        let format::AccountMessage { workspace, shape, former, past, exhausted } = account;
        of(&workspace, &mut all)?.account = read::account(shape, [former, past, exhausted])?;
    }
    if found == WITHOUT_ACCOUNTS {
        all.values_mut().for_each(add_account);
    }
    // Accounts keep to their bound from now on.
    all.values_mut().for_each(|marks| marks.clean_up(Timestamp::ZERO));
    Ok((claim, all.into_values().collect()))
}

/// The marks of a workspace.
fn of<'a>(workspace: &str, all: &'a mut BTreeMap<WorkspaceId, Marks>) -> Result<&'a mut Marks, RecordError> {
    let workspace = WorkspaceId::new(workspace)?;
    Ok(all.entry(workspace.clone()).or_insert_with(|| Marks::first(workspace)))
}

/// Adds the account of a workspace to a record of the version without them. It does not say where windows lay, so what the marks of
/// the shortest ones stand for goes into the account; nor of which limits something was learned, so that is learned again.
fn add_account(marks: &mut Marks) {
    let length = |(key, mark): (&MarkKey, &Mark)| mark.window_end.since(key.window_start);
    let shortest = marks.marks.iter().map(|mark| (length(mark), mark.0.limit.clone())).min();
    let shortest: Option<LimitId> = shortest.map(|(_, limit): (Span, _)| limit);
    for (key, mark) in std::mem::take(&mut marks.marks) {
        if shortest.as_ref() == Some(&key.limit) {
            let spent = Spent { from: key.window_start, until: mark.window_end, permits: mark.hi };
            marks.account.former.push(spent.into());
        }
    }
    for learned in marks.learned.values_mut() {
        learned.basis = Some(Basis::default());
    }
}
