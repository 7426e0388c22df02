//! Limits, random ones and their changes.

use std::time::Duration;

use apportion_proto::v1;

use super::clock::nanoseconds;
use crate::process::wire::span;
use crate::world::random::Random;

/// Windows of a limit, in seconds.
const WINDOWS_S: [u64; 4] = [2, 3, 4, 6];
/// Most limits at once.
const LIMITS_MAX: usize = 3;

/// A limit of the workspace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limit {
    /// Its id.
    pub id: String,
    /// The budget of a window.
    pub permits: u32,
    /// The length of a window.
    pub window: Duration,
    /// Where windows start.
    pub phase: Duration,
}

impl Limit {
    /// The windows that overlap `[from, to)`, as start and end.
    pub(super) fn touched(&self, from: u64, to: u64) -> impl Iterator<Item = (u64, u64)> + use<> {
        let (length, phase) = (nanoseconds(self.window), nanoseconds(self.phase));
        let first = from.saturating_sub(phase) / length * length + phase;
        let step = usize::try_from(length).expect("64 bits");
        (first..to).step_by(step).map(move |start| (start, start + length))
    }
}

/// Changes one or two limits: their budget, window, phase or name, or how many there are. `names` counts the names in use.
pub(super) fn change(limits: &mut Vec<Limit>, names: &mut u64, random: &mut Random) {
    for _ in 0..=random.place(2) {
        *names += 1;
        let (at, name) = (random.place(limits.len()), *names);
        match random.between(0, 7) {
            0 => limits[at].permits = permits(random),
            1 | 2 => {
                let Limit { window, phase, .. } = any(name, random);
                (limits[at].window, limits[at].phase) = (window, phase);
            }
            3 => limits[at].phase = phase(limits[at].window, random),
            4 | 5 if limits.len() < LIMITS_MAX => limits.push(any(name, random)),
            6 if limits.len() > 1 => {
                limits.remove(at);
            }
            _ => limits[at].id = format!("renamed-{name}"),
        }
    }
}

fn permits(random: &mut Random) -> u32 {
    u32::try_from(random.between(4, 40)).expect("small")
}

fn phase(window: Duration, random: &mut Random) -> Duration {
    let most = u64::try_from(window.as_millis()).expect("seconds") - 1;
    Duration::from_millis(if random.percent(50) { 0 } else { random.between(0, most) })
}

/// Any limit.
pub(super) fn any(name: u64, random: &mut Random) -> Limit {
    let window = Duration::from_secs(WINDOWS_S[random.place(WINDOWS_S.len())]);
    Limit { id: format!("limit-{name}"), permits: permits(random), window, phase: phase(window, random) }
}

/// A limit as the contract has it.
pub(super) fn to_wire(limit: &Limit) -> v1::Limit {
    let span = |span: Duration| prost_types::Duration::try_from(span).ok();
    let milliseconds = |ms| span(Duration::from_millis(ms));
    v1::Limit {
        limit_id: limit.id.clone(),
        permits: limit.permits,
        window: span(limit.window),
        phase: span(limit.phase),
        start_margin: milliseconds(20),
        guard: milliseconds(500),
        lease_life: milliseconds(200),
    }
}

/// A limit that the server sent.
pub(super) fn from_wire(limit: &v1::Limit) -> Limit {
    Limit {
        id: limit.limit_id.clone(),
        permits: limit.permits,
        window: span(limit.window.as_ref()),
        phase: span(limit.phase.as_ref()),
    }
}
