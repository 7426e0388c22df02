//! What the store records of itself: its format, how many shards it has, the id of its history, and in which etcd that was begun.
//!
//! A history ends where etcd holds less than it held before. Each process notices that by itself: at its start, where etcd has
//! another cluster id than the one that is recorded; while it runs, also where etcd's revision or term went back. It then records a
//! new id, so that every write under the old one fails, whoever makes it.
//!
//! A new store has the claims of all its shards, of nobody: so no backup lacks one, and a shard that nobody has served yet is not taken
//! for one whose windows a restored store has forgotten.

use super::super::error::StoreError;
use super::super::record::{claim_key, encode_claim};
use super::keys::ClusterKeys;
use super::link::EtcdLink;
use apportion_core::ids::NodeId;
use apportion_core::ledger::Claim;
use apportion_etcd::api::KeyValue;
use apportion_etcd::{Comparison, EtcdError, TxnRequest, range_end};
use std::sync::atomic::Ordering;

/// The newest format that this program knows.
const FORMAT: u64 = 1;
/// How many shards a new store has.
const SHARDS: u16 = 64;
/// How often another process may be first before this one gives up.
const ATTEMPTS: usize = 8;

/// The owner of a shard that nobody has served yet.
const NOBODY: &str = "nobody";

const META: &str = "meta/";
const FORMAT_KEY: &str = "meta/format";
const SHARDS_KEY: &str = "meta/shards";
const INCARNATION_KEY: &str = "meta/incarnation";
const ETCD_KEY: &str = "meta/etcd";

/// What is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Meta {
    pub(super) shards: u16,
    pub(super) incarnation: u128,
    /// Whether this process has recorded it first.
    pub(super) is_new: bool,
}

/// The store has this history.
pub(super) fn is_history(keys: &ClusterKeys, incarnation: u128) -> Comparison {
    Comparison::Value(keys.outer(INCARNATION_KEY), format!("{incarnation:032x}").into_bytes())
}

/// What is recorded; a new store is filled, and a history that etcd has lost is ended.
pub(super) async fn open(link: &EtcdLink) -> Result<Meta, StoreError> {
    if link.client.has_other_history() {
        // Remembered until another one is recorded, whatever fails before.
        link.has_lost.store(true, Ordering::SeqCst);
        link.client.accept();
    }
    let mut is_new = false;
    for _ in 0..ATTEMPTS {
        let prefix = link.keys.outer(META);
        let end = range_end(&prefix);
        let listed = link.client.range(prefix, end, 0, 0).await?;
        let found = Found { keys: &link.keys, entries: &listed.entries };
        if listed.entries.is_empty() {
            is_new = fill(link, listed.cluster).await? == Write::Done;
            continue;
        }
        let format = found.number(FORMAT_KEY, 10)?;
        if format > u128::from(FORMAT) {
            let format = u64::try_from(format).unwrap_or(u64::MAX);
            return Err(StoreError::NewerFormat { found: format, known: FORMAT });
        }
        let has_lost = link.has_lost.load(Ordering::SeqCst);
        if !has_lost && found.number(ETCD_KEY, 16)? == u128::from(listed.cluster) {
            return Ok(Meta {
                shards: found.shards()?,
                incarnation: found.number(INCARNATION_KEY, 16)?,
                is_new,
            });
        }
        let written = begin_another(link, listed.cluster, found.version(INCARNATION_KEY)).await?;
        if written != Write::Unknown {
            // This process has recorded another one, or one that read it after this one did.
            link.has_lost.store(false, Ordering::SeqCst);
        }
    }
    Err(StoreError::Etcd("other processes keep changing what the store records of itself".into()))
}

/// Records a new store.
async fn fill(link: &EtcdLink, cluster: u64) -> Result<Write, StoreError> {
    let incarnation = random()?;
    let mut fill = history(link, cluster, incarnation);
    fill.comparisons = vec![link.keys.compared(FORMAT_KEY, None)];
    let numbers = [(FORMAT_KEY, FORMAT.to_string()), (SHARDS_KEY, SHARDS.to_string())];
    fill.puts.extend(numbers.map(|(key, value)| (link.keys.outer(key), value.into_bytes())));
    let nobody = NodeId::new(NOBODY).unwrap_or_else(|_| unreachable!("it is a name"));
    let claim = encode_claim(&Claim::first(nobody, 0, incarnation));
    fill.puts.extend((0..SHARDS).map(|shard| (link.keys.outer(&claim_key(shard)), claim.clone())));
    write(link, fill).await
}

/// Ends the history that is recorded, and begins one of this etcd.
async fn begin_another(link: &EtcdLink, cluster: u64, version: Option<u64>) -> Result<Write, StoreError> {
    let mut begin = history(link, cluster, random()?);
    begin.comparisons = vec![link.keys.compared(INCARNATION_KEY, version)];
    let written = write(link, begin).await?;
    if written == Write::Done {
        tracing::error!(
            "etcd was restored from a backup, or is another one: every open window counts as spent"
        );
    }
    Ok(written)
}

/// The record of a history that begins now.
fn history(link: &EtcdLink, cluster: u64, incarnation: u128) -> TxnRequest {
    let id = [(INCARNATION_KEY, format!("{incarnation:032x}")), (ETCD_KEY, format!("{cluster:016x}"))];
    let puts = id.map(|(key, value)| (link.keys.outer(key), value.into_bytes()));
    TxnRequest { puts: puts.into(), ..TxnRequest::default() }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Write {
    Done,
    Conflict,
    /// Only reading back tells.
    Unknown,
}

async fn write(link: &EtcdLink, request: TxnRequest) -> Result<Write, StoreError> {
    match link.client.txn(request).await {
        Ok(written) if written.is_done => Ok(Write::Done),
        Ok(_) => Ok(Write::Conflict),
        Err(EtcdError::Unknown(_)) => Ok(Write::Unknown),
        Err(error) => Err(error.into()),
    }
}

fn random() -> Result<u128, StoreError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::Etcd(format!("no random number: {error}")))?;
    Ok(u128::from_be_bytes(id))
}

/// The entries of one answer.
struct Found<'a> {
    keys: &'a ClusterKeys,
    entries: &'a [KeyValue],
}

impl Found<'_> {
    fn of(&self, key: &str) -> Option<&KeyValue> {
        let key = self.keys.outer(key);
        self.entries.iter().find(|entry| entry.key == key)
    }

    fn version(&self, key: &str) -> Option<u64> {
        self.of(key).map(|entry| entry.mod_revision.unsigned_abs())
    }

    fn shards(&self) -> Result<u16, StoreError> {
        let shards = u16::try_from(self.number(SHARDS_KEY, 10)?).ok().filter(|&shards| shards > 0);
        shards.ok_or_else(|| StoreError::Damaged(format!("`{SHARDS_KEY}` is no number of shards")))
    }

    fn number(&self, key: &str, radix: u32) -> Result<u128, StoreError> {
        let text = self.of(key).and_then(|entry| std::str::from_utf8(&entry.value).ok());
        let number = text.and_then(|text| u128::from_str_radix(text, radix).ok());
        number.ok_or_else(|| StoreError::Damaged(format!("`{key}` is missing, or no number")))
    }
}
