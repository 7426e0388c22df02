//! Which policies there are, and how they change.

use super::fixed::{MARGINS, TEAMS};
use super::mood::Mood;
use crate::world::random::Random;
use apportion_core::ids::{LimitId, TeamId};
use apportion_core::permits::Permits;
use apportion_core::policy::{LimitPolicy, Policy, TeamPolicy};
use apportion_core::time::Span;

/// Most limits at once.
const LIMITS: usize = 3;
/// Windows of a limit, in seconds.
const WINDOWS: [u64; 6] = [3, 4, 6, 10, 12, 30];

/// What there is at first: one limit, two teams.
pub(super) fn first(random: &mut Random, mood: Mood) -> Policy {
    let mut policy = Policy::plain(limit(0, random), Vec::new());
    policy.largest_lease = Some(Permits::clamped(4));
    policy.spare_edge = mood == Mood::Calm || random.percent(70);
    policy.teams = teams(random, mood);
    policy
}

fn teams(random: &mut Random, mood: Mood) -> Vec<TeamPolicy> {
    let id = |name: &str| TeamId::new(name).expect("a name");
    let cap = (mood == Mood::Stormy).then(|| Permits::clamped(random.between(1, 6)));
    let parent = random.percent(50).then(|| id(["left", "right"][random.place(2)]));
    let mut teams = vec![
        TeamPolicy { cap, parent: parent.clone(), ..TeamPolicy::new(id(TEAMS[0])) },
        TeamPolicy::new(id(TEAMS[1])),
    ];
    teams.extend(parent.map(TeamPolicy::new));
    teams
}

fn limit(name: u64, random: &mut Random) -> LimitPolicy {
    let window = Span::from_secs(WINDOWS[random.place(WINDOWS.len())]);
    LimitPolicy {
        id: LimitId::new(&format!("l{name}")).expect("a name"),
        permits: Permits::clamped(random.between(4, 40)),
        window,
        phase: phase(window, random),
        margins: MARGINS,
    }
}

fn phase(window: Span, random: &mut Random) -> Span {
    Span::from_ms(if random.percent(50) { 0 } else { random.between(0, window.as_ns() / 1_000_000 - 1) })
}

/// Changes something, in calm weather no teams: the leases of one that is moved close, and count until their window ends. `name` is the name of a limit that was never used before.
pub(super) fn any(policy: &mut Policy, name: u64, mood: Mood, random: &mut Random) {
    for _ in 0..=random.place(2) {
        let at = random.place(policy.limits.len());
        match random.between(0, 8) {
            0 => policy.limits[at].permits = Permits::clamped(random.between(4, 40)),
            1 | 2 => {
                let window = Span::from_secs(WINDOWS[random.place(WINDOWS.len())]);
                let phase = phase(window, random);
                (policy.limits[at].window, policy.limits[at].phase) = (window, phase);
            }
            3 => policy.limits[at].phase = phase(policy.limits[at].window, random),
            4 if policy.limits.len() < LIMITS => policy.limits.push(limit(name, random)),
            5 if policy.limits.len() > 1 => {
                policy.limits.remove(at);
            }
            6 => policy.limits[at].id = LimitId::new(&format!("r{name}")).expect("a name"),
            7 if mood == Mood::Stormy => policy.teams = teams(random, mood),
            _ => policy.limits.reverse(),
        }
    }
}
