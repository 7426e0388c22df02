//! What is done to the cluster, and what each must show.

mod clocks;
mod death;
mod links;
mod members;
mod store;

use super::lab::Lab;
use super::trial::Trial;
use super::verdict::Target;

/// Runs a scenario with so many faults.
type Play = fn(&mut Lab, usize) -> std::pin::Pin<Box<dyn Future<Output = Trial> + '_>>;

/// A scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// A word that chooses it.
    pub name: &'static str,
    /// How many faults it has in the short form; 0: it is left out there.
    pub few: usize,
    /// How many it has otherwise.
    pub many: usize,
    /// What it must show.
    pub target: Target,
    play: Play,
}

impl Scenario {
    /// Plays it.
    pub async fn play(&self, lab: &mut Lab, faults: usize) -> Trial {
        (self.play)(lab, faults).await
    }
}

/// One block: what clients ask for in a second, and what waits.
const BLOCK_PERCENT: u64 = 17;

/// An error is none of the client's business: it asks another node.
const fn takes_over(ms: u64) -> Target {
    Target { errors: Some(0), ..Target::within(ms) }
}

/// The same where the outage is so short that what is not used of the window can only be what was booked.
const fn loses_a_block(ms: u64) -> Target {
    Target { wasted_percent: Some(BLOCK_PERCENT), ..takes_over(ms) }
}

/// The windows that may be open count as spent: two of ten seconds, because the clients have taught the cluster when they start.
const SPENDS_TWO_WINDOWS: Target = Target::within(22_000);

/// Nothing may be noticed.
const UNNOTICED: Target = Target { wasted_percent: Some(1), errors: Some(0), ..Target::within(100) };

macro_rules! scenarios {
    ($($name:literal $few:literal $many:literal $target:expr, $play:expr;)*) => {
        /// All scenarios, in the order in which they are played.
        pub const ALL: &[Scenario] = &[
            $(Scenario { name: $name, few: $few, many: $many, target: $target, play: |lab, faults| Box::pin($play(lab, faults)) },)*
        ];
    };
}

scenarios! {
    "kill-owner" 2 30 loses_a_block(1_500), death::kill_owner;
    "kill-other" 0 30 loses_a_block(1_500), death::kill_other;
    "pause-1s" 0 5 takes_over(5_000), death::pause_1;
    "pause-3s" 0 5 takes_over(5_000), death::pause_3;
    "pause-8s" 1 5 takes_over(5_000), death::pause_8;
    "etcd-both-ways" 0 3 takes_over(5_000), links::etcd;
    "etcd-from-it" 0 3 takes_over(5_000), links::to_etcd;
    "etcd-to-it" 1 3 takes_over(5_000), links::from_etcd;
    "peers-both-ways" 0 3 takes_over(5_000), links::peers;
    "peers-from-it" 1 3 takes_over(5_000), links::to_peers;
    "peers-to-it" 0 3 takes_over(5_000), links::from_peers;
    "clients-both-ways" 0 3 Target::within(100), links::clients;
    "clients-from-it" 0 3 Target::within(100), links::to_clients;
    "clients-to-it" 0 3 Target::within(100), links::from_clients;
    "etcd-leader-killed" 1 5 loses_a_block(2_500), store::leader;
    "etcd-quorum-lost-10s" 0 3 Target::within(5_000), store::quorum;
    "etcd-member-from-empty-disk" 1 3 loses_a_block(2_500), store::empty_disk;
    "etcd-compacted-past-a-watch" 1 4 takes_over(5_000), store::compaction;
    "clock-80ms" 0 2 UNNOTICED, clocks::slightly_off;
    "clock-5s-at-start" 1 4 UNNOTICED, clocks::off_at_start;
    "clock-5s-step" 1 4 takes_over(5_000), clocks::step;
    "rolling-restart" 1 5 UNNOTICED, members::rolling;
    "join-and-leave" 1 20 UNNOTICED, members::join_and_leave;
    "etcd-restored" 0 2 SPENDS_TWO_WINDOWS, store::restored;
}
