//! An owner that is cut off: from etcd, from other nodes, from clients, in both directions or in one.

use std::time::{Duration, Instant};

use super::super::lab::Lab;
use super::super::names::NODES;
use super::super::network::End;
use super::super::trial::Trial;
use crate::process::pass;

/// How long a link is cut: longer than a session lives.
const CUT: Duration = Duration::from_secs(6);

/// Which directions are cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lost {
    Both,
    Sent,
    Received,
}

pub(super) async fn etcd(lab: &mut Lab, faults: usize) -> Trial {
    cut(lab, "an owner cut off from etcd", faults, Lost::Both, |_| vec![End::Etcd]).await
}

pub(super) async fn to_etcd(lab: &mut Lab, faults: usize) -> Trial {
    cut(lab, "what an owner sends to etcd is lost", faults, Lost::Sent, |_| vec![End::Etcd]).await
}

pub(super) async fn from_etcd(lab: &mut Lab, faults: usize) -> Trial {
    cut(lab, "what etcd sends to an owner is lost", faults, Lost::Received, |_| vec![End::Etcd]).await
}

pub(super) async fn peers(lab: &mut Lab, faults: usize) -> Trial {
    cut(lab, "an owner cut off from other nodes", faults, Lost::Both, others).await
}

pub(super) async fn to_peers(lab: &mut Lab, faults: usize) -> Trial {
    cut(lab, "what an owner sends to nodes is lost", faults, Lost::Sent, others).await
}

pub(super) async fn from_peers(lab: &mut Lab, faults: usize) -> Trial {
    cut(lab, "what nodes send to an owner is lost", faults, Lost::Received, others).await
}

pub(super) async fn clients(lab: &mut Lab, faults: usize) -> Trial {
    cut(lab, "an owner cut off from clients", faults, Lost::Both, |_| vec![End::Clients]).await
}

pub(super) async fn to_clients(lab: &mut Lab, faults: usize) -> Trial {
    cut(lab, "what an owner sends to clients is lost", faults, Lost::Sent, |_| vec![End::Clients]).await
}

pub(super) async fn from_clients(lab: &mut Lab, faults: usize) -> Trial {
    cut(lab, "what clients send to an owner is lost", faults, Lost::Received, |_| vec![End::Clients]).await
}

fn others(than: usize) -> Vec<End> {
    (0..NODES).filter(|&node| node != than).map(End::Node).collect()
}

async fn cut(lab: &mut Lab, name: &str, faults: usize, lost: Lost, from: fn(usize) -> Vec<End>) -> Trial {
    let mut trial = Trial::start(name);
    for round in 0..faults {
        lab.calm(round).await;
        let owner = lab.owner(0).await;
        let asking = lab.ask(&lab.others(&[owner]));
        trial.fault();
        let at = Instant::now();
        for end in from(owner) {
            if lost != Lost::Received {
                lab.network.cut(End::Node(owner), end);
            }
            if lost != Lost::Sent {
                lab.network.cut(end, End::Node(owner));
            }
        }
        pass(CUT).await;
        lab.network.heal();
        trial.granted(asking.gap(at).await);
        lab.next_grant(&[owner], at).await;
        lab.settled().await;
        trial.healed();
    }
    trial.end(lab).await
}
