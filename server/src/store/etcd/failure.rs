//! What a failed call of etcd means for the users of the store.

use super::super::error::StoreError;
use super::super::kv::CommitOutcome;
use apportion_etcd::EtcdError;

impl From<EtcdError> for StoreError {
    fn from(error: EtcdError) -> Self {
        match error {
            EtcdError::NoSpace => Self::Full(error.to_string()),
            _ => Self::Etcd(error.to_string()),
        }
    }
}

/// What became of a transaction that failed.
pub(super) fn outcome(error: EtcdError) -> CommitOutcome {
    if error.is_certain() {
        CommitOutcome::Refused(error.into())
    } else {
        CommitOutcome::Unknown(error.to_string())
    }
}
