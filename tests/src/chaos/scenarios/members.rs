//! Nodes that leave and join as an operator lets them.

use std::time::Duration;

use super::super::lab::Lab;
use super::super::names::NODES;
use super::super::trial::Trial;
use crate::process::pass;

/// How long a node that joined stays: shards move to it meanwhile.
const STAYS: Duration = Duration::from_secs(3);

pub(super) async fn rolling(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("rolling restart of all nodes");
    for round in 0..faults {
        lab.calm(round).await;
        for node in 0..NODES {
            let asking = lab.ask(&lab.others(&[node]));
            trial.fault();
            lab.nodes.stop(node).await;
            lab.nodes.start_again(node).await;
            lab.settled().await;
            trial.granted(asking.slowest().await);
            trial.healed();
        }
    }
    trial.end(lab).await
}

pub(super) async fn join_and_leave(lab: &mut Lab, faults: usize) -> Trial {
    let mut trial = Trial::start("a node joins and leaves");
    for round in 0..faults {
        lab.calm(round).await;
        let asking = lab.ask(&lab.others(&[]));
        trial.fault();
        lab.nodes.start_again(NODES).await;
        pass(STAYS).await;
        lab.nodes.stop(NODES).await;
        lab.settled().await;
        trial.granted(asking.slowest().await);
        trial.healed();
    }
    trial.end(lab).await
}
