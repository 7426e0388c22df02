//! Which documents of a store can be read: a copy is only as good as what was copied.

use super::catalog::{AUDIT_PREFIX, PLACEMENT, readable};
use super::record;

/// A document that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// Its key.
    pub key: String,
    /// What is wrong with it.
    pub why: String,
    /// Whether a server cannot start or run without it. Other documents are shown as unreadable where they are listed.
    pub is_vital: bool,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} cannot be read: {}", self.key, self.why)
    }
}

/// What is wrong with a document, where something is.
pub(super) fn unreadable(key: &str, value: &[u8]) -> Option<Unreadable> {
    let read = if key.starts_with(record::CLAIMS) {
        record::decode_claim(value).map(|_| ()).map_err(|error| error.to_string())
    } else if key.starts_with(record::MARKS) {
        record::decode_marks(key, value).map(|_| ()).map_err(|error| error.to_string())
    } else {
        readable(key, value)
    };
    let why = read.err()?;
    Some(Unreadable {
        key: key.into(),
        why,
        is_vital: !key.starts_with(AUDIT_PREFIX) && !key.starts_with(PLACEMENT),
    })
}

#[cfg(test)]
mod tests {
    use super::super::catalog::{Document, KeptToken};
    use super::*;
    use apportion_core::ids::{NodeId, WorkspaceId};
    use apportion_core::ledger::{Claim, Marks};
    use apportion_proto::v1;
    use prost::Message;

    /// Documents of each kind, as they are stored.
    fn documents() -> Vec<(String, Vec<u8>)> {
        let claim = Claim::first(NodeId::new("n").expect("a name"), 1, 2);
        let id = WorkspaceId::new("default").expect("a name");
        let marks = record::encode_marks(&Marks::first(id.clone()));
        let token = v1::Token { name: "tokens/t".into(), note: "for".into(), ..v1::Token::default() };
        let kept = KeptToken { token, secret_sha256: [7; 32] };
        let entry =
            v1::AuditEntry { name: "auditEntries/1".into(), method: "M".into(), ..Default::default() };
        let workspace = v1::Workspace { name: "workspaces/default".into(), ..crate::preset::intercom() };
        let domain =
            v1::Domain { name: "domains/mesh".into(), team_key: "team".into(), ..Default::default() };
        vec![
            (record::claim_key(3), record::encode_claim(&claim)),
            (record::marks_key(3, &id), marks),
            ("token/t".into(), Document::Token { token: "t".into(), value: kept }.bytes()),
            ("audit/00000000000000000001".into(), entry.encode_to_vec()),
            ("workspace/default".into(), workspace.encode_to_vec()),
            ("domain/mesh".into(), domain.encode_to_vec()),
        ]
    }

    #[test]
    fn what_is_stored_can_be_read_and_what_is_not_of_its_key_cannot() {
        for (key, value) in documents() {
            assert_eq!(unreadable(&key, &value), None);
            let other = unreadable("team/w/t", &value).expect("it is no team");
            assert!(other.is_vital && other.to_string().starts_with("team/w/t cannot be read: "), "{other}");
        }
        assert_eq!(unreadable("probe", b"anything"), None);
    }

    #[test]
    fn no_bytes_of_a_store_make_their_reader_panic() {
        let documents = documents();
        let mut refused = 0;
        let cases = apportion_fuzz::fuzz(|noise| {
            let (key, value) = &documents[noise.below(documents.len())];
            let found = unreadable(key, &noise.changed(value));
            refused += u64::from(found.is_some());
        });
        assert!(refused > cases / 20, "{refused} of {cases} were refused: nothing was shown");
    }
}
