//! How many requests of a client wait at the server at once: so few that they never use up the streams of a connection.

use apportion_proto::v1::Priority;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most requests of one priority. Proxies often allow 100 streams a connection: four times 24 stay below.
pub(crate) const SLOTS: usize = 24;

/// The slots of each priority, so that an urgent request never waits for one that is not.
#[derive(Debug)]
pub(crate) struct AcquireSlots([Arc<Semaphore>; 4]);

impl AcquireSlots {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Arc::new(Semaphore::new(SLOTS))))
    }

    /// Waits for a slot, first come, first served.
    pub(crate) async fn enter(&self, priority: Priority) -> Option<OwnedSemaphorePermit> {
        let class = match priority {
            Priority::Unspecified => 0,
            Priority::Critical => 1,
            Priority::Default => 2,
            Priority::Sheddable => 3,
        };
        Arc::clone(&self.0[class]).acquire_owned().await.ok()
    }
}
