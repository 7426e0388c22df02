//! The audit: numbered entries without a gap, the oldest of which go as new ones come.

use super::super::format;
use super::super::kv::Transaction;
use super::documents::Catalog;
use super::error::CatalogError;
use super::keys::{AUDIT_PREFIX, AUDIT_SPAN, audit_key};
use super::stored;
use apportion_proto::v1::AuditEntry;
use prost::Message;

/// How many entries are kept unless the configuration says otherwise.
pub const AUDIT_KEPT: u64 = 100_000;
/// Most entries of one page.
pub const AUDIT_PAGE_MAX: u64 = 1_000;
/// Most entries that go with one that comes: where the configuration now keeps fewer, they go little by little.
const DELETED_MAX: u64 = 64;

/// The name of an entry.
fn name(number: u64) -> String {
    format!("auditEntries/{number}")
}

impl Catalog {
    /// The audit entries before the number `before`, the newest first, each with its number, `most` at most and
    /// [`AUDIT_PAGE_MAX`]. All there are where `before` is absent. None is left where the page is empty. One that cannot be read has
    /// its name alone.
    ///
    /// # Errors
    /// [`CatalogError`] where the store cannot be read.
    pub fn audit(&self, before: Option<u64>, most: u64) -> Result<Vec<(u64, AuditEntry)>, CatalogError> {
        let (span, _) = self.span()?;
        let end = before.unwrap_or(span.next).min(span.next);
        let start = end.saturating_sub(most.min(AUDIT_PAGE_MAX)).max(span.oldest);
        let Some(count) = end.checked_sub(start).filter(|&count| count > 0) else { return Ok(Vec::new()) };
        let after = start.checked_sub(1).map(audit_key);
        // Numbers have no gap, so a page backwards is a page forwards from where it starts.
        let entries =
            self.store.scan(AUDIT_PREFIX, after.as_deref(), usize::try_from(count).unwrap_or(usize::MAX))?;
        let mut page = Vec::with_capacity(entries.len());
        for entry in entries.into_iter().rev() {
            let Some(number) = entry.key.strip_prefix(AUDIT_PREFIX).and_then(|number| number.parse().ok())
            else {
                tracing::error!(key = entry.key, "an entry of the audit has no number");
                continue;
            };
            // Entries may go while the page is read; nothing after its end belongs to it.
            if number < end {
                let read = stored::read(entry).map(|stored| stored.value).unwrap_or_else(|error| {
                    tracing::error!(%error, "an entry of the audit cannot be read");
                    AuditEntry { name: name(number), ..AuditEntry::default() }
                });
                page.push((number, read));
            }
        }
        Ok(page)
    }

    /// Adds the entry to the transaction under the next number, and takes the oldest out that are too many.
    pub(super) fn add_audit(
        &self,
        mut entry: AuditEntry,
        transaction: &mut Transaction,
    ) -> Result<(), CatalogError> {
        let (mut span, version) = self.span()?;
        entry.name = name(span.next);
        transaction.expect.push((AUDIT_SPAN.into(), version));
        transaction.puts.push((audit_key(span.next), entry.encode_to_vec()));
        span.next += 1;
        let first_kept = span.next.saturating_sub(self.audit_kept);
        for _ in 0..DELETED_MAX {
            if span.oldest >= first_kept {
                break;
            }
            transaction.deletes.push(audit_key(span.oldest));
            span.oldest += 1;
        }
        transaction.puts.push((AUDIT_SPAN.into(), span.encode_to_vec()));
        Ok(())
    }

    fn span(&self) -> Result<(format::AuditSpan, Option<u64>), CatalogError> {
        match self.store.read(AUDIT_SPAN)? {
            Some(entry) => stored::read(entry).map(|stored| (stored.value, Some(stored.version))),
            None => Ok((format::AuditSpan { oldest: 1, next: 1 }, None)),
        }
    }
}
