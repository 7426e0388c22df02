//! What a host writes, as a transaction of the store.

use crate::store::{Transaction, catalog, record};
use apportion_core::ledger::{Compare, Put, Swap, Version};

/// The transaction that carries out a swap.
pub(super) fn transaction(swap: Swap) -> Transaction {
    let mut transaction = Transaction::default();
    for compare in swap.compare {
        let (key, version) = match compare {
            Compare::Incarnation(incarnation) => {
                transaction.incarnation = Some(incarnation);
                continue;
            }
            Compare::Claim(shard, version) => (record::claim_key(shard), version),
            Compare::Marks(shard, workspace, version) => (record::marks_key(shard, &workspace), version),
            Compare::Policy(workspace, version) => (catalog::policy_key(workspace.as_str()), Some(version)),
        };
        transaction.expect.push((key, version.map(|Version(version)| version)));
    }
    for put in swap.puts {
        transaction.puts.push(match put {
            Put::Claim(shard, claim) => (record::claim_key(shard), record::encode_claim(&claim)),
            Put::Marks(shard, marks) => {
                (record::marks_key(shard, &marks.workspace), record::encode_marks(&marks))
            }
        });
    }
    transaction
}
