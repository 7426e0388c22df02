//! Which window an observation belongs to: that of its reset, else that of its lease, never that of its arrival.

use super::finding::Seen;
use crate::observation::Reset;
use crate::time::{Span, Timestamp};
use crate::window::Window;
use std::cmp::Ordering;

/// Whether an observation belongs to an earlier window than the current one, to the current one, or to a later one; `None` where
/// neither its reset nor its lease says. Windows are `length` long.
pub(super) fn place(now: Timestamp, reset: Option<Reset>, seen: &Seen<'_>, length: Span) -> Option<Ordering> {
    reset.and_then(|reset| place_of_reset(now, reset, seen.current, length)).or_else(|| {
        let window = seen.lease_window?;
        Some(window.start.earliest.cmp(&seen.current.start.earliest))
    })
}

/// The same by the reset alone; `None` where it may be the end of several windows. A reset that fits no boundary is the end of the
/// window that is open now if it comes within a window's length.
fn place_of_reset(now: Timestamp, reset: Reset, current: &Window, length: Span) -> Option<Ordering> {
    let (earliest, latest) = (reset.at - reset.within, reset.at + reset.within);
    let end = current.end;
    let may_be_earlier = earliest <= end.latest - length;
    let may_be_current = earliest <= end.latest && latest >= end.earliest;
    let may_be_later = latest >= end.earliest + length;
    match (may_be_earlier, may_be_current, may_be_later) {
        (false, true, false) => Some(Ordering::Equal),
        (true, false, false) => Some(Ordering::Less),
        (false, false, true) => Some(Ordering::Greater),
        (false, false, false) if latest < now => Some(Ordering::Less),
        (false, false, false) if earliest > now + length => Some(Ordering::Greater),
        (false, false, false) => Some(Ordering::Equal),
        _ => None,
    }
}
