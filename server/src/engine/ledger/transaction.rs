//! The write of a shard's record, as a transaction of the store.

use crate::store::{Transaction, catalog, record};
use apportion_core::ledger::{Guard, ShardRecord, Version};

/// The write of a record, with all that must hold beside it.
pub(super) fn transaction(
    number: u16,
    expected: Option<Version>,
    new: &ShardRecord,
    guards: Vec<Guard>,
) -> Transaction {
    let key = record::key(number);
    let mut transaction = Transaction {
        expect: vec![(key.clone(), expected.map(|Version(version)| version))],
        puts: vec![(key, record::encode(new))],
        ..Transaction::default()
    };
    for guard in guards {
        match guard {
            Guard::Incarnation(incarnation) => transaction.incarnation = Some(incarnation),
            Guard::Policy(workspace, Version(version)) => {
                transaction.expect.push((catalog::workspace_key(workspace.as_str()), Some(version)));
            }
        }
    }
    transaction
}
