//! The audit log: entries by resource and time, newest first.

use super::change_error::catalog_error;
use super::list::Page;
use super::policies::Policies;
use crate::convert::field::text;
use crate::convert::names::page_token;
use crate::convert::time::instant;
use crate::error::Error;
use crate::service::authorize::Identity;
use apportion_core::time::Timestamp;
use apportion_proto::v1;
use prost::Message;

/// The longest resource to filter by, in bytes.
const RESOURCE_LONGEST: usize = 256;
/// Most entries that one call reads: where few of them match, it returns few, and a next page.
const READ_MAX: usize = 5_000;
/// Entries that are read at once.
const READ: u64 = 200;
/// Most bytes of a page.
const PAGE_BYTES: usize = 1 << 20;

/// Which entries a call lists.
struct Filter {
    resource: String,
    start: Timestamp,
    end: Timestamp,
}

impl Filter {
    fn new(request: &v1::ListAuditEntriesRequest) -> Result<Self, Error> {
        let resource = text("resource", &request.resource, RESOURCE_LONGEST)?.to_owned();
        let at =
            |path, time: Option<&prost_types::Timestamp>| time.map(|time| instant(path, time)).transpose();
        let start = at("start_time", request.start_time.as_ref())?.unwrap_or(Timestamp::ZERO);
        let end = at("end_time", request.end_time.as_ref())?.unwrap_or(Timestamp::MAX);
        Ok(Self { resource, start, end })
    }

    fn matches(&self, entry: &v1::AuditEntry) -> bool {
        // An entry that cannot be read may be one that matches.
        if entry.method.is_empty() {
            return true;
        }
        let time = entry.time.as_ref().and_then(|time| instant("time", time).ok()).unwrap_or(Timestamp::ZERO);
        let below = entry.resource.strip_prefix(&*self.resource);
        let below =
            self.resource.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        below && self.start <= time && time < self.end
    }
}

impl Policies {
    pub(super) fn list_audit_entries(
        &self,
        _who: &Identity,
        request: &v1::ListAuditEntriesRequest,
    ) -> Result<v1::ListAuditEntriesResponse, Error> {
        let filter = Filter::new(request)?;
        let (from, to) = (format!("{:?}", request.start_time), format!("{:?}", request.end_time));
        let list = ["auditEntries", &request.resource, &from, &to];
        let page = Page::new(&list, request.page_size, &request.page_token)?;
        let mut before = page.after().map(str::parse).transpose().map_err(|_| Error::BadPageToken)?;
        let (mut audit_entries, mut bytes, mut read_count) = (Vec::new(), 0, 0);
        while read_count < READ_MAX {
            let read = self.catalog.audit(before, READ).map_err(|error| catalog_error(&error))?;
            if read.is_empty() {
                return Ok(v1::ListAuditEntriesResponse { audit_entries, next_page_token: String::new() });
            }
            for (number, entry) in read {
                read_count += 1;
                if filter.matches(&entry) {
                    bytes += entry.encoded_len();
                    let is_full = audit_entries.len() >= page.most() || bytes > PAGE_BYTES;
                    if is_full && !audit_entries.is_empty() {
                        let next_page_token = page_token(&list, &before.unwrap_or(number + 1).to_string());
                        return Ok(v1::ListAuditEntriesResponse { audit_entries, next_page_token });
                    }
                    audit_entries.push(entry);
                }
                before = Some(number);
            }
        }
        let next_page_token = before.map(|before: u64| page_token(&list, &before.to_string()));
        let next_page_token = next_page_token.unwrap_or_default();
        Ok(v1::ListAuditEntriesResponse { audit_entries, next_page_token })
    }
}
