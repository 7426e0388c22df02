//! The calls that are no streams: read, list, transactions, leases, status.

use crate::api::compare::{CompareTarget, TargetUnion};
use crate::api::kv_client::KvClient;
use crate::api::lease_client::LeaseClient;
use crate::api::maintenance_client::MaintenanceClient;
use crate::api::request_op::Request as Operation;
use crate::api::{
    Compare, DeleteRangeRequest, KeyValue, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, RangeRequest,
    RequestOp, StatusRequest, StatusResponse, TxnRequest as TxnMessage,
};
use crate::client::EtcdClient;
use crate::error::EtcdError;

/// The longest answer, in bytes: a page of values as long as etcd takes them.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// What must be so for a transaction to be carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// The key was last changed at this revision; 0: there is no such key.
    Revision(Vec<u8>, i64),
    /// The key has this value.
    Value(Vec<u8>, Vec<u8>),
}

/// A transaction. No key may be written twice in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TxnRequest {
    /// What must be so.
    pub comparisons: Vec<Comparison>,
    /// Keys with their new values.
    pub puts: Vec<(Vec<u8>, Vec<u8>)>,
    /// Keys that go.
    pub deletes: Vec<Vec<u8>>,
    /// The lease that the values are bound to; 0: none.
    pub lease: i64,
}

/// What became of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Written {
    /// Whether it was carried out: everything was as it must be.
    pub is_done: bool,
    /// The revision that it made; where it was not carried out, the one at which it was looked at.
    pub revision: i64,
}

/// Keys in order.
#[derive(Clone, PartialEq, Debug)]
pub struct Listed {
    /// The entries.
    pub entries: Vec<KeyValue>,
    /// Whether there are more in the range.
    pub has_more: bool,
    /// The revision of the store when it was read.
    pub revision: i64,
    /// The id of the cluster that answered.
    pub cluster: u64,
}

/// The end of the range of all keys that start with `prefix`.
pub fn range_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    // All keys from the prefix on.
    vec![0]
}

impl EtcdClient {
    /// The keys from `from` up to but not including `end`, `most` at most, as of a revision; 0: as of now. An empty end: `from` alone.
    ///
    /// # Errors
    /// [`EtcdError`].
    pub async fn range(
        &self,
        from: Vec<u8>,
        end: Vec<u8>,
        most: i64,
        revision: i64,
    ) -> Result<Listed, EtcdError> {
        let request = RangeRequest { key: from, range_end: end, limit: most, revision };
        let answer = self
            .confirmed(
                request,
                true,
                async |channel, request| kv(channel).range(request).await,
                |answer| answer.header.as_ref(),
            )
            .await?;
        let header = answer.header.unwrap_or_default();
        Ok(Listed {
            entries: answer.kvs,
            has_more: answer.more,
            revision: header.revision,
            cluster: header.cluster_id,
        })
    }

    /// Carries a transaction out, once.
    ///
    /// # Errors
    /// [`EtcdError`]; where it is not [certain](EtcdError::is_certain), only reading back tells whether it was carried out.
    pub async fn txn(&self, transaction: TxnRequest) -> Result<Written, EtcdError> {
        let answer = self
            .confirmed(
                message(transaction),
                false,
                async |channel, request| kv(channel).txn(request).await,
                |answer| answer.header.as_ref(),
            )
            .await?;
        let revision = answer.header.unwrap_or_default().revision;
        Ok(Written { is_done: answer.succeeded, revision })
    }

    /// Makes a lease that ends after `ttl_seconds` without a keep-alive. Returns its id.
    ///
    /// # Errors
    /// [`EtcdError`]; a lease that was made all the same ends by itself.
    pub async fn grant_lease(&self, ttl_seconds: i64) -> Result<i64, EtcdError> {
        let request = LeaseGrantRequest { ttl: ttl_seconds, id: 0 };
        Ok(self
            .call(request, true, async |channel, request| {
                LeaseClient::new(channel).lease_grant(request).await
            })
            .await?
            .id)
    }

    /// Ends a lease: what is bound to it goes.
    ///
    /// # Errors
    /// [`EtcdError`].
    pub async fn revoke_lease(&self, id: i64) -> Result<(), EtcdError> {
        self.call(LeaseRevokeRequest { id }, true, async |channel, request| {
            LeaseClient::new(channel).lease_revoke(request).await
        })
        .await
        .map(|_| ())
    }

    /// What the member that is asked now says of itself.
    ///
    /// # Errors
    /// [`EtcdError`].
    pub async fn status(&self) -> Result<StatusResponse, EtcdError> {
        self.call(StatusRequest {}, true, async |channel, request| {
            MaintenanceClient::new(channel).status(request).await
        })
        .await
    }
}

fn kv(channel: tonic::transport::Channel) -> KvClient<tonic::transport::Channel> {
    KvClient::new(channel).max_decoding_message_size(ANSWER_BYTES_MAX)
}

fn message(transaction: TxnRequest) -> TxnMessage {
    let lease = transaction.lease;
    let compare = transaction.comparisons.into_iter().map(|comparison| {
        let (key, target, union) = match comparison {
            Comparison::Revision(key, revision) => {
                (key, CompareTarget::Mod, TargetUnion::ModRevision(revision))
            }
            Comparison::Value(key, value) => (key, CompareTarget::Value, TargetUnion::Value(value)),
        };
        Compare { target: target.into(), key, target_union: Some(union), ..Compare::default() }
    });
    let puts = transaction.puts.into_iter();
    let puts = puts.map(|(key, value)| Operation::RequestPut(PutRequest { key, value, lease }));
    let deletes = transaction.deletes.into_iter();
    let deletes = deletes.map(|key| Operation::RequestDeleteRange(DeleteRangeRequest { key }));
    let success = puts.chain(deletes).map(|operation| RequestOp { request: Some(operation) });
    TxnMessage { compare: compare.collect(), success: success.collect() }
}

#[cfg(test)]
mod tests {
    use super::range_end;

    #[test]
    fn a_range_ends_after_the_last_key_with_its_prefix() {
        assert_eq!(range_end(b"/a/"), b"/a0");
        assert_eq!(range_end(&[1, 255]), [2]);
        assert_eq!(range_end(&[255, 255]), [0], "etcd: all keys from the first on");
    }
}
