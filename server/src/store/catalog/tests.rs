//! The catalog: what is changed with its audit entry, and how it is listed.

use super::super::error::StoreError;
use super::super::kv::{Store, StoreVersion, Transaction};
use super::documents::PAGE_MAX;
use super::*;
use crate::faulty::{Faults, FaultyStore};
use apportion_proto::v1::{AuditEntry, Team, Workspace};
use std::sync::Arc;

fn catalog(audit_kept: u64) -> (Catalog, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::new(1));
    (Catalog::new(store.clone(), audit_kept), store)
}

fn workspace(id: &str) -> Document {
    let value = Workspace { name: format!("workspaces/{id}"), ..Workspace::default() };
    Document::Workspace { workspace: id.into(), value }
}

fn team(workspace: &str, id: &str) -> Document {
    let value = Team { name: format!("workspaces/{workspace}/teams/{id}"), ..Team::default() };
    Document::Team { workspace: workspace.into(), team: id.into(), value }
}

fn change(method: &str, expect: Vec<(String, Option<StoreVersion>)>, puts: Vec<Document>) -> CatalogChange {
    let entry = AuditEntry { method: method.into(), ..AuditEntry::default() };
    CatalogChange { expect, puts, deletes: Vec::new(), entry }
}

fn create(document: Document) -> CatalogChange {
    change("Create", vec![(document.key(), None)], vec![document])
}

#[test]
fn a_change_and_its_audit_entry_come_together_or_not_at_all() {
    let (catalog, store) = catalog(10);
    let version = catalog.apply(&create(workspace("a"))).expect("created");
    assert_eq!(catalog.apply(&create(workspace("a"))), Err(CatalogError::Conflict));
    store.set_faults(Faults { writes_refused: true, ..Faults::default() });
    assert!(matches!(catalog.apply(&create(workspace("b"))), Err(CatalogError::Store(StoreError::Full(_)))));
    store.set_faults(Faults::default());
    let found = catalog.workspace("a").expect("readable").expect("there");
    assert_eq!((found.value.name.as_str(), found.version), ("workspaces/a", version));
    assert_eq!(catalog.workspace("b"), Ok(None));
    let audit = catalog.audit(None, 10).expect("readable");
    assert_eq!(audit.len(), 1);
    assert_eq!((audit[0].0, audit[0].1.name.as_str()), (1, "auditEntries/1"));
}

#[test]
fn every_workspace_is_loaded_with_its_own_teams_alone() {
    let (catalog, _) = catalog(10);
    for id in ["a", "a-b", "a.c", "b"] {
        let puts = vec![workspace(id), team(id, "default"), team(id, id)];
        catalog.apply(&change("Create", Vec::new(), puts)).expect("created");
    }
    let mut loaded = Vec::new();
    let show = |id: &str, kept: KeptPolicy| {
        let (workspace, teams) = kept.documents.expect("readable");
        assert_eq!(workspace.value.name, format!("workspaces/{id}"));
        loaded
            .push((workspace.value.name, teams.into_iter().map(|team| team.value.name).collect::<Vec<_>>()));
    };
    catalog.load(show).expect("readable");
    let expected = ["a", "a-b", "a.c", "b"].map(|id| {
        let mut teams = vec![id, "default"];
        teams.sort_unstable();
        let name = |team| format!("workspaces/{id}/teams/{team}");
        (format!("workspaces/{id}"), teams.into_iter().map(name).collect::<Vec<_>>())
    });
    assert_eq!(loaded, expected);
}

#[test]
fn every_team_of_a_workspace_is_read_however_many_there_are() {
    let (catalog, store) = catalog(10);
    let puts = (0..PAGE_MAX + 30).map(|number| {
        let document = team("w", &format!("t{number:04}"));
        (document.key(), document.bytes())
    });
    store.commit(vec![Transaction { puts: puts.collect(), ..Transaction::default() }]);
    catalog.apply(&create(workspace("w"))).expect("created");
    assert_eq!(catalog.all_teams("w").expect("readable").len(), PAGE_MAX + 30);
    let mut loaded = 0;
    catalog.load(|_, kept| loaded += kept.documents.expect("readable").1.len()).expect("readable");
    assert_eq!(loaded, PAGE_MAX + 30);
}

#[test]
fn pages_continue_after_the_last_id() {
    let (catalog, _) = catalog(10);
    for id in ["a", "b", "c"] {
        catalog.apply(&create(team("w", id))).expect("created");
    }
    catalog.apply(&create(team("w2", "d"))).expect("created");
    let page = |after, most| -> Vec<String> {
        let page = catalog.teams("w", after, most).expect("readable");
        page.into_iter().map(|team| team.value.name).collect()
    };
    assert_eq!(page(None, 2), ["workspaces/w/teams/a", "workspaces/w/teams/b"]);
    assert_eq!(page(Some("b"), 2), ["workspaces/w/teams/c"]);
    assert_eq!(page(Some("c"), 2), [""; 0]);
}

#[test]
fn the_audit_is_listed_backwards_and_loses_its_oldest_entries() {
    let (catalog, store) = catalog(3);
    for number in 1..=5 {
        catalog.apply(&change(&format!("M{number}"), Vec::new(), Vec::new())).expect("changed");
    }
    let page = |before, most| -> Vec<(u64, String)> {
        let page = catalog.audit(before, most).expect("readable");
        page.into_iter().map(|(number, entry)| (number, entry.method)).collect()
    };
    let entry = |number: u64| (number, format!("M{number}"));
    assert_eq!(page(None, 2), [entry(5), entry(4)]);
    assert_eq!(page(Some(4), 2), [entry(3)]);
    assert_eq!(page(Some(3), 2), []);
    assert_eq!(store.scan("audit/", None, 10).map(|kept| kept.len()), Ok(3));
}

#[test]
fn fewer_entries_kept_than_before_go_little_by_little() {
    let (long, store) = catalog(1_000);
    for _ in 0..100 {
        long.apply(&change("M", Vec::new(), Vec::new())).expect("changed");
    }
    let short = Catalog::new(store.clone(), 10);
    let left = || store.scan("audit/", None, 1_000).map(|kept| kept.len());
    short.apply(&change("M", Vec::new(), Vec::new())).expect("changed");
    assert_eq!(left(), Ok(37));
    short.apply(&change("M", Vec::new(), Vec::new())).expect("changed");
    assert_eq!(left(), Ok(10));
}

#[test]
fn a_token_keeps_the_hash_of_its_secret() {
    let (catalog, store) = catalog(10);
    let token = apportion_proto::v1::Token { name: "tokens/t".into(), ..Default::default() };
    let value = KeptToken { token, secret_sha256: [7; 32] };
    catalog.apply(&create(Document::Token { token: "t".into(), value: value.clone() })).expect("created");
    assert_eq!(catalog.token("t").expect("readable").map(|found| found.value), Some(value));
    let broken = vec![("token/t".into(), vec![0x12, 1, 1])];
    store.commit(vec![Transaction { puts: broken, ..Transaction::default() }]);
    assert!(matches!(catalog.token("t"), Err(CatalogError::Damaged { .. })));
}

#[test]
fn two_servers_that_each_change_another_team_do_not_store_what_neither_checked() {
    let (first, store) = catalog(10);
    let second = Catalog::new(store.clone(), 10);
    let puts = vec![workspace("w"), team("w", "a"), team("w", "b")];
    first.apply(&change("Create", vec![(policy_key("w"), None)], puts)).expect("created");
    // Both read the same policy, and each moves one team below the other's.
    let seen = first.policy_revision("w").expect("readable");
    let moved = |id| change("UpdateTeam", vec![(policy_key("w"), seen)], vec![team("w", id)]);
    first.apply(&moved("a")).expect("changed");
    assert_eq!(second.apply(&moved("b")), Err(CatalogError::Conflict));
    assert_ne!(second.policy_revision("w").expect("readable"), seen);
}

#[test]
fn a_policy_has_a_revision_as_long_as_its_workspace_is_there() {
    let (catalog, store) = catalog(10);
    let version = catalog.apply(&create(workspace("w"))).expect("created");
    assert_eq!(catalog.policy_revision("w"), Ok(Some(version)));
    let version = catalog.apply(&create(team("w", "t"))).expect("created");
    assert_eq!(catalog.policy_revision("w"), Ok(Some(version)));
    let without =
        CatalogChange { deletes: vec![team_key("w", "t")], ..change("Delete", Vec::new(), Vec::new()) };
    let version = catalog.apply(&without).expect("deleted");
    assert_eq!(catalog.policy_revision("w"), Ok(Some(version)));
    let deletes = vec![workspace_key("w")];
    catalog.apply(&CatalogChange { deletes, ..change("Delete", Vec::new(), Vec::new()) }).expect("deleted");
    assert_eq!(catalog.policy_revision("w"), Ok(None));
    let token = apportion_proto::v1::Token { name: "tokens/t".into(), ..Default::default() };
    let value = KeptToken { token, secret_sha256: [7; 32] };
    catalog.apply(&create(Document::Token { token: "t".into(), value })).expect("created");
    assert_eq!(store.scan("policies/", None, 10), Ok(Vec::new()));
}
