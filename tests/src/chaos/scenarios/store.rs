//! An etcd that loses its leader, its quorum, a disk, its past, and what it knew since a backup.

use std::time::{Duration, Instant};

use super::super::changes::Changes;
use super::super::lab::Lab;
use super::super::names::NODES;
use super::super::network::End;
use super::super::trial::Trial;
use crate::etcd::Restored;
use crate::process::pass;

/// How long a quorum is lost.
const LOST: Duration = Duration::from_secs(10);
/// How long a member stays away.
const AWAY: Duration = Duration::from_secs(3);
/// How long a node is cut off while its watches are compacted.
const CUT: Duration = Duration::from_secs(4);

pub(super) async fn leader(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("the leader of etcd killed");
    for round in 0..faults {
        lab.calm(round).await;
        let leader = lab.etcd.leader().await;
        trial.fault();
        let at = Instant::now();
        let asking = lab.ask(&lab.others(&[]));
        lab.etcd.kill(leader);
        pass(AWAY).await;
        trial.granted(asking.gap(at).await);
        lab.etcd.start_again(leader);
        lab.etcd.leader().await;
        trial.healed();
    }
    trial.end(lab).await
}

pub(super) async fn quorum(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("the quorum of etcd lost for 10 s");
    for round in 0..faults {
        lab.calm(round).await;
        let lost = [round % 3, (round + 1) % 3];
        trial.fault();
        lost.iter().for_each(|&member| lab.etcd.kill(member));
        pass(LOST).await;
        lost.iter().for_each(|&member| lab.etcd.start_again(member));
        let at = Instant::now();
        lab.etcd.answers().await;
        trial.granted(lab.next_grant(&lab.others(&[]), at).await);
        lab.settled().await;
        trial.healed();
    }
    trial.end(lab).await
}

pub(super) async fn empty_disk(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("a member of etcd from an empty disk");
    for round in 0..faults {
        lab.calm(round).await;
        let lost = (lab.etcd.leader().await + 1) % 3;
        trial.fault();
        let at = Instant::now();
        lab.etcd.kill(lost);
        trial.granted(lab.next_grant(&lab.others(&[]), at).await);
        lab.etcd.start_empty(lost).await;
        lab.etcd.answers().await;
        trial.healed();
    }
    trial.end(lab).await
}

/// Every other time the node is cut off from etcd, and otherwise paused.
pub(super) async fn compaction(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("the past of a node's watches compacted");
    for round in 0..faults {
        lab.calm(round).await;
        let owner = lab.owner(0).await;
        let others = lab.others(&[owner]);
        trial.fault();
        let at = Instant::now();
        if round % 2 == 0 {
            lab.network.cut(End::Etcd, End::Node(owner));
            lab.network.cut(End::Node(owner), End::Etcd);
        } else {
            lab.nodes.server(owner).pause();
        }
        let compacted = async {
            pass(CUT).await;
            lab.etcd.compact().await;
        };
        let ((), took) = tokio::join!(compacted, lab.next_grant(&others, at));
        trial.granted(took);
        lab.network.heal();
        lab.nodes.server(owner).signal(crate::process::child::Signal::CONT);
        lab.next_grant(&[owner], at).await;
        lab.settled().await;
        trial.healed();
    }
    trial.end(lab).await
}

/// What was changed after the backup is gone, as it must be, so changes are judged before.
pub(super) async fn restored(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("etcd restored from a backup, nodes running");
    for round in 0..faults {
        lab.calm(round).await;
        lab.judge_changes().await;
        lab.etcd.snapshot().await;
        lab.pass_a_window().await;
        trial.fault();
        lab.etcd.restore(Restored::AsNewCluster).await;
        let at = Instant::now();
        trial.granted(lab.next_grant(&lab.others(&[]), at).await);
        lab.settled().await;
        trial.healed();
        let channels = (0..NODES).map(|node| lab.nodes.channel(node)).collect();
        lab.changes = Some(Changes::start(channels, round + 1).await);
    }
    trial.end(lab).await
}
