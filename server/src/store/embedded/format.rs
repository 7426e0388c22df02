//! The format of the file: which one this program writes, and how an older file gets there.

use super::super::error::StoreError;
use super::layout::{self, META};
use super::upgrade;
use redb::{Database, ReadableDatabase, WriteTransaction};

/// Changes a store of one format into one of the next.
type Upgrade = fn(&WriteTransaction) -> Result<(), StoreError>;

/// `UPGRADES[n]` leads from format n + 1 to format n + 2. Never changed once released; only added to.
const UPGRADES: [Upgrade; 1] = [upgrade::to_claims_and_marks];

/// The format that this program reads and writes.
pub const FORMAT: u64 = 2;

/// Brings the store to the format of this program, in one transaction.
pub(super) fn upgrade(database: &Database) -> Result<(), StoreError> {
    upgrade_by(database, &UPGRADES)
}

/// Carries out the upgrades that are still missing.
pub(super) fn upgrade_by(database: &Database, upgrades: &[Upgrade]) -> Result<(), StoreError> {
    let known = upgrades.iter().fold(1, |format, _| format + 1);
    let found = layout::format(&database.begin_read()?.open_table(META)?)?;
    if found > known {
        return Err(StoreError::NewerFormat { found, known });
    }
    if found == known {
        return Ok(());
    }
    let done = found.checked_sub(1).and_then(|done| usize::try_from(done).ok());
    let done = done.ok_or_else(|| StoreError::Damaged(format!("there is no format {found}")))?;
    let writing = database.begin_write()?;
    for upgrade in &upgrades[done..] {
        upgrade(&writing)?;
    }
    layout::set_format(&mut writing.open_table(META)?, known)?;
    Ok(writing.commit()?)
}
