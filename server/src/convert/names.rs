//! Names of resources, `workspaces/{workspace}/teams/{team}`, and of pages of lists.

use super::field::{Name, name, out_of_range, text};
use crate::error::FieldError;
use apportion_core::ids::{NameError, NodeId, TeamId, WorkspaceId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// The longest page token, in bytes.
const PAGE_TOKEN_LONGEST: usize = 1024;
/// Elements of a page that asks for no number of them.
const PAGE_DEFAULT: usize = 100;
/// Most elements of a page.
const PAGE_MAX: usize = 1000;

/// An id of the same form as that of a workspace.
macro_rules! plain_id {
    ($(#[$doc:meta])* $visibility:vis struct $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility struct $name(WorkspaceId);

        impl $name {
            /// Checks and takes a bare id.
            ///
            /// # Errors
            /// [`NameError`] where it is empty, too long, or has a character that is not allowed.
            $visibility fn new(id: &str) -> Result<Self, NameError> {
                WorkspaceId::new(id).map(Self)
            }

            /// The bare id.
            $visibility fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl Name for $name {
            fn check(name: &str) -> Result<Self, NameError> {
                Self::new(name)
            }

            fn text(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

plain_id! {
    /// The id of a token.
    pub(crate) struct TokenId
}
plain_id! {
    /// The id of a domain.
    pub(crate) struct DomainId
}

/// `workspaces/{workspace}`.
pub(crate) fn workspace_name(workspace: &WorkspaceId) -> String {
    format!("workspaces/{workspace}")
}

/// `workspaces/{workspace}/teams/{team}`.
pub(crate) fn team_name(workspace: &WorkspaceId, team: &TeamId) -> String {
    format!("workspaces/{workspace}/teams/{team}")
}

/// `tokens/{token}`.
pub(crate) fn token_name(token: &TokenId) -> String {
    format!("tokens/{token}")
}

/// `nodes/{node}`.
pub(crate) fn node_name(node: &NodeId) -> String {
    format!("nodes/{node}")
}

/// `domains/{domain}`.
pub(crate) fn domain_name(domain: &DomainId) -> String {
    format!("domains/{domain}")
}

/// The id of a new workspace, as `CreateWorkspace` names it.
///
/// # Errors
/// [`FieldError`] where it is missing or malformed.
pub(crate) fn workspace_id(path: &str, id: &str) -> Result<WorkspaceId, FieldError> {
    name(path, id)
}

/// The id of a new team, as `CreateTeam` names it.
///
/// # Errors
/// [`FieldError`] where it is missing or malformed.
pub(crate) fn team_id(path: &str, id: &str) -> Result<TeamId, FieldError> {
    name(path, id)
}

/// The id of a new token, as `CreateToken` names it.
///
/// # Errors
/// [`FieldError`] where it is missing or malformed.
pub(crate) fn token_id(path: &str, id: &str) -> Result<TokenId, FieldError> {
    name(path, id)
}

/// The id of a new domain, as `CreateDomain` names it.
///
/// # Errors
/// [`FieldError`] where it is missing or malformed.
pub(crate) fn domain_id(path: &str, id: &str) -> Result<DomainId, FieldError> {
    name(path, id)
}

/// The workspace of a name such as `workspaces/default`.
///
/// # Errors
/// [`FieldError`] where the name is missing or has another form.
pub(crate) fn workspace(path: &str, held: &str) -> Result<WorkspaceId, FieldError> {
    let [workspace] = parts(path, held, ["workspaces"])?;
    name(path, workspace)
}

/// The workspace and the team of a name such as `workspaces/default/teams/sync`.
///
/// # Errors
/// [`FieldError`] where the name is missing or has another form.
pub(crate) fn team(path: &str, held: &str) -> Result<(WorkspaceId, TeamId), FieldError> {
    let [workspace, team] = parts(path, held, ["workspaces", "teams"])?;
    Ok((name(path, workspace)?, name(path, team)?))
}

/// The token of a name such as `tokens/ci`.
///
/// # Errors
/// [`FieldError`] where the name is missing or has another form.
pub(crate) fn token(path: &str, held: &str) -> Result<TokenId, FieldError> {
    let [token] = parts(path, held, ["tokens"])?;
    name(path, token)
}

/// The node of a name such as `nodes/a`.
///
/// # Errors
/// [`FieldError`] where the name is missing or has another form.
pub(crate) fn node(path: &str, held: &str) -> Result<NodeId, FieldError> {
    let [node] = parts(path, held, ["nodes"])?;
    name(path, node)
}

/// The domain of a name such as `domains/mesh`.
///
/// # Errors
/// [`FieldError`] where the name is missing or has another form.
pub(crate) fn domain(path: &str, held: &str) -> Result<DomainId, FieldError> {
    let [domain] = parts(path, held, ["domains"])?;
    name(path, domain)
}

/// The ids of a name that goes through `collections`.
fn parts<'a, const N: usize>(
    path: &str,
    held: &'a str,
    collections: [&str; N],
) -> Result<[&'a str; N], FieldError> {
    if held.is_empty() {
        return Err(FieldError::missing(path));
    }
    let malformed = || {
        let form = collections.map(|plural| format!("{plural}/{{{}}}", plural.trim_end_matches('s')));
        FieldError::new(path, format!("malformed, the form is {}", form.join("/")))
    };
    let (mut segments, mut ids) = (held.split('/'), [""; N]);
    for (collection, id) in collections.iter().zip(&mut ids) {
        if segments.next() != Some(collection) {
            return Err(malformed());
        }
        *id = segments.next().ok_or_else(malformed)?;
    }
    if segments.next().is_some() { Err(malformed()) } else { Ok(ids) }
}

/// How many elements a page may have.
///
/// # Errors
/// [`FieldError`] where the number is negative.
pub(crate) fn page_size(size: i32) -> Result<usize, FieldError> {
    match usize::try_from(size) {
        Ok(0) => Ok(PAGE_DEFAULT),
        Ok(size) => Ok(size.min(PAGE_MAX)),
        Err(_) => Err(out_of_range("page_size", size, "between 0 and 2147483647")),
    }
}

/// The token of the page after the element `last` of a list, whose other arguments are `list`.
pub(crate) fn page_token(list: &[&str], last: &str) -> String {
    URL_SAFE_NO_PAD.encode([&digest(list, last).to_le_bytes(), last.as_bytes()].concat())
}

/// A page token that is not one of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadPageToken;

/// The element behind which a page starts; `None` starts at the first.
///
/// # Errors
/// [`BadPageToken`] where the token is not one that [`page_token`] made for the same list.
pub(crate) fn page_start(list: &[&str], token: &str) -> Result<Option<String>, BadPageToken> {
    if token.is_empty() {
        return Ok(None);
    }
    text("page_token", token, PAGE_TOKEN_LONGEST).map_err(|_| BadPageToken)?;
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| BadPageToken)?;
    let (sum, last) = bytes.split_first_chunk().ok_or(BadPageToken)?;
    let last = std::str::from_utf8(last).map_err(|_| BadPageToken)?;
    if digest(list, last) == u64::from_le_bytes(*sum) { Ok(Some(last.into())) } else { Err(BadPageToken) }
}

/// A sum that is the same on every node and in every version (FNV-1a). It detects mistakes, not forgeries: a forged token only starts
/// at another place of a list that its sender may see.
fn digest(list: &[&str], last: &str) -> u64 {
    let bytes = list.iter().chain([&last]).flat_map(|part| part.bytes().chain([0xff])); // 0xff is in no text
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_as_it_went_out() {
        let (w, t) = team("name", "workspaces/default/teams/sync").expect("a name");
        assert_eq!(team_name(&w, &t), "workspaces/default/teams/sync");
        assert_eq!(workspace("name", &workspace_name(&w)), Ok(w));
        assert_eq!(token_name(&token("name", "tokens/ci").expect("a name")), "tokens/ci");
        assert_eq!(node_name(&node("name", "nodes/a").expect("a name")), "nodes/a");
    }

    #[test]
    fn a_name_of_another_form_is_refused_with_the_form() {
        for odd in ["workspaces", "teams/x", "workspaces/a/", "workspaces/a/b", "/workspaces/a", "a"] {
            let told = workspace("parent", odd).expect_err("it is refused").to_string();
            assert_eq!(told, "parent: malformed, the form is workspaces/{workspace}");
        }
        for odd in
            ["workspaces//teams/x", "workspaces/a/teams/", "workspaces/a/teams/x/y", "tokens/a/teams/x"]
        {
            assert!(team("name", odd).is_err(), "{odd}");
        }
        assert_eq!(token("name", ""), Err(FieldError::missing("name")));
    }

    #[test]
    fn a_page_token_is_good_for_its_own_list_only() {
        let token = page_token(&["ListTeams", "workspaces/a"], "sync");
        assert_eq!(page_start(&["ListTeams", "workspaces/a"], &token), Ok(Some("sync".into())));
        assert_eq!(page_start(&["ListTeams", "workspaces/b"], &token), Err(BadPageToken));
        assert_eq!(page_start(&["ListTeams", "workspaces/a"], ""), Ok(None));
        for odd in ["?", "AA", &"A".repeat(1025), &token[1..]] {
            assert_eq!(page_start(&["ListTeams", "workspaces/a"], odd), Err(BadPageToken));
        }
    }

    #[test]
    fn a_page_has_100_elements_or_as_many_as_asked_for_up_to_1000() {
        assert_eq!([0, 1, 1000, i32::MAX].map(page_size), [Ok(100), Ok(1), Ok(1000), Ok(1000)]);
        assert!(page_size(-1).is_err());
    }
}
