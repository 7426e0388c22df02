//! The nodes of a cluster: what they are, and where administrators want shards to be. Nodes follow that in the store.

use super::policies::Policies;
use crate::convert;
use crate::convert::names::{node, node_name, workspace, workspace_name};
use crate::error::Error;
use crate::membership::ClusterView;
use crate::service::authorize::Identity;
use crate::store::catalog::{CatalogChange, Document, KeptPin, drain_key, pin_key};
use apportion_core::ids::{NodeId, WorkspaceId};
use apportion_proto::v1;

/// Most nodes that drain, those included that do not run.
pub(super) const DRAINS_MAX: usize = 256;
/// Most other workspaces of a shard that an answer names.
const NAMED_MAX: usize = 100;

impl Policies {
    pub(super) fn show_cluster(
        &self,
        view: &ClusterView,
        _who: &Identity,
        _request: &v1::GetClusterRequest,
    ) -> Result<v1::GetClusterResponse, Error> {
        Ok(v1::GetClusterResponse { cluster: Some(convert::cluster::cluster(view)) })
    }

    pub(super) fn drain_node(
        &self,
        view: &ClusterView,
        who: &Identity,
        request: &v1::DrainNodeRequest,
    ) -> Result<v1::DrainNodeResponse, Error> {
        let node = node("name", &request.name)?;
        self.change(who, || {
            let is_drained = self.catalog.drain(&node)?.is_some();
            if !is_drained && !view.nodes.contains_key(&node) {
                return Err(Error::UnknownNode.into());
            }
            if !is_drained && self.catalog.drain_count()? >= DRAINS_MAX {
                return Err(
                    Error::TooManyResources { what: "draining nodes", most: DRAINS_MAX as u64 }.into()
                );
            }
            if !is_drained && !request.validate_only {
                let change = CatalogChange {
                    expect: vec![(drain_key(node.as_str()), None)],
                    puts: vec![Document::Drain { node: node.clone() }],
                    deletes: Vec::new(),
                    entry: self.entry(who, "DrainNode", node_name(&node), Vec::new()),
                };
                self.apply(&change, None)?;
            }
            Ok(v1::DrainNodeResponse { warnings: no_heirs(view, &node) })
        })
    }

    pub(super) fn undrain_node(
        &self,
        view: &ClusterView,
        who: &Identity,
        request: &v1::UndrainNodeRequest,
    ) -> Result<v1::UndrainNodeResponse, Error> {
        let node = node("name", &request.name)?;
        self.change(who, || {
            let version = self.catalog.drain(&node)?;
            if version.is_none() && !view.nodes.contains_key(&node) {
                return Err(Error::UnknownNode.into());
            }
            if version.is_some() && !request.validate_only {
                let key = drain_key(node.as_str());
                let change = CatalogChange {
                    expect: vec![(key.clone(), version)],
                    puts: Vec::new(),
                    deletes: vec![key],
                    entry: self.entry(who, "UndrainNode", node_name(&node), Vec::new()),
                };
                self.apply(&change, None)?;
            }
            Ok(v1::UndrainNodeResponse {})
        })
    }

    pub(super) fn move_workspace(
        &self,
        view: &ClusterView,
        who: &Identity,
        request: &v1::MoveWorkspaceRequest,
    ) -> Result<v1::MoveWorkspaceResponse, Error> {
        let kept =
            KeptPin { node: node("node", &request.node)?, workspace: workspace("name", &request.name)? };
        let (shard, others) = self.shard_mates(&kept.workspace);
        self.change(who, || {
            if self.catalog.workspace(kept.workspace.as_str())?.is_none() {
                return Err(Error::UnknownWorkspace.into());
            }
            let record = view.nodes.get(&kept.node).ok_or(Error::UnknownNode)?;
            let found = self.catalog.pin(shard)?;
            let (version, held) = found.map_or((None, None), |(version, held)| (Some(version), held));
            if held.as_ref() != Some(&kept) && !request.validate_only {
                let before = held.map(|held| held.node);
                let changes = vec![changed(before.as_ref(), Some(&kept.node))];
                let change = CatalogChange {
                    expect: vec![(pin_key(shard), version)],
                    puts: vec![Document::Pin { shard, value: kept.clone() }],
                    deletes: Vec::new(),
                    entry: self.entry(who, "MoveWorkspace", workspace_name(&kept.workspace), changes),
                };
                self.apply(&change, None)?;
            }
            let named = others.iter().take(NAMED_MAX).map(workspace_name);
            let is_away = record.draining || record.clock_is_wrong;
            let away = is_away.then(|| {
                format!("{} takes no shards now: this one moves there once it does", node_name(&kept.node))
            });
            Ok(v1::MoveWorkspaceResponse {
                pin: Some(convert::cluster::pin(shard, &kept)),
                workspace_count: u32::try_from(others.len()).unwrap_or(u32::MAX).saturating_add(1),
                other_workspaces: named.collect(),
                warnings: away.into_iter().collect(),
            })
        })
    }

    pub(super) fn release_workspace(
        &self,
        _view: &ClusterView,
        who: &Identity,
        request: &v1::ReleaseWorkspaceRequest,
    ) -> Result<v1::ReleaseWorkspaceResponse, Error> {
        let workspace = workspace("name", &request.name)?;
        // The workspace may be gone: its shard and the pin are there.
        let (shard, _) = self.shard_mates(&workspace);
        self.change(who, || {
            if let Some((version, held)) = self.catalog.pin(shard)?.filter(|_| !request.validate_only) {
                let changes = vec![changed(held.map(|held| held.node).as_ref(), None)];
                let change = CatalogChange {
                    expect: vec![(pin_key(shard), Some(version))],
                    puts: Vec::new(),
                    deletes: vec![pin_key(shard)],
                    entry: self.entry(who, "ReleaseWorkspace", workspace_name(&workspace), changes),
                };
                self.apply(&change, None)?;
            }
            Ok(v1::ReleaseWorkspaceResponse { shard: shard.into() })
        })
    }

    /// The shard of a workspace, and the other workspaces there, in order.
    fn shard_mates(&self, workspace: &WorkspaceId) -> (u16, Vec<WorkspaceId>) {
        let shard = self.engine.shard_of(workspace);
        let is_mate = |id: &WorkspaceId| id != workspace && self.engine.shard_of(id) == shard;
        let mut mates: Vec<_> = self.engine.workspaces().into_iter().filter(is_mate).collect();
        mates.sort_unstable();
        (shard, mates)
    }
}

/// What the audit says of a pin.
fn changed(before: Option<&NodeId>, after: Option<&NodeId>) -> v1::FieldChange {
    let value = |node: Option<&NodeId>| node.map(|node| format!("\"{}\"", node_name(node)));
    v1::FieldChange { path: "node".into(), before: value(before), after: value(after) }
}

/// A warning where nobody can take the shards of a node that is to drain.
fn no_heirs(view: &ClusterView, node: &NodeId) -> Vec<String> {
    let mut others = view.nodes.iter().filter(|(other, _)| *other != node);
    if others.any(|(_, record)| !record.draining && !record.clock_is_wrong) {
        return Vec::new();
    }
    vec!["no other node takes shards now: this one keeps what it has until another one does".into()]
}
