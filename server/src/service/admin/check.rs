//! The check of a policy before it is stored.

use crate::convert::workspace::policy_field;
use crate::error::Error;
use apportion_core::policy::{Policy, PolicyError};

/// Checks a policy against every rule, and against its budget unless it may exceed it. Returns warnings. `under` is the path of
/// the resource in the request.
///
/// # Errors
/// [`Error::Policy`] with the field at fault, or [`Error::Overcommitted`].
pub(crate) fn check(policy: &Policy, under: &str, allow_overcommit: bool) -> Result<Vec<String>, Error> {
    policy.check().map_err(|error: PolicyError| {
        let field = format!("{under}.{}", policy_field(policy, &error));
        Error::Policy { error, field }
    })?;
    let promised = policy.promised();
    if !promised.is_too_much() {
        return Ok(Vec::new());
    }
    let error = Error::Overcommitted { needed: promised.needed, budget: promised.budget };
    if allow_overcommit {
        Ok(vec![format!("{error}: reservations shrink in proportion")])
    } else {
        Err(error)
    }
}
