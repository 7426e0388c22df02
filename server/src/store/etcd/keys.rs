//! Where the keys of a cluster lie in etcd: below a prefix that no other cluster's keys share.

use super::super::kv::{Entry, StoreVersion};
use apportion_etcd::Comparison;
use apportion_etcd::api::KeyValue;

/// The longest name of a cluster, in bytes.
pub const CLUSTER_LONGEST: usize = 63;

/// The prefix of one cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ClusterKeys {
    prefix: String,
}

impl ClusterKeys {
    /// The keys of the cluster of this name, which holds no `/`.
    pub(super) fn of(cluster: &str) -> Self {
        Self { prefix: format!("/apportion/{cluster}/") }
    }

    /// A key as etcd knows it.
    pub(super) fn outer(&self, key: &str) -> Vec<u8> {
        format!("{}{key}", self.prefix).into_bytes()
    }

    /// A key of etcd as the store knows it; `None` where it is no key of this cluster.
    pub(super) fn inner(&self, key: &[u8]) -> Option<String> {
        let key = key.strip_prefix(self.prefix.as_bytes())?;
        String::from_utf8(key.to_vec()).ok()
    }

    /// That a key has this version, or is absent.
    pub(super) fn compared(&self, key: &str, version: Option<StoreVersion>) -> Comparison {
        // No revision of etcd is that high: nothing bears it.
        let revision = version.map_or(0, |version| i64::try_from(version).unwrap_or(i64::MAX));
        Comparison::Revision(self.outer(key), revision)
    }

    /// An entry as the store knows it.
    pub(super) fn entry(&self, found: KeyValue) -> Option<Entry> {
        let key = self.inner(&found.key)?;
        Some(Entry { key, value: found.value, version: found.mod_revision.unsigned_abs() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_does_not_see_the_keys_of_one_whose_name_starts_alike() {
        let keys = ClusterKeys::of("blue");
        assert_eq!(keys.outer("a/b"), b"/apportion/blue/a/b");
        assert_eq!(keys.inner(b"/apportion/blue/a/b"), Some("a/b".into()));
        assert_eq!(
            [b"/apportion/blue2/a".as_slice(), b"/apportion/blu", b"a"].map(|key| keys.inner(key)),
            [None, None, None]
        );
        assert_eq!(keys.inner(b"/apportion/blue/\xff"), None);
    }
}
