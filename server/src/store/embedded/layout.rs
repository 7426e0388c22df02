//! How the store lies in the database: two tables, and a value behind its version.

use super::super::error::StoreError;
use super::super::kv::StoreVersion;
use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition};

/// Key to version and value.
pub(super) const ENTRIES: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("entries");
/// What is known of the store itself.
pub(super) const META: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("meta");

/// How many shards a new store has.
pub(super) const SHARDS: u16 = 64;

const FORMAT: &str = "format";
const INCARNATION: &str = "incarnation";
const COMMITS: &str = "commits";
const SHARD_COUNT: &str = "shards";

type Meta<'txn> = Table<'txn, &'static str, &'static [u8]>;

/// A value behind its version.
pub(super) fn packed(version: StoreVersion, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + value.len());
    bytes.extend(version.to_be_bytes());
    bytes.extend(value);
    bytes
}

/// The version and the value.
pub(super) fn unpacked(bytes: &[u8]) -> Result<(StoreVersion, &[u8]), StoreError> {
    let (version, value) =
        bytes.split_first_chunk().ok_or_else(|| StoreError::Damaged("a value without a version".into()))?;
    Ok((u64::from_be_bytes(*version), value))
}

/// A number of the store itself, big-endian; nothing where it was never set.
fn number<const BYTES: usize>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<Option<[u8; BYTES]>, StoreError> {
    let Some(value) = meta.get(name)? else { return Ok(None) };
    let bytes = value.value().try_into();
    Ok(Some(bytes.map_err(|_| StoreError::Damaged(format!("`{name}` is no number of {BYTES} bytes")))?))
}

fn needed<const BYTES: usize>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<[u8; BYTES], StoreError> {
    number(meta, name)?.ok_or_else(|| StoreError::Damaged(format!("`{name}` is missing")))
}

pub(super) fn incarnation(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
) -> Result<u128, StoreError> {
    needed(meta, INCARNATION).map(u128::from_be_bytes)
}

/// How many transactions were ever carried out: the version of the last one.
pub(super) fn commits(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u64, StoreError> {
    needed(meta, COMMITS).map(u64::from_be_bytes)
}

pub(super) fn set_commits(meta: &mut Meta<'_>, commits: u64) -> Result<(), StoreError> {
    meta.insert(COMMITS, commits.to_be_bytes().as_slice())?;
    Ok(())
}

pub(super) fn format(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u64, StoreError> {
    needed(meta, FORMAT).map(u64::from_be_bytes)
}

pub(super) fn set_format(meta: &mut Meta<'_>, format: u64) -> Result<(), StoreError> {
    meta.insert(FORMAT, format.to_be_bytes().as_slice())?;
    Ok(())
}

/// Begins another history, under an id that no other store has.
pub(super) fn set_new_incarnation(meta: &mut Meta<'_>) -> Result<(), StoreError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::Io(format!("no random number: {error}")))?;
    meta.insert(INCARNATION, id.as_slice())?;
    Ok(())
}

pub(super) fn shards(database: &Database) -> Result<u16, StoreError> {
    let meta = database.begin_read()?.open_table(META)?;
    needed(&meta, SHARD_COUNT).map(u16::from_be_bytes)
}

/// Fills an empty database.
pub(super) fn fill(database: &Database, newest: u64) -> Result<(), StoreError> {
    let writing = database.begin_write()?;
    {
        let mut meta = writing.open_table(META)?;
        set_format(&mut meta, newest)?;
        set_commits(&mut meta, 0)?;
        set_new_incarnation(&mut meta)?;
        meta.insert(SHARD_COUNT, SHARDS.to_be_bytes().as_slice())?;
        writing.open_table(ENTRIES)?;
    }
    Ok(writing.commit()?)
}
