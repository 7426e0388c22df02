//! The upgrades of the file from each format to the next. Never changed once released; only added to.

use super::super::catalog::{WORKSPACES, policy_key};
use super::super::error::StoreError;
use super::super::record::{claim_key, encode_claim, encode_marks, former, marks_key};
use super::layout::{self, ENTRIES, META};
use redb::{ReadableTable, WriteTransaction};

/// From format 1 to 2: the one record of a shard becomes its claim and the marks of each workspace, and every workspace gets a
/// revision of its policy.
pub(super) fn to_claims_and_marks(writing: &WriteTransaction) -> Result<(), StoreError> {
    let mut meta = writing.open_table(META)?;
    let version = layout::commits(&meta)? + 1;
    layout::set_commits(&mut meta, version)?;
    let mut entries = writing.open_table(ENTRIES)?;
    let (mut puts, mut deletes) = (Vec::new(), Vec::new());
    for entry in entries.iter()? {
        let (key, value) = entry?;
        let key = key.value();
        if let Some(number) = key.strip_prefix(former::PREFIX) {
            let (_, value) = layout::unpacked(value.value())?;
            puts.extend(split(number, value).map_err(|why| StoreError::Damaged(format!("{key}: {why}")))?);
            deletes.push(key.to_owned());
        } else if let Some(workspace) = key.strip_prefix(WORKSPACES) {
            puts.push((policy_key(workspace), Vec::new()));
        }
    }
    for key in deletes {
        entries.remove(key.as_str())?;
    }
    for (key, value) in puts {
        entries.insert(key.as_str(), layout::packed(version, &value).as_slice())?;
    }
    Ok(())
}

/// What stands for the former record of the shard with this number.
fn split(number: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let shard: u16 = number.parse().map_err(|_| "its key has no number of a shard".to_owned())?;
    let (claim, all) = former::split(bytes).map_err(|error| error.to_string())?;
    let mut puts = vec![(claim_key(shard), encode_claim(&claim))];
    puts.extend(all.iter().map(|marks| (marks_key(shard, &marks.workspace), encode_marks(marks))));
    Ok(puts)
}
