//! Domains of Envoy: created, shown, changed and deleted. Each is a document of its own, checked against its workspace.

use super::change_error::{ChangeError, catalog_error};
use super::list::{Page, pages};
use super::policies::Policies;
use super::stored::{check_etag, etag};
use crate::convert::domain::{DomainPolicy, domain_policy, wire_domain};
use crate::convert::names::{self, DomainId, domain_name};
use crate::error::{Error, FieldError};
use crate::resource::{Fields, differences, fields_of, update_domain};
use crate::service::authorize::{Action, Identity};
use crate::service::gate;
use crate::store::StoreVersion;
use crate::store::catalog::{CatalogChange, CatalogError, Document, Stored, domain_key, policy_key};
use apportion_core::ids::WorkspaceId;
use apportion_proto::v1;

/// Most domains of a server.
pub(super) const DOMAINS_MAX: usize = 1_000;

/// A domain that is to be written.
struct WrittenDomain<'a> {
    who: &'a Identity,
    method: &'a str,
    id: &'a DomainId,
    value: v1::Domain,
    before: Option<&'a Stored<v1::Domain>>,
    /// The policy of its workspace, as it was checked.
    unchanged: (String, Option<StoreVersion>),
}

/// A domain with every default written out, what its workspace has to say of it, and the policy of that workspace.
struct CheckedDomain {
    value: v1::Domain,
    warnings: Vec<String>,
    unchanged: (String, Option<StoreVersion>),
}

impl Policies {
    pub(super) fn create_domain(
        &self,
        who: &Identity,
        request: &v1::CreateDomainRequest,
    ) -> Result<v1::CreateDomainResponse, Error> {
        let id = names::domain_id("domain_id", &request.domain_id)?;
        let asked = request.domain.clone().ok_or_else(|| FieldError::missing("domain"))?;
        self.change(who, || {
            if self.catalog.domain(id.as_str())?.is_some() {
                return Err(Error::AlreadyExists { name: domain_name(&id) }.into());
            }
            if self.catalog.all_domains()?.len() >= DOMAINS_MAX {
                return Err(Error::TooManyResources { what: "domains", most: DOMAINS_MAX as u64 }.into());
            }
            let now = Some(self.now());
            let asked = v1::Domain { create_time: now, update_time: now, ..asked.clone() };
            let CheckedDomain { value, warnings, unchanged } = self.checked_domain(&id, &asked)?;
            if request.validate_only {
                return Ok(v1::CreateDomainResponse { domain: Some(value), warnings });
            }
            let written =
                WrittenDomain { who, method: "CreateDomain", id: &id, value, before: None, unchanged };
            let domain = self.write_domain(written)?;
            Ok(v1::CreateDomainResponse { domain: Some(domain), warnings })
        })
    }

    pub(super) fn update_domain(
        &self,
        who: &Identity,
        request: &v1::UpdateDomainRequest,
    ) -> Result<v1::UpdateDomainResponse, Error> {
        let asked = request.domain.as_ref().ok_or_else(|| FieldError::missing("domain"))?;
        let id = names::domain("domain.name", &asked.name)?;
        self.change(who, || {
            let before = self.catalog.domain(id.as_str())?.ok_or(Error::UnknownDomain)?;
            check_etag(&asked.etag, before.version, &asked.name)?;
            let mut changed = before.value.clone();
            update_domain(&mut changed, asked, request.update_mask.as_ref())?;
            changed.update_time = Some(self.now());
            let CheckedDomain { value, warnings, unchanged } = self.checked_domain(&id, &changed)?;
            let domain = if fields_of(&value) == fields_of(&before.value) {
                shown(before)
            } else if request.validate_only {
                v1::Domain { etag: etag(before.version), ..value }
            } else {
                let before = Some(&before);
                self.write_domain(WrittenDomain {
                    who,
                    method: "UpdateDomain",
                    id: &id,
                    value,
                    before,
                    unchanged,
                })?
            };
            Ok(v1::UpdateDomainResponse { domain: Some(domain), warnings })
        })
    }

    pub(super) fn delete_domain(
        &self,
        who: &Identity,
        request: &v1::DeleteDomainRequest,
    ) -> Result<v1::DeleteDomainResponse, Error> {
        let id = names::domain("name", &request.name)?;
        self.change(who, || {
            let before = self.catalog.domain(id.as_str())?.ok_or(Error::UnknownDomain)?;
            check_etag(&request.etag, before.version, &request.name)?;
            if request.validate_only {
                return Ok(v1::DeleteDomainResponse {});
            }
            let (key, name) = (domain_key(id.as_str()), request.name.clone());
            let changes = differences(&fields_of(&before.value), &Fields::new());
            self.apply_to_domains(&CatalogChange {
                expect: vec![(key.clone(), Some(before.version))],
                puts: Vec::new(),
                deletes: vec![key],
                entry: self.entry(who, "DeleteDomain", name, changes),
            })?;
            Ok(v1::DeleteDomainResponse {})
        })
    }

    pub(super) fn show_domain(
        &self,
        who: &Identity,
        request: &v1::GetDomainRequest,
    ) -> Result<v1::GetDomainResponse, Error> {
        let id = names::domain("name", &request.name)?;
        let found = self.catalog.domain(id.as_str()).map_err(|error| catalog_error(&error))?;
        let Some(found) = found else {
            // Who may see a part of the workspaces does not learn which domains there are of the others.
            let sees_all = gate::check(who, Action::List, None, &[]).is_ok() && who.workspaces().is_none();
            return Err(if sees_all { Error::UnknownDomain } else { Error::PermissionDenied });
        };
        if !is_seen_by(who, &found.value) {
            return Err(Error::PermissionDenied);
        }
        Ok(v1::GetDomainResponse { domain: Some(shown(found)) })
    }

    pub(super) fn list_domains(
        &self,
        who: &Identity,
        request: &v1::ListDomainsRequest,
    ) -> Result<v1::ListDomainsResponse, Error> {
        let page = Page::new(&["domains"], request.page_size, &request.page_token)?;
        let mut found = self.catalog.all_domains().map_err(|error| catalog_error(&error))?;
        let id = |domain: &v1::Domain| domain.name.strip_prefix("domains/").map(str::to_owned);
        found.retain(|stored| {
            let is_behind = page.after().is_none_or(|after| id(&stored.value).as_deref() > Some(after));
            is_behind && is_seen_by(who, &stored.value)
        });
        found.truncate(page.most());
        let (domains, next_page_token) = pages(&page, found.into_iter().map(shown), id);
        Ok(v1::ListDomainsResponse { domains, next_page_token })
    }

    /// Whether a domain is bound to a workspace.
    pub(super) fn has_domain(&self, workspace: &WorkspaceId) -> Result<bool, CatalogError> {
        let name = names::workspace_name(workspace);
        Ok(self.catalog.all_domains()?.iter().any(|domain| domain.value.workspace == name))
    }

    /// Puts in force the domains that the store holds. One that cannot be used is not in force.
    ///
    /// # Errors
    /// [`CatalogError`] where they cannot be read; what was in force stays so.
    pub(crate) fn see_domains(&self) -> Result<(), CatalogError> {
        let read = self.catalog.all_domains()?;
        let usable = read.into_iter().filter_map(|stored| {
            let id = names::domain("name", &stored.value.name);
            let policy = domain_policy(&stored.value).and_then(|policy| Ok((id?.to_string(), policy)));
            policy
                .inspect_err(
                    |error| tracing::error!(domain = stored.value.name, %error, "a domain cannot be used"),
                )
                .ok()
        });
        self.domains.replace(usable.collect::<Vec<(String, DomainPolicy)>>());
        Ok(())
    }

    fn checked_domain(&self, id: &DomainId, asked: &v1::Domain) -> Result<CheckedDomain, ChangeError> {
        let policy = domain_policy(asked).map_err(|error| error.under("domain"))?;
        let workspace = policy.workspace.as_str();
        let unchanged = (policy_key(workspace), self.catalog.policy_revision(workspace)?);
        self.catalog.workspace(workspace)?.ok_or(Error::UnknownWorkspace)?;
        let team = policy.default_team.as_str();
        let has_team = policy.refuse_unknown || self.catalog.team(workspace, team)?.is_some();
        let lacks = || {
            format!("the workspace has no team {team}: requests that name no known team are over the limit")
        };
        let warnings = (!has_team).then(lacks).into_iter().collect();
        let (create_time, update_time) = (asked.create_time, asked.update_time);
        let value = v1::Domain { create_time, update_time, ..wire_domain(id, &policy) };
        Ok(CheckedDomain { value, warnings, unchanged })
    }

    fn write_domain(&self, written: WrittenDomain<'_>) -> Result<v1::Domain, ChangeError> {
        let WrittenDomain { who, method, id, value, before, unchanged } = written;
        let fields = before.map_or_else(Fields::new, |domain| fields_of(&domain.value));
        let changes = differences(&fields, &fields_of(&value));
        let key = domain_key(id.as_str());
        let version = self.apply_to_domains(&CatalogChange {
            expect: vec![(key, before.map(|domain| domain.version)), unchanged],
            puts: vec![Document::Domain { domain: id.to_string(), value: value.clone() }],
            deletes: Vec::new(),
            entry: self.entry(who, method, value.name.clone(), changes),
        })?;
        Ok(v1::Domain { etag: etag(version), ..value })
    }

    /// Makes a change of domains durable, and puts in force what the store then holds.
    fn apply_to_domains(&self, change: &CatalogChange) -> Result<StoreVersion, ChangeError> {
        let applied = self.apply(change, None);
        // Also after an outcome that is not known; where the store cannot be read now, it is read back later.
        if !matches!(applied, Err(ChangeError::Conflict)) {
            self.doubt_domains();
            self.resolve_doubts_of_domains();
        }
        applied
    }
}

fn is_seen_by(who: &Identity, domain: &v1::Domain) -> bool {
    let workspace = names::workspace("workspace", &domain.workspace);
    workspace.is_ok_and(|workspace| gate::check(who, Action::Read, Some(&workspace), &[]).is_ok())
}

fn shown(stored: Stored<v1::Domain>) -> v1::Domain {
    v1::Domain { etag: etag(stored.version), ..stored.value }
}
