//! Teams: a change rewrites the team's document alone, and is checked against the policy of the whole workspace.

use super::change_error::{ChangeError, catalog_error};
use super::check::check;
use super::list::{Page, pages};
use super::policies::Policies;
use super::stored::{StoredWorkspace, check_etag, etag};
use crate::convert::lease::DEFAULT_NAME;
use crate::convert::names::{self, team_name};
use crate::convert::team::{team_policy, wire_team};
use crate::error::Error;
use crate::error::FieldError;
use crate::resource::{Fields, differences, fields_of, update_team};
use crate::service::authorize::{Action, Identity};
use crate::service::gate;
use crate::store::StoreVersion;
use crate::store::catalog::{CatalogChange, Document, Stored, team_key};
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::policy::{Policy, TEAMS_MAX};
use apportion_proto::v1;

/// A team that is to be written.
struct Written<'a> {
    who: &'a Identity,
    method: &'a str,
    id: &'a TeamId,
    value: v1::Team,
    before: Option<&'a Stored<v1::Team>>,
}

impl Policies {
    pub(super) fn create_team(
        &self,
        who: &Identity,
        request: &v1::CreateTeamRequest,
    ) -> Result<v1::CreateTeamResponse, Error> {
        let workspace = names::workspace("parent", &request.parent)?;
        let id = names::team_id("team_id", &request.team_id)?;
        let asked = request.team.clone().unwrap_or_default();
        self.change(who, || {
            let old = self.stored_workspace(&workspace)?;
            if old.team(id.as_str()).is_some() {
                return Err(Error::AlreadyExists { name: team_name(&workspace, &id) }.into());
            }
            if old.teams.len() >= TEAMS_MAX {
                return Err(Error::TooManyResources { what: "teams", most: TEAMS_MAX as u64 }.into());
            }
            let now = Some(self.now());
            let asked = v1::Team { create_time: now, update_time: now, ..asked.clone() };
            let (new, policy) = with_team(&old, &id, &asked)?;
            let warnings = check(&policy, "team", request.allow_overcommit)?;
            if request.validate_only {
                return Ok(v1::CreateTeamResponse { team: Some(new), warnings });
            }
            let written = Written { who, method: "CreateTeam", id: &id, value: new, before: None };
            let team = self.write_team(&old, written, policy)?;
            Ok(v1::CreateTeamResponse { team: Some(team), warnings })
        })
    }

    /// Writes a team and puts the policy with it in force.
    fn write_team(
        &self,
        old: &StoredWorkspace,
        written: Written<'_>,
        policy: Policy,
    ) -> Result<v1::Team, ChangeError> {
        let Written { who, method, id, value, before } = written;
        let fields = before.map_or_else(Fields::new, |team| fields_of(&team.value));
        let changes = differences(&fields, &fields_of(&value));
        let change = CatalogChange {
            expect: expected(old, id, before.map(|team| team.version)),
            puts: vec![Document::Team {
                workspace: old.id.to_string(),
                team: id.to_string(),
                value: value.clone(),
            }],
            deletes: Vec::new(),
            entry: self.entry(who, method, value.name.clone(), changes),
        };
        let version = self.apply(&change, Some(&old.id))?;
        self.put(&old.id, policy, version)?;
        Ok(v1::Team { etag: etag(version), ..value })
    }

    pub(super) fn show_team(
        &self,
        who: &Identity,
        request: &v1::GetTeamRequest,
    ) -> Result<v1::GetTeamResponse, Error> {
        let (workspace, id) = names::team("name", &request.name)?;
        gate::check(who, Action::Read, Some(&workspace), &self.engine.path_of(&workspace, &id))?;
        let team =
            self.catalog.team(workspace.as_str(), id.as_str()).map_err(|error| catalog_error(&error))?;
        match team {
            Some(team) => Ok(v1::GetTeamResponse { team: Some(shown(team)) }),
            None => Err(self.exists(&workspace).err().unwrap_or(Error::UnknownTeam)),
        }
    }

    fn exists(&self, workspace: &WorkspaceId) -> Result<(), Error> {
        let found = self.catalog.workspace(workspace.as_str()).map_err(|error| catalog_error(&error))?;
        found.map(|_| ()).ok_or(Error::UnknownWorkspace)
    }

    pub(super) fn list_teams(
        &self,
        who: &Identity,
        request: &v1::ListTeamsRequest,
    ) -> Result<v1::ListTeamsResponse, Error> {
        let workspace = names::workspace("parent", &request.parent)?;
        let list = ["teams", &request.parent];
        let page = Page::new(&list, request.page_size, &request.page_token)?;
        let found = self.teams_seen(who, &workspace, page.after(), page.most())?;
        let id = |team: &v1::Team| names::team("name", &team.name).map(|(_, id)| id).ok();
        let (teams, next_page_token) =
            pages(&page, found.into_iter().map(shown), |team| id(team).map(|id| id.to_string()));
        Ok(v1::ListTeamsResponse { teams, next_page_token })
    }

    /// The teams after `after` that the caller may see, in order of id. To a caller that may see only a part of a workspace, one
    /// that does not exist looks like one without teams.
    fn teams_seen(
        &self,
        who: &Identity,
        workspace: &WorkspaceId,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Stored<v1::Team>>, Error> {
        if gate::check(who, Action::Read, Some(workspace), &[]).is_ok() {
            self.exists(workspace)?;
            return self
                .catalog
                .teams(workspace.as_str(), after, most)
                .map_err(|error| catalog_error(&error));
        }
        let mut all = self.catalog.all_teams(workspace.as_str()).map_err(|error| catalog_error(&error))?;
        all.retain(|team| {
            names::team("name", &team.value.name).is_ok_and(|(_, id)| {
                let is_behind = after.is_none_or(|after| id.as_str() > after);
                let path = || self.engine.path_of(workspace, &id);
                is_behind && gate::check(who, Action::Read, Some(workspace), &path()).is_ok()
            })
        });
        all.truncate(most);
        Ok(all)
    }

    pub(super) fn update_team(
        &self,
        who: &Identity,
        request: &v1::UpdateTeamRequest,
    ) -> Result<v1::UpdateTeamResponse, Error> {
        let asked = request.team.as_ref().ok_or_else(|| FieldError::missing("team"))?;
        let (workspace, id) = names::team("team.name", &asked.name)?;
        self.change(who, || {
            let old = self.stored_workspace(&workspace)?;
            let before = old.team(id.as_str()).ok_or(Error::UnknownTeam)?;
            check_etag(&asked.etag, before.version, &asked.name)?;
            let mut changed = before.value.clone();
            update_team(&mut changed, asked, request.update_mask.as_ref())?;
            changed.update_time = Some(self.now());
            let (new, policy) = with_team(&old, &id, &changed)?;
            let warnings = check(&policy, "team", request.allow_overcommit)?;
            let stays = fields_of(&new) == fields_of(&before.value);
            let team = if stays {
                shown(before.clone())
            } else if request.validate_only {
                v1::Team { etag: etag(before.version), ..new }
            } else {
                let written =
                    Written { who, method: "UpdateTeam", id: &id, value: new, before: Some(before) };
                self.write_team(&old, written, policy)?
            };
            Ok(v1::UpdateTeamResponse { team: Some(team), warnings })
        })
    }

    pub(super) fn delete_team(
        &self,
        who: &Identity,
        request: &v1::DeleteTeamRequest,
    ) -> Result<v1::DeleteTeamResponse, Error> {
        let (workspace, id) = names::team("name", &request.name)?;
        self.change(who, || {
            let old = self.stored_workspace(&workspace)?;
            let before = old.team(id.as_str()).ok_or(Error::UnknownTeam)?;
            check_etag(&request.etag, before.version, &request.name)?;
            if let Some(why) = needed(&old, &id) {
                return Err(Error::StillNeeded { name: request.name.clone(), why }.into());
            }
            if request.validate_only {
                return Ok(v1::DeleteTeamResponse {});
            }
            let changes = differences(&fields_of(&before.value), &Fields::new());
            let change = CatalogChange {
                expect: expected(&old, &id, Some(before.version)),
                puts: Vec::new(),
                deletes: vec![team_key(workspace.as_str(), id.as_str())],
                entry: self.entry(who, "DeleteTeam", request.name.clone(), changes),
            };
            let policy = old.policy_without(&id)?;
            let version = self.apply(&change, Some(&workspace))?;
            self.put(&workspace, policy, version)?;
            Ok(v1::DeleteTeamResponse {})
        })
    }
}

/// What a change of a team expects: that nothing of the policy has changed since the check.
fn expected(
    old: &StoredWorkspace,
    id: &TeamId,
    team: Option<StoreVersion>,
) -> Vec<(String, Option<StoreVersion>)> {
    let of = old.id.as_str();
    vec![old.same_policy(), (team_key(of, id.as_str()), team)]
}

/// Why a team cannot be deleted.
fn needed(old: &StoredWorkspace, id: &TeamId) -> Option<&'static str> {
    let name = team_name(&old.id, id);
    let parts = old.teams.iter().any(|team| team.value.parent_team == name);
    match (id.as_str(), parts) {
        (DEFAULT_NAME, _) => Some("requests that name no team use it"),
        (_, true) => Some("it has child teams: delete them first"),
        _ => None,
    }
}

/// The changed team with every default written out, and the workspace's policy with it.
fn with_team(old: &StoredWorkspace, id: &TeamId, team: &v1::Team) -> Result<(v1::Team, Policy), ChangeError> {
    let of_team = team_policy(&old.id, id.clone(), team).map_err(|error| error.under("team"))?;
    let written = wire_team(&old.id, &of_team);
    let (create_time, update_time) = (team.create_time, team.update_time);
    // What is stored of the team may be what a person corrects with this change.
    let mut policy = old.policy_without(id)?;
    let at = policy.teams.iter().position(|team| team.id > *id).unwrap_or(policy.teams.len());
    policy.teams.insert(at, of_team);
    Ok((v1::Team { create_time, update_time, ..written }, policy))
}

fn shown(stored: Stored<v1::Team>) -> v1::Team {
    v1::Team { etag: etag(stored.version), ..stored.value }
}
