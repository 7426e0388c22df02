//! Many idle workspaces: the time of a start, and their memory.

use super::cores::{memory, on_server_core};
use crate::row::row;
use apportion_proto::v1;
use apportion_server::preset;
use apportion_server::store::catalog::{Catalog, CatalogChange, Document};
use apportion_server::store::{Embedded, Store};
use apportion_tests::process::server::Server;
use std::path::Path;
use std::sync::Arc;

const COUNT: usize = 100_000;
/// Workspaces of one transaction.
const AT_ONCE: usize = 1_000;

/// Starts a server with that many workspaces, and prints the time and memory that took.
pub(crate) fn rows() {
    let data = tempfile::tempdir().expect("a directory");
    fill(data.path(), COUNT);
    let server = on_server_core(|| Server::start(data.path()));
    let started = server.started_in.as_secs_f64();
    row(&format!("a start with {COUNT} idle workspaces"), format!("{started:.2} s"), "at most 3 s");
    let mebibytes = memory(server.pid()) as f64 / f64::from(1 << 20);
    row("  its memory", format!("{mebibytes:.0} MiB"), "at most 400 MiB");
}

/// Creates so many workspaces in an empty store. Bypasses the server, which would sync each before the next.
pub(crate) fn fill(data: &Path, count: usize) {
    let store: Arc<dyn Store> = Arc::new(Embedded::open(data).expect("an empty store"));
    fill_store(store, count, AT_ONCE);
}

/// Creates so many workspaces in a store, some of them with each transaction.
pub(crate) fn fill_store(store: Arc<dyn Store>, count: usize, at_once: usize) {
    let catalog = Catalog::new(store, 1_000);
    let ids: Vec<String> = (0..count).map(|n| format!("idle-{n}")).collect();
    for ids in ids.chunks(at_once) {
        let puts = ids.iter().flat_map(|id| documents(id)).collect();
        let entry = v1::AuditEntry { method: "CreateWorkspace".into(), ..v1::AuditEntry::default() };
        catalog.apply(&CatalogChange { expect: Vec::new(), puts, deletes: Vec::new(), entry }).expect("room");
    }
}

/// A workspace of the preset with its default team.
fn documents(id: &str) -> [Document; 2] {
    let workspace = v1::Workspace { name: format!("workspaces/{id}"), ..preset::intercom() };
    [
        Document::Workspace { workspace: id.into(), value: workspace },
        Document::Team { workspace: id.into(), team: "default".into(), value: preset::default_team(id) },
    ]
}
