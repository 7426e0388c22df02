//! A transaction of the store as one of etcd.

use super::super::error::StoreError;
use super::super::kv::Transaction;
use super::keys::ClusterKeys;
use super::meta;
use apportion_etcd::TxnRequest;
use std::collections::BTreeMap;

/// Most comparisons, and most changes, of one transaction: what etcd takes unless it was told otherwise.
pub(super) const OPERATIONS_MAX: usize = 128;

/// The transaction for etcd.
///
/// # Errors
/// [`StoreError`] where no etcd takes it.
pub(super) fn request(keys: &ClusterKeys, transaction: Transaction) -> Result<TxnRequest, StoreError> {
    if let Some(error) = transaction.too_large() {
        return Err(error);
    }
    let expect = transaction.expect.iter();
    let mut comparisons: Vec<_> = expect.map(|(key, version)| keys.compared(key, *version)).collect();
    comparisons.extend(transaction.incarnation.map(|id| meta::is_history(keys, id)));
    // etcd takes each key once: the last value counts, and a value more than its deletion.
    let puts: BTreeMap<_, _> =
        transaction.puts.into_iter().map(|(key, value)| (keys.outer(&key), value)).collect();
    let deletes = transaction.deletes.iter().map(|key| keys.outer(key));
    let mut deletes: Vec<_> = deletes.filter(|key| !puts.contains_key(key)).collect();
    deletes.sort_unstable();
    deletes.dedup();
    let most = comparisons.len().max(puts.len() + deletes.len());
    if most > OPERATIONS_MAX {
        return Err(StoreError::TooManyKeys { count: most, most: OPERATIONS_MAX });
    }
    Ok(TxnRequest { comparisons, puts: puts.into_iter().collect(), deletes, lease: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_once_and_the_last_value_counts() {
        let puts = [("a", "1"), ("b", "2"), ("a", "3")];
        let puts = puts.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
        let deletes = ["c", "a", "c"].map(str::to_owned);
        let transaction =
            Transaction { puts: puts.into(), deletes: deletes.into(), ..Transaction::default() };
        let made = request(&ClusterKeys::of("x"), transaction).expect("it is small");
        let key = |name: &str| format!("/apportion/x/{name}").into_bytes();
        assert_eq!(made.puts, [(key("a"), b"3".to_vec()), (key("b"), b"2".to_vec())]);
        assert_eq!(made.deletes, [key("c")]);
    }

    #[test]
    fn a_transaction_of_more_operations_than_etcd_takes_is_refused_before_it_is_sent() {
        let deletes = |count: usize| Transaction {
            deletes: (0..count).map(|number| number.to_string()).collect(),
            ..Transaction::default()
        };
        assert!(request(&ClusterKeys::of("x"), deletes(OPERATIONS_MAX)).is_ok());
        let error = StoreError::TooManyKeys { count: 129, most: 128 };
        assert_eq!(request(&ClusterKeys::of("x"), deletes(129)), Err(error));
    }
}
