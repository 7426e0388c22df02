//! Domains of Envoy as they are configured.

use super::field::{name_or, text};
use super::lease::{DEFAULT_NAME, MAX_WAIT};
use super::names::{self, DomainId};
use super::time::{duration, optional_span};
use crate::error::FieldError;
use apportion_core::ids::{TeamId, WorkspaceId};
use apportion_core::time::Span;
use apportion_proto::v1;

/// The longest key, in bytes.
const KEY_LONGEST: usize = 128;
/// The keys of a domain that names none.
const DEFAULT_KEYS: (&str, &str, &str) = ("team", "priority", "caller");

/// A domain, with every default applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DomainPolicy {
    /// The workspace whose budget its requests draw on.
    pub(crate) workspace: WorkspaceId,
    /// The key whose value names the team.
    pub(crate) team_key: String,
    /// The key whose value names the priority.
    pub(crate) priority_key: String,
    /// The key whose value names the caller.
    pub(crate) caller_key: String,
    /// The team of what names no known one.
    pub(crate) default_team: TeamId,
    /// Whether such requests are over the limit instead.
    pub(crate) refuse_unknown: bool,
    /// How long a request of RLS may wait; nothing is "now or never".
    pub(crate) max_wait: Span,
}

/// A domain as the server has it.
///
/// # Errors
/// [`FieldError`] where a field is malformed or out of its bounds, or a key names two things.
pub(crate) fn domain_policy(domain: &v1::Domain) -> Result<DomainPolicy, FieldError> {
    let (team, priority, caller) = DEFAULT_KEYS;
    let policy = DomainPolicy {
        workspace: names::workspace("workspace", &domain.workspace)?,
        team_key: key("team_key", &domain.team_key, team)?,
        priority_key: key("priority_key", &domain.priority_key, priority)?,
        caller_key: key("caller_key", &domain.caller_key, caller)?,
        default_team: name_or("default_team", &domain.default_team, DEFAULT_NAME)?,
        refuse_unknown: domain.refuse_unknown,
        max_wait: optional_span("max_wait", domain.max_wait.as_ref(), Span::ZERO, MAX_WAIT)?
            .unwrap_or(Span::ZERO),
    };
    let DomainPolicy { team_key, priority_key, caller_key, .. } = &policy;
    let twice = |path, of: &str| Err(FieldError::new(path, format!("must differ from {of}")));
    match () {
        () if priority_key == team_key => twice("priority_key", "team_key"),
        () if caller_key == team_key => twice("caller_key", "team_key"),
        () if caller_key == priority_key => twice("caller_key", "priority_key"),
        () => Ok(policy),
    }
}

fn key(path: &str, held: &str, default: &str) -> Result<String, FieldError> {
    let held = if held.is_empty() { default } else { held };
    text(path, held, KEY_LONGEST).map(str::to_owned)
}

/// A domain as it goes over the wire, with every default written out. Its etag and its times are for the caller to set.
pub(crate) fn wire_domain(id: &DomainId, policy: &DomainPolicy) -> v1::Domain {
    let DomainPolicy {
        workspace,
        team_key,
        priority_key,
        caller_key,
        default_team,
        refuse_unknown,
        max_wait,
    } = policy;
    v1::Domain {
        name: names::domain_name(id),
        etag: String::new(),
        create_time: None,
        update_time: None,
        workspace: names::workspace_name(workspace),
        team_key: team_key.clone(),
        priority_key: priority_key.clone(),
        caller_key: caller_key.clone(),
        default_team: default_team.to_string(),
        refuse_unknown: *refuse_unknown,
        max_wait: (*max_wait > Span::ZERO).then(|| duration(*max_wait)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> v1::Domain {
        v1::Domain { workspace: "workspaces/eu".into(), ..v1::Domain::default() }
    }

    fn refused(domain: &v1::Domain) -> String {
        domain_policy(domain).expect_err("it is refused").to_string()
    }

    #[test]
    fn what_is_left_out_has_its_default_and_comes_back_written_out() {
        let policy = domain_policy(&domain()).expect("it is allowed");
        let id = DomainId::new("mesh").expect("a name");
        let written = wire_domain(&id, &policy);
        assert_eq!(
            (&*written.name, &*written.team_key, &*written.default_team),
            ("domains/mesh", "team", "default")
        );
        assert_eq!(
            (&*written.priority_key, &*written.caller_key, written.max_wait),
            ("priority", "caller", None)
        );
        assert_eq!(domain_policy(&written), Ok(policy));
    }

    #[test]
    fn a_fault_names_the_field_and_what_is_allowed() {
        assert_eq!(refused(&v1::Domain::default()), "workspace: must not be absent");
        let long = v1::Domain { team_key: "k".repeat(129), ..domain() };
        assert_eq!(refused(&long), "team_key: must be at most 128 bytes, got 129");
        let twice = v1::Domain { caller_key: "team".into(), ..domain() };
        assert_eq!(refused(&twice), "caller_key: must differ from team_key");
        let odd = v1::Domain { default_team: "a/b".into(), ..domain() };
        assert!(refused(&odd).starts_with("default_team: the character '/' at byte 1 is not allowed"));
        let wait = v1::Domain { max_wait: Some(duration(Span::from_secs(3601))), ..domain() };
        assert!(refused(&wait).starts_with("max_wait: must be between 0ns and 3600s"), "{}", refused(&wait));
    }
}
