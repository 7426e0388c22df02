//! What would become of a request.

use super::state::{Service, Workspace};
use crate::engine::request::Acquire;
use crate::error::Error;
use apportion_core::explanation::Explanation;

impl Workspace {
    /// What would become of a request that came now. The lock is held for as long as it takes to copy the allocator.
    ///
    /// # Errors
    /// Why the workspace is closed.
    pub(in crate::engine) fn explain(&self, request: Acquire) -> Result<Explanation, Error> {
        let guard = self.lock();
        let now = self.now();
        let allocator = match &guard.service {
            Service::Open(allocator) => allocator.clone(),
            Service::Closed(why) => return Err(why.clone()),
        };
        drop(guard);
        let ask = request.into_ask(now, None, allocator.policy());
        Ok(allocator.explain(now, &ask))
    }
}
