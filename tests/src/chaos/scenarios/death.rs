//! Nodes that are killed and nodes that are paused.

use std::time::{Duration, Instant};

use super::super::lab::Lab;
use super::super::trial::Trial;
use crate::process::child::Signal;
use crate::process::pass;

/// How long a node stays away.
const AWAY: Duration = Duration::from_millis(600);

pub(super) async fn kill_owner(lab: &mut Lab, faults: usize) -> Trial {
    kill(lab, "kill -9 of an owner", faults, true).await
}

pub(super) async fn kill_other(lab: &mut Lab, faults: usize) -> Trial {
    kill(lab, "kill -9 of another node", faults, false).await
}

async fn kill(lab: &mut Lab, name: &str, faults: usize, kills_owner: bool) -> Trial {
    let mut trial = Trial::start(name);
    for round in 0..faults {
        lab.calm(round).await;
        let owner = lab.owner(0).await;
        let killed = if kills_owner { owner } else { lab.others(&[owner])[0] };
        trial.fault();
        let at = Instant::now();
        lab.nodes.kill(killed);
        trial.granted(lab.next_grant(&lab.others(&[killed]), at).await);
        pass(AWAY).await;
        lab.nodes.start_again(killed).await;
        lab.settled().await;
        trial.healed();
    }
    trial.end(lab).await
}

pub(super) async fn pause_1(lab: &mut Lab, faults: usize) -> Trial {
    pause(lab, "an owner paused for 1 s", faults, 1).await
}

pub(super) async fn pause_3(lab: &mut Lab, faults: usize) -> Trial {
    pause(lab, "an owner paused for 3 s", faults, 3).await
}

pub(super) async fn pause_8(lab: &mut Lab, faults: usize) -> Trial {
    pause(lab, "an owner paused for 8 s", faults, 8).await
}

async fn pause(lab: &mut Lab, name: &str, faults: usize, seconds: u64) -> Trial {
    let mut trial = Trial::start(name);
    for round in 0..faults {
        lab.calm(round).await;
        let owner = lab.owner(0).await;
        trial.fault();
        let at = Instant::now();
        lab.nodes.server(owner).pause();
        let others = lab.others(&[owner]);
        let goes_on = async {
            pass(Duration::from_secs(seconds)).await;
            lab.nodes.server(owner).signal(Signal::CONT);
        };
        let ((), took) = tokio::join!(goes_on, lab.next_grant(&others, at));
        trial.granted(took);
        lab.next_grant(&[owner], at).await;
        lab.settled().await;
        trial.healed();
    }
    trial.end(lab).await
}
