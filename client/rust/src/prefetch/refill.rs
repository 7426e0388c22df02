//! The task behind a prefetch: asks for what is wanted, one request at a time, and looks at what is held.

use super::shelf::Shelf;
use super::state::{Ask, TICK, Whom};
use crate::clock::{self, BootInstant};
use crate::error::AcquireError;
use crate::lease::Lease;
use crate::quota::Quota;
use crate::request::Request;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;

/// A request that is not answered yet.
struct Asking {
    answer: Pin<Box<dyn Future<Output = Result<Lease, AcquireError>> + Send>>,
    whom: Whom,
    /// Since when nobody wants it.
    unwanted: Option<BootInstant>,
}

impl Asking {
    /// Itself, as long as somebody wanted it lately.
    fn unless_unwanted(mut self, now: BootInstant, is_wanted: bool) -> Option<Self> {
        self.unwanted = if is_wanted { None } else { self.unwanted.or(Some(now)) };
        self.unwanted.is_none_or(|since| now < since.after(TICK)).then_some(self)
    }
}

/// Runs until the shelf is closed. An answer that nobody wants any more is waited for a little, so that one that is on its way
/// comes and goes back at once; then the call's end takes the request back.
pub(super) async fn run(shelf: Arc<Shelf>, quota: Quota, request: Request) {
    let mut asking: Option<Asking> = None;
    loop {
        let is_idle = asking.is_none() && !shelf.is_holding();
        tokio::select! {
            (answer, whom) = answer(asking.as_mut()) => {
                asking = None;
                shelf.answered(clock::now(), answer, whom);
            }
            () = shelf.wake.notified() => {}
            () = tokio::time::sleep(TICK), if !is_idle => {}
        }
        let now = clock::now();
        let ask = shelf.ask(now);
        asking = match asking {
            Some(waits) => waits.unless_unwanted(now, shelf.is_wanted(now)),
            None => ask.map(|ask| start(&quota, &request, &ask)),
        };
        if asking.is_none() && shelf.is_closed() {
            return;
        }
    }
}

fn start(quota: &Quota, request: &Request, ask: &Ask) -> Asking {
    let request = request.clone().permits(ask.permits).at_least(1).max_wait(ask.max_wait);
    let quota = quota.clone();
    let answer = Box::pin(async move { quota.acquire(&request).await });
    Asking { answer, whom: ask.whom, unwanted: None }
}

async fn answer(asking: Option<&mut Asking>) -> (Result<Lease, AcquireError>, Whom) {
    match asking {
        Some(asking) => (asking.answer.as_mut().await, asking.whom),
        None => pending().await,
    }
}
