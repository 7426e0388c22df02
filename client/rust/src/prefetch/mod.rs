//! Permits that are held ready: taken in nanoseconds from a lease that is refilled before it is empty, and returned when idle.
//!
//! `demand` counts recent takes; `queue` holds the waiting callers; `inventory` the held leases; `state` decides what is
//! requested, handed out and returned, as a function of now; `buffer` adds the lock-free take; `refill` is the task.

mod options;

mod demand;
mod inventory;
mod queue;
mod state;

mod buffer;
mod refill;

pub use options::PrefetchOptions;

use crate::clock::{self, BootInstant};
use crate::error::AcquireError;
use crate::permit::Permit;
use crate::quota::{PermitHolder, Quota};
use crate::request::Request;
use buffer::PrefetchBuffer;
use queue::QueueTicket;
use state::Admission;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A caller waits at least so long for the way to the server and back.
const WAIT_MIN: Duration = Duration::from_millis(250);
/// How much longer than its `max_wait` a caller waits for the reason of a failure.
const REASON_MARGIN: Duration = Duration::from_millis(100);

/// Permits of one priority that are held ready. Clones share them, and dropping the last clone returns them.
///
/// It holds what is about to be taken, judging by the last half second, and nothing if nothing was taken. While requests of
/// others wait on the server, it requests only the permits that its own callers wait for.
#[derive(Clone, Debug)]
pub struct Prefetch(Arc<PrefetchInner>);

#[derive(Debug)]
struct PrefetchInner {
    buffer: Arc<PrefetchBuffer>,
    /// How long a caller waits at most; `None` waits until the server is reachable.
    max_wait: Option<Duration>,
}

impl Drop for PrefetchInner {
    fn drop(&mut self) {
        self.buffer.close();
    }
}

impl Quota {
    /// Creates a prefetch that holds permits ready at the priority of `request`.
    ///
    /// Each call of [`Prefetch::permit`] waits up to the `max_wait` of `request`. The number of permits to request follows from
    /// demand, not from `request`. Spawns a task that requests and returns permits.
    ///
    /// # Panics
    /// If called outside a tokio runtime.
    pub fn prefetch(&self, request: &Request, options: PrefetchOptions) -> Prefetch {
        let buffer = PrefetchBuffer::new(options, request.max_wait);
        let holder: Weak<PrefetchBuffer> = Arc::downgrade(&buffer);
        self.register(holder);
        if self.is_closed() {
            buffer.close();
        }
        tokio::spawn(refill::run(Arc::clone(&buffer), self.clone(), request.clone()));
        let longest = request.max_wait.max(WAIT_MIN) + REASON_MARGIN;
        let max_wait = (!self.waits_for_server()).then_some(longest);
        Prefetch(Arc::new(PrefetchInner { buffer, max_wait }))
    }
}

impl Prefetch {
    /// Takes a permit without waiting. If none is held, returns `None` and requests one for a later call.
    ///
    /// Lock-free while a permit is held.
    #[inline]
    pub fn try_permit(&self) -> Option<Permit> {
        let now = clock::now();
        self.0.buffer.take(now).or_else(|| self.0.buffer.take_or_miss(now))
    }

    /// Takes a permit, and waits for it if none is held. Callers are served first come, first served.
    ///
    /// Cancel safe: a call that is dropped takes no permit.
    ///
    /// # Errors
    /// [`AcquireError`] if the server refuses the request or cannot be reached, or if no permit becomes available in time.
    pub async fn permit(&self) -> Result<Permit, AcquireError> {
        let since = clock::now();
        match self.0.buffer.take(since) {
            Some(permit) => Ok(permit),
            None => self.wait(since).await,
        }
    }

    async fn wait(&self, since: BootInstant) -> Result<Permit, AcquireError> {
        let deadline = self.0.max_wait.and_then(|max_wait| Instant::now().checked_add(max_wait));
        let mut position = None;
        loop {
            let mut waiting = match self.0.buffer.enter(since, position) {
                Admission::Granted(permit) => return Ok(permit),
                Admission::Queued(ticket) => QueueGuard { ticket, buffer: &self.0.buffer },
                Admission::Refused(error) => return Err(error),
            };
            let answer = match deadline {
                Some(deadline) => timeout_at(deadline, &mut waiting.ticket.answer).await,
                None => Ok((&mut waiting.ticket.answer).await),
            };
            let answer = answer.map_err(|_| AcquireError::TimedOut)?;
            let delivery =
                answer.map_err(|_| AcquireError::Unreachable("the runtime has stopped".into()))??;
            match delivery.accept() {
                Some(permit) if permit.is_expired(clock::now()) => permit.put_back_into_lease(),
                Some(permit) => return Ok(permit),
                None => {}
            }
            // The permit expired in transit: wait again, at the same position.
            position = Some(waiting.ticket.position);
        }
    }
}

/// Leaves the queue when it is dropped.
struct QueueGuard<'a> {
    ticket: QueueTicket,
    buffer: &'a PrefetchBuffer,
}

impl Drop for QueueGuard<'_> {
    fn drop(&mut self) {
        self.buffer.leave(self.ticket.position);
    }
}
