//! Permits without a call: taken in nanoseconds from a lease that is held, which is refilled before it is empty and given
//! back soon when it is not used.

mod ahead;
mod demand;
mod queue;
mod refill;
mod shelf;
mod state;

pub use ahead::Ahead;

use crate::clock::{self, BootInstant};
use crate::error::AcquireError;
use crate::permit::Permit;
use crate::quota::Quota;
use crate::request::Request;
use apportion_proto::v1::Reason;
use shelf::Shelf;
use state::{Entered, Place, WAITING_MAX};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How much longer than it may wait somebody waits for the service to say why not.
const WAY: Duration = Duration::from_millis(250);

/// Permits of one priority, held ready. Clones share them; when the last is dropped, what is held goes back.
///
/// It holds what is about to be taken, judging by the last half second, and nothing when nothing was taken; while others wait
/// for permits too, it asks for those only that are waited for here.
#[derive(Clone, Debug)]
pub struct Prefetch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shelf: Arc<Shelf>,
    /// How long somebody waits at most; none: until the service is back.
    patience: Option<Duration>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shelf.close();
    }
}

impl Quota {
    /// Holds permits ready, at the priority of `request`; each call of [`Prefetch::permit`] waits as long as `request` may. How
    /// many it asks for, demand decides, not `request`. To be called inside a tokio runtime, on which it is refilled.
    pub fn prefetch(&self, request: &Request, ahead: Ahead) -> Prefetch {
        let shelf = Shelf::new(ahead, request.max_wait);
        tokio::spawn(refill::run(Arc::clone(&shelf), self.clone(), request.clone()));
        let patience = (!self.waits_for_service()).then_some(request.max_wait + WAY);
        Prefetch(Arc::new(Inner { shelf, patience }))
    }
}

impl Prefetch {
    /// Takes a permit that is held, without waiting and without a lock; none if none is, and then one is asked for.
    #[inline]
    pub fn try_permit(&self) -> Option<Permit> {
        let now = clock::now();
        self.0.shelf.take(now).or_else(|| self.0.shelf.take_or_miss(now))
    }

    /// Takes a permit, and waits for it if none is held: first come, first served. A call that is dropped takes none.
    ///
    /// # Errors
    /// [`AcquireError`]: the service refused, could not be reached, or nothing came in time.
    pub async fn permit(&self) -> Result<Permit, AcquireError> {
        let since = clock::now();
        match self.0.shelf.take(since) {
            Some(permit) => Ok(permit),
            None => self.wait(since).await,
        }
    }

    async fn wait(&self, since: BootInstant) -> Result<Permit, AcquireError> {
        let deadline = self.0.patience.and_then(|patience| Instant::now().checked_add(patience));
        let mut place = None;
        loop {
            let mut waiting = match self.0.shelf.enter(since, place) {
                Entered::Taken(permit) => return Ok(permit),
                Entered::Waits(place) => Waiting { place, shelf: &self.0.shelf },
                Entered::Full => return Err(full()),
            };
            let answer = match deadline {
                Some(deadline) => timeout_at(deadline, &mut waiting.place.answer).await,
                None => Ok((&mut waiting.place.answer).await),
            };
            let answer = answer.map_err(|_| AcquireError::NotInTime)?;
            let handed = answer.map_err(|_| AcquireError::Unreachable("the runtime is gone".into()))??;
            match handed.keep() {
                Some(permit) if permit.is_ended(clock::now()) => permit.undo(),
                Some(permit) => return Ok(permit),
                None => {}
            }
            // It ended on the way here: next again, and not last.
            place = Some(waiting.place.ticket);
        }
    }
}

fn full() -> AcquireError {
    let message = format!("{WAITING_MAX} requests wait at this prefetch");
    AcquireError::Refused { reason: Reason::CallerQueueFull, message, retry_after: None }
}

/// Leaves the queue when it is dropped.
struct Waiting<'a> {
    place: Place,
    shelf: &'a Shelf,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.shelf.leave(self.place.ticket);
    }
}
