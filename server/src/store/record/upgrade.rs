//! The versions of a record's bytes, and how an older record becomes one of this version.

use apportion_core::facts::Basis;
use apportion_core::ids::{LimitId, WorkspaceId};
use apportion_core::ledger::{Mark, MarkKey, ShardRecord, Spent};
use apportion_core::time::Span;
use std::collections::BTreeMap;

/// The version of the bytes that this program writes. An older one is read as well; a newer one is refused.
pub(super) const VERSION: u8 = 2;
/// The version without accounts.
pub(super) const WITHOUT_ACCOUNTS: u8 = 1;

/// Adds accounts to a record of the version without them. It does not say where windows lay, so what the marks of the shortest ones
/// stand for goes into accounts; nor of which limits something was learned, so that is learned again.
pub(super) fn add_accounts(record: &mut ShardRecord) {
    let length = |key: &MarkKey, mark: &Mark| mark.window_end.since(key.window_start);
    let mut shortest: BTreeMap<WorkspaceId, (Span, LimitId)> = BTreeMap::new();
    for (key, mark) in &record.marks {
        let this = (length(key, mark), key.limit.clone());
        let known = shortest.entry(key.workspace.clone()).or_insert_with(|| this.clone());
        *known = this.min(known.clone());
    }
    for (key, mark) in std::mem::take(&mut record.marks) {
        if shortest.get(&key.workspace).is_some_and(|(_, limit)| *limit == key.limit) {
            let spent = Spent { from: key.window_start, until: mark.window_end, permits: mark.hi };
            record.accounts.entry(key.workspace).or_default().former.push(spent.into());
        }
    }
    for learned in record.learned.values_mut() {
        learned.basis = Some(Basis::default());
    }
}
