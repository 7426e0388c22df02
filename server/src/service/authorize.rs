//! Who may do what. Every call passes [`authorize`], which denies what it does not know.
//!
//! An identity comes from the credential alone, never from a field of a request. Knows no transport and no store.

use super::guesses::KnownPeers;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::Timestamp;
use prost::bytes::Bytes;
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// Most scopes of a credential.
pub(crate) const SCOPES_MAX: usize = 64;
/// The longest sleep until a credential expires: then the clock is read again, which may have a new anchor.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What a credential allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// To acquire and settle leases for the teams of its scopes.
    Client,
    /// To read the workspaces and teams of its scopes.
    Observer,
    /// Everything, everywhere.
    Admin,
}

/// Where a role holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The workspace; `None` is all of them.
    pub workspace: Option<WorkspaceId>,
    /// The team, with its child teams; `None` is all of them.
    pub team: Option<TeamId>,
}

/// Who calls.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Its name in audit entries.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Where; an administrator needs none.
    pub scopes: Vec<Scope>,
    /// When its credential expires; `None` if it never does.
    expires: Option<Timestamp>,
    /// Whether its credential was withdrawn.
    withdrawn: AtomicBool,
    /// Wakes what waits for that.
    withdrawal: Notify,
    /// The peers from which its token was accepted.
    pub(super) known_peers: KnownPeers,
    /// What it looks like to other nodes, once one was told.
    asserted: OnceLock<Bytes>,
}

/// What a call does, as far as permission goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// To acquire or settle leases of a team.
    Lease,
    /// To read a workspace or a team.
    Read,
    /// To read how a provider's responses are read, for a workspace or any team of it.
    Signals,
    /// To list what may be read: the answer holds only what is in scope.
    List,
    /// To change policy, to see or change tokens, to read the audit log.
    Administer,
}

/// What a call is about.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Target<'a> {
    /// The workspace, where it is about one.
    pub workspace: Option<&'a WorkspaceId>,
    /// The team and the teams above it, itself first; empty where it is about the workspace as a whole.
    pub path: &'a [TeamId],
}

/// What each method does. A method that is not listed may not be called.
pub(crate) fn action_of(service: &str, method: &str) -> Option<Action> {
    Some(match (service, method) {
        ("apportion.v1.QuotaService", "AcquireLease" | "SettleLease" | "BatchSettleLeases" | "Exchange") => {
            Action::Lease
        }
        ("apportion.v1.QuotaService", "WatchWorkspace" | "ExplainLease" | "QueryUsage") => Action::Read,
        ("apportion.v1.QuotaService", "GetSignals") => Action::Signals,
        ("envoy.service.ratelimit.v3.RateLimitService", "ShouldRateLimit") => Action::Lease,
        ("apportion.v1.AdminService", "GetWorkspace" | "GetTeam" | "GetDomain") => Action::Read,
        ("apportion.v1.AdminService", "ListWorkspaces" | "ListTeams" | "ListDomains") => Action::List,
        (
            "apportion.v1.AdminService",
            "CreateWorkspace" | "UpdateWorkspace" | "DeleteWorkspace" | "CreateTeam" | "UpdateTeam"
            | "DeleteTeam" | "CreateDomain" | "UpdateDomain" | "DeleteDomain" | "CreateToken" | "ListTokens"
            | "DeleteToken" | "ListAuditEntries" | "BackupStore" | "GetCluster" | "DrainNode" | "UndrainNode"
            | "MoveWorkspace" | "ReleaseWorkspace",
        ) => Action::Administer,
        _ => return None,
    })
}

impl Identity {
    /// The caller where no credential is required: on loopback, without configuration.
    pub(crate) fn anybody() -> Self {
        Self::new("loopback".into(), Role::Admin, Vec::new(), None)
    }

    /// An identity whose credential is valid until it expires or is withdrawn.
    pub(crate) fn new(name: String, role: Role, scopes: Vec<Scope>, expires: Option<Timestamp>) -> Self {
        let (withdrawn, withdrawal) = (AtomicBool::new(false), Notify::new());
        let (known_peers, asserted) = (KnownPeers::default(), OnceLock::new());
        Self { name, role, scopes, expires, withdrawn, withdrawal, known_peers, asserted }
    }

    /// What it looks like to other nodes, made by `encode` once.
    pub(super) fn asserted(&self, encode: fn(&Self) -> Bytes) -> Bytes {
        self.asserted.get_or_init(|| encode(self)).clone()
    }

    /// Whether its credential is still valid: streams outlive the call that began them.
    pub(crate) fn is_valid(&self, now: Timestamp) -> bool {
        !self.withdrawn.load(Ordering::Acquire) && self.expires.is_none_or(|at| now < at)
    }

    /// Whether its credential expires some day.
    pub(super) fn expires(&self) -> bool {
        self.expires.is_some()
    }

    /// Withdraws its credential.
    pub(super) fn withdraw(&self) {
        self.withdrawn.store(true, Ordering::Release);
        self.withdrawal.notify_waiters();
    }

    /// Whether its credential was withdrawn. Unlike [`Identity::is_valid`] it costs nothing.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Acquire)
    }

    /// Resolves once its credential is not valid any more: what waits under it ends with it.
    pub(crate) async fn ended(&self, now: impl Fn() -> Timestamp) {
        loop {
            // Registered before the check, so that no withdrawal is missed in between.
            let withdrawal = self.withdrawal.notified();
            let now = now();
            if !self.is_valid(now) {
                return;
            }
            match self.expires {
                None => withdrawal.await,
                Some(at) => {
                    let left = Duration::from_nanos(at.since(now).as_ns()).min(LONGEST_SLEEP);
                    let _ = tokio::time::timeout(left, withdrawal).await;
                }
            }
        }
    }

    /// The workspaces that it may read as a whole; `None` is all of them.
    pub(super) fn workspaces(&self) -> Option<BTreeSet<&WorkspaceId>> {
        let whole = || self.scopes.iter().filter(|scope| scope.team.is_none());
        if self.role == Role::Admin || whole().any(|scope| scope.workspace.is_none()) {
            return None;
        }
        Some(whole().filter_map(|scope| scope.workspace.as_ref()).collect())
    }

    /// Whether a scope is in the workspace of `target`, be it of one team.
    fn reaches(&self, target: &Target<'_>) -> bool {
        self.scopes.iter().any(|scope| scope.workspace.as_ref().is_none_or(|id| target.workspace == Some(id)))
    }

    /// Whether a scope covers `target`.
    fn covers(&self, target: &Target<'_>) -> bool {
        self.scopes.iter().any(|scope| {
            let workspace = scope.workspace.as_ref().is_none_or(|id| target.workspace == Some(id));
            let team = scope.team.as_ref().is_none_or(|id| target.path.contains(id));
            workspace && team
        })
    }
}

/// Whether `identity` may do `action` to `target`.
pub(crate) fn authorize(identity: &Identity, action: Action, target: &Target<'_>) -> bool {
    match (identity.role, action) {
        (Role::Admin, _) | (Role::Observer, Action::List) => true,
        (Role::Client, Action::Lease) | (Role::Observer, Action::Read) => identity.covers(target),
        (_, Action::Signals) => identity.reaches(target),
        (Role::Client | Role::Observer, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(id: &str) -> WorkspaceId {
        WorkspaceId::new(id).expect("a name")
    }

    fn team(id: &str) -> TeamId {
        TeamId::new(id).expect("a name")
    }

    fn who(role: Role, scopes: &[(&str, &str)]) -> Identity {
        let scope = |&(of, id): &(&str, &str)| Scope {
            workspace: (of != "*").then(|| workspace(of)),
            team: (!id.is_empty()).then(|| team(id)),
        };
        Identity::new("x".into(), role, scopes.iter().map(scope).collect(), None)
    }

    fn may(who: &Identity, action: Action, of: &str, path: &[&str]) -> bool {
        let (of, path) = (workspace(of), path.iter().map(|id| team(id)).collect::<Vec<_>>());
        authorize(who, action, &Target { workspace: Some(&of), path: &path })
    }

    #[test]
    fn a_client_leases_for_its_teams_and_their_parts_and_does_nothing_else() {
        let sync = who(Role::Client, &[("eu", "sync")]);
        assert!(may(&sync, Action::Lease, "eu", &["sync"]));
        assert!(may(&sync, Action::Lease, "eu", &["sync-fast", "sync"]));
        assert!(!may(&sync, Action::Lease, "eu", &["support"]));
        assert!(!may(&sync, Action::Lease, "us", &["sync"]));
        for action in [Action::Read, Action::List, Action::Administer] {
            assert!(!may(&sync, action, "eu", &["sync"]), "{action:?}");
        }
    }

    #[test]
    fn a_scope_of_a_whole_workspace_or_of_all_holds_every_team() {
        assert!(may(&who(Role::Client, &[("eu", "")]), Action::Lease, "eu", &["a", "b"]));
        assert!(may(&who(Role::Client, &[("*", "a")]), Action::Lease, "us", &["a"]));
        assert!(!may(&who(Role::Client, &[("*", "a")]), Action::Lease, "us", &["b"]));
        assert!(!may(&who(Role::Client, &[]), Action::Lease, "eu", &["a"]));
    }

    #[test]
    fn an_observer_looks_and_an_administrator_does_everything() {
        let observer = who(Role::Observer, &[("eu", "")]);
        assert!(may(&observer, Action::Read, "eu", &[]) && may(&observer, Action::List, "eu", &[]));
        assert!(!may(&observer, Action::Read, "us", &[]));
        assert!(
            !may(&observer, Action::Lease, "eu", &["a"]) && !may(&observer, Action::Administer, "eu", &[])
        );
        for action in [Action::Lease, Action::Read, Action::List, Action::Administer] {
            assert!(may(&who(Role::Admin, &[]), action, "eu", &["a"]), "{action:?}");
        }
    }

    #[test]
    fn any_scope_in_a_workspace_suffices_for_its_signals() {
        for role in [Role::Client, Role::Observer] {
            let sync = who(role, &[("eu", "sync")]);
            assert!(may(&sync, Action::Signals, "eu", &[]) && !may(&sync, Action::Signals, "us", &[]));
            assert!(may(&who(role, &[("*", "sync")]), Action::Signals, "us", &[]));
            assert!(!may(&who(role, &[]), Action::Signals, "eu", &[]));
        }
        assert!(may(&who(Role::Admin, &[]), Action::Signals, "eu", &[]));
    }

    #[test]
    fn a_scope_of_one_team_does_not_hold_the_workspace_as_a_whole() {
        assert!(!may(&who(Role::Observer, &[("eu", "sync")]), Action::Read, "eu", &[]));
    }

    #[test]
    fn every_method_of_the_contract_has_a_rule_and_no_other_has() {
        use prost::Message;
        let set = prost_types::FileDescriptorSet::decode(apportion_proto::FILE_DESCRIPTOR_SET)
            .expect("descriptors");
        let files = set.file.iter().filter(|file| file.package() == "apportion.v1");
        let services = files.flat_map(|file| file.service.iter());
        let mut methods = 0;
        for service in services {
            for method in &service.method {
                methods += 1;
                let name = format!("apportion.v1.{}", service.name());
                assert!(action_of(&name, method.name()).is_some(), "{name}/{} has no rule", method.name());
            }
        }
        assert!(methods >= 19, "only {methods} methods were found");
        assert_eq!(action_of("apportion.v1.AdminService", "Format"), None);
        assert_eq!(action_of("grpc.health.v1.Health", "Check"), None);
    }
}
