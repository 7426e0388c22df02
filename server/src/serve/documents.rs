//! Policies, domains and tokens that other nodes change, and documents that a person edits in etcd: followed there, and put in force here.

use crate::service::admin::Policies;
use crate::store::Etcd;
use crate::store::catalog::{TEAMS, WORKSPACES, domain_key, policy_key, token_key};
use crate::store::etcd::Follow;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// For how long it may be unknown whether a token was deleted, before none is accepted.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How often that is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// Follows all until the policies are gone. Must be called inside a tokio runtime.
pub(super) fn follow(etcd: &Etcd, policies: &Arc<Policies>) {
    tokio::spawn(follow_policies(etcd.follow(&policy_key("")), Arc::downgrade(policies)));
    for prefix in [WORKSPACES, TEAMS] {
        tokio::spawn(follow_documents(etcd.follow_changes(prefix), Arc::downgrade(policies)));
    }
    tokio::spawn(follow_domains(etcd.follow(&domain_key("")), Arc::downgrade(policies)));
    tokio::spawn(follow_tokens(etcd.follow(&token_key("")), Arc::downgrade(policies)));
}

async fn follow_policies(mut follow: Follow, policies: Weak<Policies>) {
    while let Some(seen) = follow.next().await {
        let Some(policies) = policies.upgrade() else { return };
        let _ = tokio::task::spawn_blocking(move || policies.see_policies(seen)).await;
    }
}

/// A change through any node raises the revision of its policy. One of a person does not, and is noticed here.
async fn follow_documents(mut follow: Follow, policies: Weak<Policies>) {
    while let Some(seen) = follow.next().await {
        let Some(policies) = policies.upgrade() else { return };
        let _ = tokio::task::spawn_blocking(move || policies.see_documents(seen)).await;
    }
}

async fn follow_domains(mut follow: Follow, policies: Weak<Policies>) {
    while follow.next().await.is_some() {
        let Some(policies) = policies.upgrade() else { return };
        policies.doubt_domains();
        let _ = tokio::task::spawn_blocking(move || policies.resolve_doubts_of_domains()).await;
    }
}

async fn follow_tokens(mut follow: Follow, policies: Weak<Policies>) {
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    loop {
        let is_news = tokio::select! {
            seen = follow.next() => match seen {
                Some(_) => true,
                None => return,
            },
            _ = looks.tick() => false,
        };
        let Some(policies) = policies.upgrade() else { return };
        policies.distrust_tokens(follow.silence() > SILENCE_MAX);
        if is_news {
            let _ = tokio::task::spawn_blocking(move || policies.see_tokens()).await;
        }
    }
}
