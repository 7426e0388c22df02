//! The decisions of a prefetch as a function of now: what is handed out, requested and returned, and who waits.

use super::inventory::Inventory;
use super::options::PrefetchOptions;
use super::queue::{QueueTicket, WaitQueue};
use crate::clock::BootInstant;
use crate::error::AcquireError;
use crate::permit::{Permit, SharedLease};
use apportion_proto::v1::Reason;
use std::sync::Arc;
use std::time::Duration;

/// The most callers that wait at one prefetch.
const WAITING_MAX: usize = 100_000;
/// How long after a failure without a delay nothing is requested ahead of demand, and after a final refusal nothing at all.
const PAUSE: Duration = Duration::from_secs(1);
/// The shortest pause after a refusal.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// A caller that may wait for less than this after the server was found unreachable fails as well.
const UNREACHABLE_MARGIN: Duration = Duration::from_millis(250);

/// A request for permits that is to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RefillRequest {
    pub(super) permits: u32,
    /// As long as the caller that waited longest may still wait.
    pub(super) max_wait: Duration,
    pub(super) callers: CoveredCallers,
}

/// The waiting callers that a request was made for, by position.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct CoveredCallers {
    /// The caller that waited longest, if any was waiting.
    oldest: Option<u64>,
    /// The first position that is not covered.
    end: u64,
}

/// The result of asking for a permit.
#[derive(Debug)]
pub(super) enum Admission {
    Granted(Permit),
    Queued(QueueTicket),
    /// Too many callers are waiting, or the caller cannot wait until something may be requested again.
    Refused(AcquireError),
}

/// A refusal, and until when it holds.
#[derive(Debug)]
struct StandingRefusal {
    error: AcquireError,
    until: BootInstant,
    /// Whether nothing that is requested can be granted, as far as is known.
    is_final: bool,
}

/// What a prefetch holds, and who waits for it. While a caller waits, no permit that it could take is held.
#[derive(Debug)]
pub(super) struct PrefetchState {
    options: PrefetchOptions,
    max_wait: Duration,
    inventory: Inventory,
    queue: WaitQueue,
    /// Whether requests of others were waiting at the server, by the last lease.
    is_contended: bool,
    /// Whether a caller left without a permit since the last answer, because it would not wait.
    has_miss: bool,
    /// Until when nothing is requested ahead of demand.
    paused_until: BootInstant,
    /// The last refusal of a request for waiting callers: until it ends, nothing is requested for callers either.
    refusal: Option<StandingRefusal>,
}

impl PrefetchState {
    pub(super) fn new(options: PrefetchOptions, max_wait: Duration) -> Self {
        Self {
            options,
            max_wait,
            inventory: Inventory::new(),
            queue: WaitQueue::default(),
            is_contended: false,
            has_miss: false,
            paused_until: BootInstant::from_nanos(0),
            refusal: None,
        }
    }

    /// The lease that permits may be taken from without notice.
    pub(super) fn front(&self) -> Option<&Arc<SharedLease>> {
        self.inventory.front()
    }

    /// The number of permits held.
    pub(super) fn held(&self) -> u32 {
        self.inventory.permits()
    }

    /// Takes a permit without waiting, and never ahead of a waiting caller. Remembers a miss.
    pub(super) fn take_or_miss(&mut self, now: BootInstant) -> Option<Permit> {
        let permit = if self.queue.is_empty() { self.inventory.take(now) } else { None };
        self.has_miss |= permit.is_none();
        permit
    }

    /// Takes a permit, or queues the caller, at its former position if it had one.
    pub(super) fn enter(&mut self, now: BootInstant, since: BootInstant, position: Option<u64>) -> Admission {
        if self.queue.is_empty()
            && let Some(permit) = self.inventory.take(now)
        {
            return Admission::Granted(permit);
        }
        if self.queue.len() >= WAITING_MAX {
            return Admission::Refused(queue_full());
        }
        if let Some(refusal) = self.standing_refusal(now)
            && (refusal.is_final || since.after(self.max_wait) <= refusal.until)
        {
            return Admission::Refused(refusal.error.clone());
        }
        Admission::Queued(self.queue.enter(position, since))
    }

    /// Removes a caller from the queue. Returns whether the queue is empty then.
    pub(super) fn leave(&mut self, position: u64) -> bool {
        self.queue.leave(position);
        self.queue.is_empty()
    }

    /// Delivers the permits of a new lease to waiting callers and keeps the rest. If the lease is contended, keeps at most the
    /// permit for a miss.
    pub(super) fn add(&mut self, now: BootInstant, lease: Arc<SharedLease>) {
        self.is_contended = lease.lease.is_contended();
        self.paused_until = now;
        self.refusal = None;
        if self.has_miss || !self.queue.is_empty() {
            self.inventory.touch(now);
        }
        while !self.queue.is_empty() {
            let Some((permit, _)) = lease.take(now) else { break };
            if let Err(permit) = self.queue.deliver(permit) {
                permit.put_back_into_lease();
            }
        }
        let left = lease.left();
        let keep = if self.is_contended { u32::from(self.has_miss).min(left) } else { left };
        self.has_miss = false;
        self.inventory.add(now, lease, keep);
    }

    /// Fails the caller that waited longest among those covered, and every caller that cannot wait for the retry. If no retry
    /// can succeed, fails every caller covered. Until the retry, nothing is requested.
    ///
    /// A request ahead of demand waits at the server for a short time only, so its refusal does not hold for callers.
    pub(super) fn refuse(&mut self, now: BootInstant, error: &AcquireError, callers: CoveredCallers) {
        let is_refusal = matches!(error, AcquireError::Refused { .. } | AcquireError::InvalidResponse(_));
        let is_final = is_refusal && error.retry_after().is_none();
        let retry_at = now.after(match error.retry_after() {
            Some(retry_after) => retry_after.max(PAUSE_MIN),
            None if is_refusal => Duration::ZERO,
            None => UNREACHABLE_MARGIN,
        });
        let max_wait = self.max_wait;
        self.queue.fail(error, |position, since| {
            let is_oldest = callers.oldest.is_some_and(|oldest| position <= oldest);
            is_oldest || since.after(max_wait) <= retry_at || (is_final && position < callers.end)
        });
        self.has_miss = false;
        self.paused_until = if error.retry_after().is_some() { retry_at } else { now.after(PAUSE) };
        if is_refusal && callers.oldest.is_some() {
            let (error, until) = (error.clone(), self.paused_until);
            self.refusal = Some(StandingRefusal { error, until, is_final });
        }
    }

    fn standing_refusal(&self, now: BootInstant) -> Option<&StandingRefusal> {
        self.refusal.as_ref().filter(|refusal| now < refusal.until)
    }

    /// When to decide again at the latest, apart from the regular checks; none if only an event changes anything.
    pub(super) fn resumes_at(&self, now: BootInstant) -> Option<BootInstant> {
        let is_waiting = !self.queue.is_empty();
        self.standing_refusal(now).filter(|_| is_waiting).map(|refusal| refusal.until)
    }

    /// Fails every caller, and returns everything.
    pub(super) fn close(&mut self) {
        self.queue.fail(&AcquireError::Closed, |_, _| true);
        self.return_all();
    }

    /// Passes a permit that was not used to a waiting caller, or puts it back into its lease.
    pub(super) fn put_back(&mut self, now: BootInstant, lease: &Arc<SharedLease>) {
        if now < lease.end() && self.queue.deliver_taken(lease) {
            return;
        }
        lease.lease.put_back();
        if !self.inventory.contains(lease) {
            lease.lease.return_all();
        }
    }

    /// Returns what is idle, about to expire, or more than will be taken soon.
    pub(super) fn return_excess(&mut self, now: BootInstant) {
        self.inventory.record_takes(now);
        if self.inventory.is_idle(now, self.options.idle_timeout) {
            self.inventory.return_all();
        }
        self.inventory.return_expiring(now);
        let (held, keep) = (self.held(), self.target(now).max(1));
        if held / 2 >= keep {
            self.inventory.return_up_to(held - keep);
        }
    }

    /// Returns the request to send now, if one is due.
    pub(super) fn refill(&mut self, now: BootInstant) -> Option<RefillRequest> {
        self.inventory.record_takes(now);
        let is_paused = match self.queue.is_empty() {
            true => now < self.paused_until,
            false => self.standing_refusal(now).is_some(),
        };
        let (due, held, target) = (self.due(), self.held(), self.target(now));
        if is_paused || (due == 0 && held > target / 3) {
            return None;
        }
        let permits = due.saturating_add(target).saturating_sub(held).min(self.options.max_permits);
        let oldest = self.queue.oldest();
        let max_wait = match oldest {
            Some((_, since)) => self.max_wait.saturating_sub(now.since(since)),
            None => self.options.horizon,
        };
        let callers = CoveredCallers { oldest: oldest.map(|(position, _)| position), end: self.queue.next() };
        (permits > 0).then_some(RefillRequest { permits, max_wait, callers })
    }

    /// Whether a request in flight is still needed.
    pub(super) fn needs_refill(&mut self, now: BootInstant) -> bool {
        self.due() > 0 || self.target(now) > 0
    }

    /// Returns everything to the server.
    pub(super) fn return_all(&mut self) {
        self.inventory.return_all();
    }

    /// Spends everything.
    pub(super) fn spend_all(&mut self) {
        self.inventory.spend_all();
    }

    /// The permits that callers wait for, or one for a miss.
    fn due(&self) -> u32 {
        u32::try_from(self.queue.len()).unwrap_or(u32::MAX).max(u32::from(self.has_miss))
    }

    /// The permits to hold ahead of demand: none while requests of others wait, and none that would be returned as idle.
    fn target(&mut self, now: BootInstant) -> u32 {
        if self.is_contended || self.inventory.is_idle(now, self.options.idle_timeout) {
            return 0;
        }
        self.inventory.forecast(now, self.options.horizon).min(self.options.max_permits)
    }
}

fn queue_full() -> AcquireError {
    let message = format!("{WAITING_MAX} requests are waiting at this prefetch");
    AcquireError::Refused { reason: Reason::CallerQueueFull, message, retry_after: None }
}

#[cfg(test)]
mod tests;
