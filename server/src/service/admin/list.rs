//! Pages of lists.

use crate::convert::names::{page_size, page_start, page_token};
use crate::error::Error;
use prost::Message;

/// Most bytes of a page, well below what clients take.
const PAGE_BYTES: usize = 1 << 20;

/// The page of a list that a call requests.
#[derive(Debug)]
pub(super) struct Page<'a> {
    list: &'a [&'a str],
    size: usize,
    after: Option<String>,
}

impl<'a> Page<'a> {
    /// A page of the list with these arguments.
    pub(super) fn new(list: &'a [&'a str], size: i32, token: &str) -> Result<Self, Error> {
        let size = page_size(size)?;
        let after = page_start(list, token).map_err(|_| Error::BadPageToken)?;
        Ok(Self { list, size, after })
    }

    /// The element after which it starts.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// How many elements it may have.
    pub(super) fn most(&self) -> usize {
        self.size
    }
}

/// The elements of a page, and the token of the next page; empty after the last. `found` are the elements after the start of the
/// page that the caller may see, at most as many as the page may have. A token shows the id of the last element, so `found` must
/// hold no element that the caller may not see.
pub(super) fn pages<T: Message>(
    page: &Page<'_>,
    found: impl ExactSizeIterator<Item = T>,
    id: impl Fn(&T) -> Option<String>,
) -> (Vec<T>, String) {
    let mut is_full = found.len() >= page.size;
    let (mut shown, mut bytes, mut last) = (Vec::new(), 0, None);
    for element in found {
        bytes += element.encoded_len();
        if bytes > PAGE_BYTES && last.is_some() {
            is_full = true;
            break;
        }
        last = id(&element);
        shown.push(element);
    }
    let next = last.filter(|_| is_full).map(|last| page_token(page.list, &last));
    (shown, next.unwrap_or_default())
}
