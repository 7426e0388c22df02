//! Workspaces: created with their team `default`, shown, changed and deleted.

use super::change_error::{ChangeError, catalog_error};
use super::check::check;
use super::list::{Page, pages};
use super::policies::Policies;
use super::stored::{StoredWorkspace, check_etag, etag};
use crate::convert::lease::DEFAULT_NAME;
use crate::convert::names::{self, workspace_name};
use crate::convert::workspace::{policy, useful_lives, wire_workspace};
use crate::error::Error;
use crate::error::FieldError;
use crate::preset;
use crate::resource::{differences, fields_of, under, update_workspace};
use crate::service::authorize::{Action, Identity};
use crate::service::gate;
use crate::signals;
use crate::store::catalog::{
    CatalogChange, CatalogError, Document, Stored, policy_key, team_key, workspace_key,
};
use crate::usage;
use apportion_core::ids::WorkspaceId;
use apportion_core::policy::Policy;
use apportion_proto::v1;
use std::collections::BTreeMap;

impl Policies {
    pub(super) fn create_workspace(
        &self,
        who: &Identity,
        request: &v1::CreateWorkspaceRequest,
    ) -> Result<v1::CreateWorkspaceResponse, Error> {
        let id = names::workspace_id("workspace_id", &request.workspace_id)?;
        let (new, team, policy) = self.new_workspace(&id, request.workspace.clone().unwrap_or_default())?;
        let warnings = check(&policy, "workspace", request.allow_overcommit)?;
        let mut fields = fields_of(&new);
        fields.extend(under(&format!("teams.{DEFAULT_NAME}"), fields_of(&team)));
        let changes = differences(&BTreeMap::new(), &fields);
        let version = self.change(who, || {
            if self.catalog.workspace(id.as_str())?.is_some() {
                return Err(Error::AlreadyExists { name: new.name.clone() }.into());
            }
            let most = u64::from(self.most_workspaces);
            if self.engine.workspace_count() as u64 >= most {
                return Err(Error::TooManyResources { what: "workspaces", most }.into());
            }
            if request.validate_only {
                return Ok(None);
            }
            let (workspace, of) = (id.to_string(), id.to_string());
            let version = self.apply(
                &CatalogChange {
                    expect: vec![
                        (policy_key(id.as_str()), None),
                        (workspace_key(id.as_str()), None),
                        (team_key(id.as_str(), DEFAULT_NAME), None),
                    ],
                    puts: vec![
                        Document::Workspace { workspace, value: new.clone() },
                        Document::Team { workspace: of, team: DEFAULT_NAME.into(), value: team.clone() },
                    ],
                    deletes: Vec::new(),
                    entry: self.entry(who, "CreateWorkspace", new.name.clone(), changes.clone()),
                },
                Some(&id),
            )?;
            self.put(&id, policy.clone(), version)?;
            self.put_signals(&id, &new);
            Ok(Some(version))
        })?;
        let workspace = v1::Workspace { etag: version.map(etag).unwrap_or_default(), ..new };
        Ok(v1::CreateWorkspaceResponse { workspace: Some(workspace), warnings })
    }

    /// A workspace with every default written out, its team `default`, and both as the core has them.
    fn new_workspace(
        &self,
        id: &WorkspaceId,
        mut asked: v1::Workspace,
    ) -> Result<(v1::Workspace, v1::Team, Policy), Error> {
        let of_workspace = |error: FieldError| error.under("workspace");
        preset::complete(&mut asked).map_err(of_workspace)?;
        let now = Some(self.now());
        let team = preset::default_team(id.as_str());
        let team = v1::Team { create_time: now, update_time: now, ..team };
        let teams = crate::convert::team::team_policies(id, [&team])?;
        asked.create_time = now;
        let policy = policy(&asked, teams).map_err(of_workspace)?;
        useful_lives(&policy).map_err(of_workspace)?;
        check_signals(&asked).map_err(of_workspace)?;
        let written = wire_workspace(id, &policy);
        let v1::Workspace { preset, signals, .. } = asked;
        let written = v1::Workspace { preset, signals, create_time: now, update_time: now, ..written };
        Ok((written, team, policy))
    }

    pub(super) fn show_workspace(
        &self,
        who: &Identity,
        request: &v1::GetWorkspaceRequest,
    ) -> Result<v1::GetWorkspaceResponse, Error> {
        let id = names::workspace("name", &request.name)?;
        gate::check(who, Action::Read, Some(&id), &[])?;
        let stored = self.catalog.workspace(id.as_str()).map_err(|error| catalog_error(&error))?;
        let workspace = stored.map(shown).ok_or(Error::UnknownWorkspace)?;
        Ok(v1::GetWorkspaceResponse { workspace: Some(workspace) })
    }

    pub(super) fn list_workspaces(
        &self,
        who: &Identity,
        request: &v1::ListWorkspacesRequest,
    ) -> Result<v1::ListWorkspacesResponse, Error> {
        let page = Page::new(&["workspaces"], request.page_size, &request.page_token)?;
        let found =
            self.workspaces_seen(who, page.after(), page.most()).map_err(|error| catalog_error(&error))?;
        let id = |workspace: &v1::Workspace| names::workspace("name", &workspace.name).ok();
        let (workspaces, next_page_token) =
            pages(&page, found.into_iter().map(shown), |workspace| id(workspace).map(|id| id.to_string()));
        Ok(v1::ListWorkspacesResponse { workspaces, next_page_token })
    }

    /// The workspaces after `after` that the caller may see, in order of id.
    fn workspaces_seen(
        &self,
        who: &Identity,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Stored<v1::Workspace>>, CatalogError> {
        let Some(seen) = who.workspaces() else { return self.catalog.workspaces(after, most) };
        let behind = seen.into_iter().filter(|id| after.is_none_or(|after| id.as_str() > after));
        let found = behind.filter_map(|id| self.catalog.workspace(id.as_str()).transpose());
        found.take(most).collect()
    }

    pub(super) fn update_workspace(
        &self,
        who: &Identity,
        request: &v1::UpdateWorkspaceRequest,
    ) -> Result<v1::UpdateWorkspaceResponse, Error> {
        let asked = request.workspace.as_ref().ok_or_else(|| FieldError::missing("workspace"))?;
        let id = names::workspace("workspace.name", &asked.name)?;
        self.change(who, || {
            let old = self.stored_workspace(&id)?;
            let (name, version) = (&old.workspace.value.name, old.workspace.version);
            check_etag(&asked.etag, version, name)?;
            let (new, policy) = self.updated_workspace(&old, asked, request.update_mask.as_ref())?;
            let warnings = check(&policy, "workspace", request.allow_overcommit)?;
            let changes = differences(&fields_of(&old.workspace.value), &fields_of(&new));
            let stays = changes.is_empty();
            if stays || request.validate_only {
                let kept = if stays { old.workspace.value.update_time } else { new.update_time };
                let workspace = v1::Workspace { etag: etag(version), update_time: kept, ..new };
                return Ok(v1::UpdateWorkspaceResponse { workspace: Some(workspace), warnings });
            }
            let change = CatalogChange {
                expect: vec![old.same_policy(), (workspace_key(id.as_str()), Some(version))],
                puts: vec![Document::Workspace { workspace: id.to_string(), value: new.clone() }],
                deletes: Vec::new(),
                entry: self.entry(who, "UpdateWorkspace", name.clone(), changes),
            };
            let version = self.apply(&change, Some(&id))?;
            self.put(&id, policy, version)?;
            self.put_signals(&id, &new);
            let workspace = v1::Workspace { etag: etag(version), ..new };
            Ok(v1::UpdateWorkspaceResponse { workspace: Some(workspace), warnings })
        })
    }

    fn updated_workspace(
        &self,
        old: &StoredWorkspace,
        asked: &v1::Workspace,
        mask: Option<&prost_types::FieldMask>,
    ) -> Result<(v1::Workspace, Policy), ChangeError> {
        let mut new = old.workspace.value.clone();
        update_workspace(&mut new, asked, mask)?;
        let changed = StoredWorkspace {
            workspace: Stored { value: new, version: old.workspace.version },
            ..old.clone()
        };
        let policy = changed.policy().map_err(|error| error.under("workspace"))?;
        useful_lives(&policy).map_err(|error| error.under("workspace"))?;
        check_signals(&changed.workspace.value).map_err(|error| error.under("workspace"))?;
        let v1::Workspace { preset, signals, create_time, .. } = changed.workspace.value;
        let written = wire_workspace(&old.id, &policy);
        let update_time = Some(self.now());
        Ok((v1::Workspace { preset, signals, create_time, update_time, ..written }, policy))
    }

    pub(super) fn delete_workspace(
        &self,
        who: &Identity,
        request: &v1::DeleteWorkspaceRequest,
    ) -> Result<v1::DeleteWorkspaceResponse, Error> {
        let id = names::workspace("name", &request.name)?;
        self.change(who, || {
            let old = self.stored_workspace(&id)?;
            let version = old.workspace.version;
            check_etag(&request.etag, version, &workspace_name(&id))?;
            let default = format!("{}/teams/{DEFAULT_NAME}", request.name);
            if !request.force && old.teams.iter().any(|team| team.value.name != default) {
                let (name, why) = (request.name.clone(), "it has teams; delete them first, or set `force`");
                return Err(Error::StillNeeded { name, why }.into());
            }
            if self.has_domain(&id)? {
                let (name, why) = (request.name.clone(), "a domain is bound to it; delete the domain first");
                return Err(Error::StillNeeded { name, why }.into());
            }
            if !request.validate_only {
                self.apply(&self.deletion(who, &old), Some(&id))?;
                self.engine.remove(&id);
                if let Err(error) = usage::forget(self.catalog.store(), &id) {
                    tracing::warn!(workspace = %id, %error, "the usage of a deleted workspace stays in the store");
                }
            }
            Ok(v1::DeleteWorkspaceResponse {})
        })
    }

    /// A workspace goes with its teams.
    fn deletion(&self, who: &Identity, old: &StoredWorkspace) -> CatalogChange {
        let mut fields = fields_of(&old.workspace.value);
        let mut expect = vec![(workspace_key(old.id.as_str()), Some(old.workspace.version))];
        for team in &old.teams {
            let Ok((_, id)) = names::team("name", &team.value.name) else { continue };
            fields.extend(under(&format!("teams.{id}"), fields_of(&team.value)));
            expect.push((team_key(old.id.as_str(), id.as_str()), Some(team.version)));
        }
        let changes = differences(&fields, &BTreeMap::new());
        let deletes = expect.iter().map(|(key, _)| key.clone()).collect();
        expect.push(old.same_policy());
        CatalogChange {
            deletes,
            expect,
            puts: Vec::new(),
            entry: self.entry(who, "DeleteWorkspace", workspace_name(&old.id), changes),
        }
    }
}

/// Checks the signals of a workspace, if it has its own.
fn check_signals(workspace: &v1::Workspace) -> Result<(), FieldError> {
    workspace.signals.iter().try_for_each(|own| signals::check(own, &workspace.limits))
}

fn shown(stored: Stored<v1::Workspace>) -> v1::Workspace {
    v1::Workspace { etag: etag(stored.version), ..stored.value }
}
